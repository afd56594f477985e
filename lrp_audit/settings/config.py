"""audit.toml: the settings of one model's explanations, as checked, immutable values.

Everything but `[model] file`, `[decision] adverse` and `[decision] cutoff` has a default. Keys are documented where
they stand; error messages are made from these models.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import rfc8785
from pydantic import Field, PrivateAttr, ValidationError, model_validator

from lrp_audit.errors import ConfigError
from lrp_audit.settings.branding import BrandingSection
from lrp_audit.settings.contradictions import contradictions
from lrp_audit.settings.letter_config import AutomationSection, ContactSection, DatabaseSection, ReviewSection
from lrp_audit.settings.retention_config import RetentionSection
from lrp_audit.settings.section import Section
from lrp_audit.settings.sections import (
    ApprovalSection,
    ChecksSection,
    ColumnSection,
    CreditScoreSection,
    DecisionSection,
    DocumentsSection,
    ExplanationSection,
    FactsSection,
    FamilySection,
    InstitutionSection,
    ModelSection,
    ReferenceSection,
)
from lrp_audit.settings.signing_config import SigningSection
from lrp_audit.settings.text_config import TextSection
from lrp_audit.settings.toml_errors import Key, describe, did_you_mean, dotted, key_lines
from lrp_audit.settings.variations_config import VariationsSection


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
    retention: RetentionSection = RetentionSection()
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
        them (EU-06), and never by default where nothing is checked, since no letter then goes out.
        """
        if self.variations.search is not None:
            return self.variations.search
        return self.checks.level != "none" and (self.text is None or self.documents.letter != "us-notice")

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
    if problems := list(contradictions(config)):
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
