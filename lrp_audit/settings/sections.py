"""The sections of audit.toml that are not about one feature alone. Keys are documented where they stand."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from lrp_audit.settings.letter_config import ContactSection
from lrp_audit.settings.section import Section
from lrp_audit.settings.variations_config import VariableSection

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
    validation: str | None = None  # record of `lrp-audit validate` on this very model (.json); audits cite it


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
    legal_hold: str | None = None  # yes/no: nothing of the decision may be deleted, whatever [retention] says


class ReferenceSection(Section):
    """Who an applicant is compared with (RS-06, RS-07)."""

    population: Literal["near_cutoff", "all_applicants", "zero"] = "near_cutoff"
    representation: Literal["members", "centroid", "coalitions"] = "members"
    data: str | None = None  # CSV or Parquet; default: the explained data itself
    date: dt.date | None = None  # of that data; needed for a letter
    size: int = Field(200, ge=50, le=1_000_000)  # of near_cutoff
    members: int | None = Field(None, ge=1, le=4096)  # default: 64, and 256 with coalitions
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

    # none: the model is asked for the explanation alone, and no letter may go out; full: costly checks as well
    level: Literal["none", "letter", "full"] = "letter"
    random_families: int = Field(20, ge=5, le=1000)  # random draws the stated reasons are held against
    near_tie: float = Field(0.05, ge=0)  # relative gap between last stated and next family that sampling looks into
    protected_share: float = Field(0.05, ge=0, le=1)  # of what counts against: refuses at or above
    second_reference_overlap: int = Field(3, ge=0, le=6)  # of the stated reasons kept: flags below
    gradients_overlap: int = Field(2, ge=0, le=6)  # of them that integrated gradients put first too: flags below
    stability_overlap: int = Field(3, ge=0, le=6)  # of them that survive rounding of the inputs: flags below
    curves: float = 0.0  # normalised area of deletion and insertion, 0 for chance: flags below
    randomised_similarity: float = Field(0.5, gt=0, le=1)  # of `validate`, once the model is drawn anew: flags above
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
