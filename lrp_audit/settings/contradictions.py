"""Settings that are each allowed and together make no sense: each as its key and a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lrp_audit.settings.letter_config import CONTACTS, ContactSection
from lrp_audit.settings.retention_config import contradictions as of_retention
from lrp_audit.settings.toml_errors import Key, did_you_mean, dotted
from lrp_audit.settings.variations_config import contradictions as of_variations

if TYPE_CHECKING:
    from lrp_audit.settings.config import AuditConfig


def contradictions(config: AuditConfig) -> Iterator[tuple[Key, str]]:
    """Settings that are each allowed and together make no sense: key and sentence."""
    for check in (_model, _reference, _decision, _families, _texts, _contacts, _review):
        yield from check(config)
    yield from of_variations(config.columns)
    yield from of_retention(config.retention, config.documents.letter)


def _model(config: AuditConfig) -> Iterator[tuple[Key, str]]:
    model = config.model
    if model.columns and model.inputs:
        yield ("model", "inputs"), "model.inputs and model.columns exclude each other; give the one the model takes."
    for name, values in {"columns": model.columns, "classes": model.classes}.items():
        if repeated := sorted({value for value in values if values.count(value) > 1}):
            yield ("model", name), f"model.{name} names '{repeated[0]}' twice; every name stands for one of them."
    known = [*model.columns, *(column for columns in model.inputs.values() for column in columns)]
    if known and model.preprocessor is None:
        for column in config.columns:
            if column not in known:
                hint = did_you_mean(column, known) or "; add it there or remove it here."
                yield ("columns", column), f"model.columns has no '{column}'{hint}"


def _reference(config: AuditConfig) -> Iterator[tuple[Key, str]]:
    coalitions = config.reference.representation == "coalitions"
    if coalitions and (config.explanation.rules != "lrp0" or config.explanation.method != "lrp"):
        yield (
            ("reference", "representation"),
            'reference.representation = "coalitions" is for LRP with rules that lose nothing: set explanation.method '
            'to "lrp" and explanation.rules to "lrp0".',
        )
    if config.text is not None and config.explanation.method != "lrp":
        yield (
            ("explanation", "method"),
            f'explanation.method = "{config.explanation.method}" is for tables; a text is explained by "lrp".',
        )


def _decision(config: AuditConfig) -> Iterator[tuple[Key, str]]:
    decision, classes = config.decision, config.model.classes
    if decision.cutoff_on == "probability" and decision.cutoff is not None and not 0 < decision.cutoff < 1:
        yield (
            ("decision", "cutoff"),
            f"decision.cutoff must lie between 0 and 1, both excluded, as a probability, not {decision.cutoff}; "
            'on another scale set decision.cutoff_on to "margin" or "value".',
        )
    if decision.cutoff_on == "value" and decision.adverse not in {None, "above", "below"}:
        yield (
            ("decision", "adverse"),
            f'decision.adverse must be "above" or "below" for a cutoff on a value, not "{decision.adverse}".',
        )
    for name, value in {"adverse": decision.adverse, "label": decision.label}.items():
        if classes and decision.cutoff_on != "value" and value is not None and value not in classes:
            hint = did_you_mean(value, classes) or f"; allowed: {', '.join(classes)}."
            yield ("decision", name), f"decision.{name}: model.classes has no '{value}'{hint}"


def _families(config: AuditConfig) -> Iterator[tuple[Key, str]]:
    used = {config.family_of(column) for column in config.columns}
    if config.text is not None:
        used.update(config.text.reasons)
    for name, family in config.families.items():
        if name not in used and not family.columns:
            hint = did_you_mean(name, used) or f"; list its columns as {dotted(('families', name, 'columns'))}."
            yield ("families", name), f"no column belongs to {dotted(('families', name))}{hint}"
        for column in family.columns:
            if (other := config.family_of(column)) != name:
                key = ("families", name, "columns")
                yield key, f"{dotted(key)} names '{column}', which belongs to the family '{other}'; it can have one."


_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")  # BCP 47, as far as letters need it


def _texts(config: AuditConfig) -> Iterator[tuple[Key, str]]:
    language = config.documents.language
    if not _LANGUAGE.fullmatch(language):
        key: Key = ("documents", "language")
        yield key, f"documents.language must be a language code such as en or de-AT, not '{language}'."
    for name, family in config.families.items():
        for field in ("text", "text_low", "text_high"):
            for code, text in getattr(family, field).items():
                key = ("families", name, field, code)
                if not _LANGUAGE.fullmatch(code):
                    yield key, f"{dotted(key)}: '{code}' is no language code such as en or de-AT."
                elif not text.strip():
                    yield key, f"{dotted(key)} is empty; write the statement or remove the key."
                elif code not in family.text:
                    neutral = dotted(("families", name, "text", code))
                    yield key, f"{dotted(key)} needs {neutral}, which is printed where the direction test fails."


def _review(config: AuditConfig) -> Iterator[tuple[Key, str]]:
    if config.documents.review == "required" and config.automation is not None and config.automation.role == "sole":
        yield (
            ("automation", "role"),
            'automation.role = "sole" says that no person takes part, and documents.review = "required" that '
            'one upholds each of them: set automation.role = "assisted", or review = "optional".',
        )


def _contacts(config: AuditConfig) -> Iterator[tuple[Key, str]]:
    for name in CONTACTS:
        contact: ContactSection | None = getattr(config, name)
        if contact is not None and not (contact.name.strip() and any(line.strip() for line in contact.address)):
            yield (name,), f"[{name}] needs a name and at least one line of address."
    for number, creditor in enumerate(config.creditors, start=1):
        if not (creditor.name.strip() and any(line.strip() for line in creditor.address)):
            yield ("creditors",), f"[[creditors]], number {number}, needs a name and at least one line of address."
    documents = config.documents
    if documents.oral_reasons and documents.reasons != "on-request":
        key = ("documents", "oral_reasons")
        yield key, 'documents.oral_reasons needs documents.reasons = "on-request": stated reasons are in writing.'
    score = config.credit_score
    if score is not None and score.low >= score.high:
        yield (
            ("credit_score", "low"),
            f"credit_score.low must be less than credit_score.high, not {score.low} and {score.high}.",
        )
    approval = config.approval
    for name in ("by", "version"):
        if approval is not None and not getattr(approval, name).strip():
            yield ("approval", name), f"approval.{name} is empty; say who approved the texts and which version."
