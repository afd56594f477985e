"""audit.toml: the settings of one model's explanations, as checked, immutable values.

Everything but `[model] file`, `[decision] adverse` and `[decision] cutoff` has a default. Keys are documented where
they stand; error messages are made from these models.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import rfc8785
from pydantic import Field, PrivateAttr, ValidationError, model_validator

from lrp_audit.errors import ConfigError
from lrp_audit.settings.branding import BrandingSection
from lrp_audit.settings.letter_config import CONTACTS, AutomationSection, ContactSection, DatabaseSection, ReviewSection
from lrp_audit.settings.section import Section
from lrp_audit.settings.signing_config import SigningSection
from lrp_audit.settings.text_config import TextSection
from lrp_audit.settings.toml_errors import Key, describe, did_you_mean, dotted, key_lines
from lrp_audit.settings.variations_config import VariableSection, VariationsSection, contradictions

Seed = Annotated[int, Field(ge=0, lt=2**32)]


class ModelSection(Section):
    """What is explained. Provenance that is missing is printed as 'not supplied', or refuses where a rule needs it."""

    file: str  # path, relative to audit.toml
    name: str | None = None
    version: str | None = None
    code: str | None = None  # package.module:Class, for safetensors weights
    preprocessor: str | None = None  # fitted scikit-learn transformer in front of a torch model (.skops)
    columns: tuple[str, ...] = ()  # input columns of a torch model that takes one float tensor, in order
    inputs: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # several tensors: input name -> its columns
    classes: tuple[str, ...] = ()  # class names of a torch model's outputs, in order
    owner: str | None = None
    intended_use: str | None = None
    known_limits: str | None = None
    validation_date: dt.date | None = None


class DecisionSection(Section):
    """Which output is a refusal, and where the line runs."""

    adverse: str | None = None  # class label that means refusal; for a regressor "above" or "below"
    label: str | None = None  # multi-label models: the label decided on
    cutoff: float | None = None  # refusal at or above; default 0.5 probability, or margin 0
    cutoff_on: Literal["probability", "margin", "value"] = "probability"
    against: Literal["runner-up", "others"] = "others"  # several classes: the margin is over this
    recorded_adverse: tuple[str, ...] = ()  # values of facts.outcome that mean refusal; default: the label `adverse`


class FactsSection(Section):
    """Columns of the data that are facts about a decision and not inputs of the model: fact -> column name."""

    id: str | None = None
    name: str | None = None
    address: str | None = None
    product: str | None = None
    amount: str | None = None
    application_date: str | None = None
    completion_date: str | None = None
    decision_date: str | None = None
    sent_date: str | None = None
    age: str | None = None  # years at decision, for the age-62 check (RS-12)
    decided_by: str | None = None  # score, rule or human
    decided_reasons: str | None = None  # reasons supplied by the rule or the person, ";"-separated
    action: str | None = None  # denied, counteroffer or incomplete: what a US notice is about
    counteroffer_terms: str | None = None  # terms offered instead, ";"-separated (US-11)
    counteroffer_accept_by: str | None = None
    counteroffer_date: str | None = None  # of an earlier counteroffer that the applicant has not accepted
    missing_items: str | None = None  # what an incomplete application lacks, ";"-separated
    respond_by: str | None = None  # by when it has to be supplied
    primary_applicant: str | None = None  # yes/no: of joint applicants the addressee is the primary one (US-12)
    bureau_score: str | None = None
    bureau_score_date: str | None = None
    bureau_key_factors: str | None = None  # ";"-separated, in the bureau's order
    bureau_inquiries_factor: str | None = None  # yes/no: inquiries were a key factor beyond the four
    consumer_report_used: str | None = None  # yes/no, where it differs by row
    outside_information_used: str | None = None  # yes/no (US-10)
    database_result: str | None = None  # what a search of [database] found, in the applicant's language (EU-10)
    reference: str | None = None  # number to quote, printed in letters
    outcome: str | None = None  # recorded outcome
    score: str | None = None  # recorded score, on the scale of `cutoff_on`
    model_version: str | None = None  # recorded model version


class ReferenceSection(Section):
    """Who an applicant is compared with (RS-06, RS-07)."""

    population: Literal["near_cutoff", "all_applicants", "zero"] = "near_cutoff"
    representation: Literal["members", "centroid", "coalitions"] = "members"
    data: str | None = None  # CSV or Parquet; default: the explained data itself
    date: dt.date | None = None  # of that data; needed for a letter
    size: int = Field(200, ge=50, le=1_000_000)  # of near_cutoff
    members: int = Field(64, ge=1, le=4096)
    seed: Seed = 0
    max_age_days: int = Field(365, ge=1)


class ExplanationSection(Section):
    """How decisions are explained (design, section 2). Methods other than LRP are for tables only."""

    method: Literal["lrp", "integrated-gradients", "shapley"] = "lrp"
    rules: str = "lrp0"  # preset name
    epsilon: float | None = Field(None, gt=0)
    steps: int = Field(16, ge=1, le=256)  # of integrated gradients, from each member
    permutations: int = Field(2, ge=1, le=1024)  # of Shapley sampling: pairs of opposite ones for each member
    seed: Seed = 0  # of Shapley sampling


class ColumnSection(VariableSection):
    """What a person calls a column, and what may be done with it."""

    label: str | None = None
    unit: str | None = None
    family: str | None = None  # default: a family of its own
    source: str | None = None  # where the value came from, e.g. "application form"
    protected: Literal["no", "prohibited", "special", "age"] = "no"
    values: dict[str, str] = Field(default_factory=dict)  # code -> words
    decimals: int | None = Field(None, ge=0, le=12)


class FamilySection(Section):
    """One reason family: its name for reviewers and its approved wording per language."""

    label: str | None = None
    columns: tuple[str, ...] = ()  # its columns; the short form of `family` in every one of them
    text: dict[str, str] = Field(default_factory=dict)  # language -> neutral approved statement
    text_low: dict[str, str] = Field(default_factory=dict)  # used only if the direction test passes: value too low
    text_high: dict[str, str] = Field(default_factory=dict)  # ... value too high
    code: str | None = None  # the lender's own reason code


class ApprovalSection(Section):
    """Who approved the wording above and the legal texts used. Without it only drafts are written."""

    by: str
    on: dt.date
    version: str
    texts_version: str | None = None  # version of the shipped legal texts that was approved; if given it must match


class InstitutionSection(ContactSection):
    """The creditor (US-03)."""

    contact: str | None = None  # whom to ask, e.g. "Credit Review Department"
    agency: str | None = None  # id of an Appendix A agency in templates/texts, or see [agency]


class CreditScoreSection(Section):
    """The bureau score printed under US-09."""

    source: str
    low: int = Field(ge=0, le=9999)
    high: int = Field(ge=0, le=9999)


class ChecksSection(Section):
    """Thresholds; crossing one refuses or flags as said here."""

    level: Literal["letter", "full"] = "letter"  # full: the checks that cost more than the explanation as well
    random_families: int = Field(20, ge=5, le=1000)  # random draws the stated reasons are held against
    near_tie: float = Field(0.02, ge=0)  # relative gap between last stated and first unstated family
    protected_share: float = Field(0.05, ge=0, le=1)  # of what counts against: refuses at or above
    second_reference_overlap: int = Field(3, ge=0, le=6)  # of the stated reasons kept: flags below
    gradients_overlap: int = Field(2, ge=0, le=6)  # of them that integrated gradients put first too: flags below
    stability_overlap: int = Field(3, ge=0, le=6)  # of them that survive rounding of the inputs: flags below
    curves: float = 0.0  # normalised area of deletion and insertion, 0 for chance: flags below
    score_tolerance: float | None = Field(None, ge=0)  # of recorded scores; default: the estimator's own
    seed: Seed = 0


class DocumentsSection(Section):
    letter: Literal["us-notice", "eu-letter", "uk-letter"] = "us-notice"
    language: str = "en"  # of letters, labels and values; en, de, fr or es
    audit_language: str | None = None  # of internal documents; default: English beside a US notice, else `language`
    max_reasons: int = Field(4, ge=1, le=6)
    reasons: Literal["stated", "on-request"] = "stated"  # a US notice states them, or the right to them (US-06)
    oral_reasons: bool = False  # asked for, they are given orally: the notice offers to confirm them (US-07)
    review: Literal["optional", "required"] = "optional"  # required: no letter before a person has upheld the record
    key_file: str = "audit.key"  # secret for pseudonyms and file names; made on first use, beside audit.toml
    extra_fonts: tuple[str, ...] = ()
    templates: str | None = None  # folder of your own templates, relative to audit.toml; `template copy` makes one


class AuditConfig(Section):
    """A whole audit.toml."""

    model: ModelSection
    decision: DecisionSection = DecisionSection()
    facts: FactsSection = FactsSection()
    reference: ReferenceSection = ReferenceSection()
    explanation: ExplanationSection = ExplanationSection()
    columns: dict[str, ColumnSection] = Field(default_factory=dict)
    families: dict[str, FamilySection] = Field(default_factory=dict)
    approval: ApprovalSection | None = None
    institution: InstitutionSection | None = None
    agency: ContactSection | None = None  # overrides institution.agency
    creditors: tuple[ContactSection, ...] = ()  # on whose behalf a third party gives the notice (US-12)
    consumer_reporting_agency: ContactSection | None = None
    credit_score: CreditScoreSection | None = None
    automation: AutomationSection | None = None
    review: ReviewSection | None = None
    data_protection_officer: ContactSection | None = None
    supervisory_authority: ContactSection | None = None
    debt_advice: ContactSection | None = None
    database: DatabaseSection | None = None
    checks: ChecksSection = ChecksSection()
    variations: VariationsSection = VariationsSection()
    documents: DocumentsSection = DocumentsSection()
    branding: BrandingSection = BrandingSection()
    text: TextSection | None = None  # a text that the model reads
    signing: SigningSection | None = None
    _folder: Path = PrivateAttr(default_factory=Path)

    @model_validator(mode="after")
    def _columns_of_families(self) -> AuditConfig:
        """Write every `families.F.columns` into those columns' `family`, the one place it is read from."""
        for name, family in self.families.items():
            for column in family.columns:
                section = self.columns.get(column, ColumnSection())
                if section.family is None:
                    self.columns[column] = section.model_copy(update={"family": name})
        return self

    @property
    def folder(self) -> Path:
        """Where audit.toml lies: its paths are relative to it. The working directory for settings made in code."""
        return self._folder

    @property
    def internal_language(self) -> str:
        """The language of internal documents: a US lender is examined in English, whatever its applicants read."""
        documents = self.documents
        if documents.audit_language is not None:
            return documents.audit_language
        return "en" if documents.letter == "us-notice" else documents.language

    @property
    def searches_variations(self) -> bool:
        """Whether variations are searched for.

        By default they are; but of a text, where that costs several times the explanation, only if the letter states
        them (EU-06).
        """
        asked = self.variations.search
        return (self.text is None or self.documents.letter != "us-notice") if asked is None else asked

    def family_of(self, column: str) -> str:
        """The reason family of a column; a column that names none is a family of its own."""
        section = self.columns.get(column)
        return column if section is None or section.family is None else section.family


