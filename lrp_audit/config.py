"""audit.toml: the settings of one model's explanations, as checked, immutable values.

Everything but `[model] file`, `[decision] adverse` and `[decision] cutoff` has a default. Keys are documented where
they stand; `docs` and error messages are made from these models.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


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
    bureau_score: str | None = None
    bureau_score_date: str | None = None
    bureau_key_factors: str | None = None  # ";"-separated, in the bureau's order
    bureau_inquiries_factor: str | None = None  # yes/no: inquiries were a key factor beyond the four
    consumer_report_used: str | None = None  # yes/no, where it differs by row
    outside_information_used: str | None = None  # yes/no (US-10)
    outcome: str | None = None  # recorded outcome
    score: str | None = None  # recorded score, on the scale of `cutoff_on`
    model_version: str | None = None  # recorded model version


class ReferenceSection(Section):
    """Who an applicant is compared with (RS-06, RS-07)."""

    population: Literal["near_cutoff", "all_applicants", "zero"] = "near_cutoff"
    representation: Literal["members", "centroid"] = "members"
    data: str | None = None  # CSV or Parquet; default: the explained data itself
    date: dt.date | None = None  # of that data; needed for a letter
    size: int = Field(200, ge=50)  # of near_cutoff
    members: int = Field(64, ge=1, le=4096)
    seed: int = 0
    max_age_days: int = Field(365, ge=1)


class ExplanationSection(Section):
    """How relevance is propagated (design, section 2)."""

    rules: str = "lrp0"  # preset name
    epsilon: float | None = None


class ColumnSection(Section):
    """What a person calls a column, and what may be done with it."""

    label: str | None = None
    unit: str | None = None
    family: str | None = None  # default: a family of its own
    source: str | None = None  # where the value came from, e.g. "application form"
    mutable: bool | None = None
    protected: Literal["no", "prohibited", "special", "age"] = "no"
    values: dict[str, str] = Field(default_factory=dict)  # code -> words
    decimals: int | None = Field(None, ge=0, le=12)


class FamilySection(Section):
    """One reason family: its name for reviewers and its approved wording per language."""

    label: str | None = None
    text: dict[str, str] = Field(default_factory=dict)  # language -> neutral approved statement
    text_low: dict[str, str] = Field(default_factory=dict)  # used only if the direction test passes: value too low
    text_high: dict[str, str] = Field(default_factory=dict)  # ... value too high
    code: str | None = None  # the lender's own reason code


class ApprovalSection(Section):
    """Who approved the wording above and the legal texts used. Without it only drafts are written."""

    by: str
    on: dt.date
    version: str


class ContactSection(Section):
    name: str
    address: tuple[str, ...]  # lines
    telephone: str | None = None
    email: str | None = None
    website: str | None = None


class InstitutionSection(ContactSection):
    """The creditor (US-03)."""

    contact: str | None = None  # whom to ask, e.g. "Credit Review Department"
    agency: str | None = None  # id of an Appendix A agency in templates/texts, or see [agency]


class CreditScoreSection(Section):
    """The bureau score printed under US-09."""

    source: str
    low: int
    high: int


class ChecksSection(Section):
    """Thresholds; crossing one refuses or flags as said here."""

    random_families: int = Field(20, ge=5, le=1000)  # random draws the stated reasons are held against
    near_tie: float = Field(0.02, ge=0)  # relative gap between last stated and first unstated family
    protected_share: float = Field(0.05, ge=0, le=1)  # of what counts against: refuses at or above
    second_reference_overlap: int = Field(3, ge=0)  # of the stated reasons kept: flags below
    score_tolerance: float | None = None  # recorded against recomputed score; default by the estimator's precision
    seed: int = 0


class DocumentsSection(Section):
    letter: Literal["us-notice"] = "us-notice"
    language: str = "en"
    max_reasons: int = Field(4, ge=1, le=6)
    key_file: str = "audit.key"  # secret for pseudonyms and file names; made on first use, beside audit.toml
    extra_fonts: tuple[str, ...] = ()


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
    consumer_reporting_agency: ContactSection | None = None
    credit_score: CreditScoreSection | None = None
    checks: ChecksSection = ChecksSection()
    documents: DocumentsSection = DocumentsSection()