def load(path: str | Path) -> AuditConfig:
    """Read and check an audit.toml.

    Raises:
        ConfigError: the file cannot be read, or is wrong; one sentence per mistake, with line and key.
    """
    path = Path(path)
    text = _read(path)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax_error(path, text, str(error))) from None
    except RecursionError:
        raise ConfigError(f"{path.name} nests its values too deeply to be read.") from None
    try:
        config = AuditConfig.model_validate(_tuples(raw), strict=True)
    except ValidationError as error:
        problems = [describe(detail, AuditConfig) for detail in error.errors(include_url=False)]
        raise _config_error(path, text, problems) from None
    if problems := list(_contradictions(config)):
        raise _config_error(path, text, problems)
    config._folder = path.parent
    return config


def digest(config: AuditConfig) -> str:
    """SHA-256 of the settings, in hexadecimal; the order and layout of the file do not matter."""
    return hashlib.sha256(rfc8785.dumps(config.model_dump(mode="json"))).hexdigest()


def check_columns(config: AuditConfig, columns: Sequence[str]) -> None:
    """Raise ConfigError if `[columns]` or `[families]` name a column that the model does not have.

    Args:
        config: the settings.
        columns: the model's input columns.
    """
    for name in config.columns:
        if name not in columns:
            hint = did_you_mean(name, columns) or "; see `[model] columns` or the model's training table."
            raise ConfigError(f"{dotted(('columns', name))} in audit.toml: the model has no column '{name}'{hint}")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(f"There is no file '{path}'; `lrp-audit init MODEL DATA` writes one.") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path.name}, line {line}: not UTF-8 text; save the file as UTF-8.") from None
    except OSError as error:
        raise ConfigError(f"'{path}' cannot be read: {error.strerror}.") from None


def _syntax_error(path: Path, text: str, message: str) -> str:
    at = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", message)
    line = at[1] if at and at[1] else text.rstrip().count("\n") + 1
    return f"{path.name}, line {line}: not valid TOML: {message[: at.start()] if at else message}."


def _tuples(value: Any) -> Any:
    """TOML arrays as tuples, which is what the settings hold."""
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _config_error(path: Path, text: str, problems: Iterable[tuple[Key, str]]) -> ConfigError:
    """One line per problem, in the order of the file; a missing key stands at its section's line."""
    lines = key_lines(text)
    placed = []
    for key, sentence in problems:
        line = next((lines[key[:length]] for length in range(len(key), 0, -1) if key[:length] in lines), None)
        placed.append((line or 0, f"{path.name}, line {line}: {sentence}" if line else f"{path.name}: {sentence}"))
    return ConfigError("\n".join(sentence for _, sentence in sorted(placed)))


def _contradictions(config: AuditConfig) -> Iterator[tuple[Key, str]]:
    """Settings that are each allowed and together make no sense: key and sentence."""
    for check in (_model, _reference, _decision, _families, _texts, _contacts, _review):
        yield from check(config)
    yield from contradictions(config.columns)


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
