"""The canonical record of one decision: everything a document states, as one immutable, serialisable value.

The record is the reproducible object; every PDF is a rendering of it. It holds no name and no address (those are the
`Addressee`, kept apart) and no clock. `+` relevance always means toward the adverse outcome.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from typing import Literal

from pydantic import BaseModel, ConfigDict

from lrp_audit.records.canonical import text
from lrp_audit.records.text_record import TextEvidence

RefusalState = Literal[
    "DECIDED_BY_RULE",
    "DECIDED_BY_HUMAN",
    "NOT_ADVERSE",
    "NO_ADVERSE_CONTRIBUTION",
    "UNMAPPED_PRINCIPAL_REASON",
    "PROHIBITED_BASIS_INFLUENTIAL",
    "AGE_62_NEGATIVE",
    "SPECIAL_CATEGORY_INFLUENTIAL",
    "CONTRADICTORY_REASONS",
    "UNFAITHFUL_EXPLANATION",
    "REFERENCE_MISSING_OR_STALE",
    "PROVENANCE_INCOMPLETE",
    "MISSING_LEGAL_TEXT",
    "REVIEW_PENDING",
    "DECISION_NOT_REPRODUCED",
    "INVALID_INPUT",
    "UNPRINTABLE_TEXT",
]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Dates(Frozen):
    application: dt.date | None = None
    completion: dt.date | None = None
    decision: dt.date | None = None
    notice: dt.date | None = None  # the date printed on the notice (--as-of)
    notice_due: dt.date | None = None  # 12 CFR 1002.9(a)(1), (c)(1); see `deadlines`
    notice_sent: dt.date | None = None


class Recorded(Frozen):
    """What the lender's own system recorded, to be compared with what the model computes (G-01)."""

    outcome: str | None = None
    score: float | None = None
    model_version: str | None = None


class BureauFacts(Frozen):
    """Consumer report facts of this applicant (US-08 to US-10)."""

    report_used: bool = False
    outside_information: bool = False
    score: int | None = None
    score_date: dt.date | None = None
    key_factors: tuple[str, ...] = ()  # in the bureau's own order
    inquiries_key_factor: bool = False


class Correction(Frozen):
    """The letter that this decision's new letter replaces (regulations, section 7)."""

    record_sha256: str  # of the record behind it
    notice: dt.date  # printed on it


class Counteroffer(Frozen):
    """Credit on other terms than requested, offered to the applicant (US-11, Form C-4)."""

    terms: tuple[str, ...] = ()
    accept_by: dt.date | None = None
    made: dt.date | None = None  # of an earlier one that was not accepted: the notice is then due 90 days after it


class Incompleteness(Frozen):
    """What an applicant has still to supply (12 CFR 1002.9(c)(2), Form C-6)."""

    items: tuple[str, ...] = ()
    respond_by: dt.date | None = None


class Retention(Frozen):
    """How long what is stored of a decision is kept (regulations, section 6)."""

    retain_until: dt.date | None = None  # the last day; None: nobody has said, so that nothing is deleted
    basis: str | None = None
    legal_hold: bool = False  # nothing is deleted while it lasts; later changes stand in event logs


class DecisionFacts(Frozen):
    id: str
    applicant: str  # pseudonym: keyed hash of the id
    product: str | None = None
    amount: str | None = None
    dates: Dates = Dates()
    decided_by: Literal["score", "rule", "human"] = "score"
    decided_reasons: tuple[str, ...] = ()  # supplied by the rule or the person that decided
    action: Literal["denied", "counteroffer", "incomplete"] = "denied"  # what a notice would be about
    counteroffer: Counteroffer = Counteroffer()
    incompleteness: Incompleteness = Incompleteness()
    primary_applicant: bool = True  # of several applicants the addressee is the primary one (US-12)
    recorded: Recorded = Recorded()
    bureau: BureauFacts = BureauFacts()
    age: float | None = None
    addressee_sha256: str | None = None  # keyed digest of the Addressee kept apart
    corrects: Correction | None = None
    reference: str | None = None  # number that an EU or UK letter asks to quote
    database_result: str | None = None  # what a database search found (EU-10); None: none took place
    retention: Retention = Retention()


class ValidationFacts(Frozen):
    """The validation record of the model that decided (CA-03)."""

    sha256: str
    date: dt.date
    data_sha256: str  # of the table it was validated on
    rows: int  # of that table


class ModelFacts(Frozen):
    kind: str  # e.g. "scikit-learn Pipeline ending in MLPClassifier"
    name: str | None
    version: str | None
    file_sha256: str | None
    weights_sha256: str
    preprocessing_sha256: str | None
    classes: tuple[str, ...]
    adverse: str
    owner: str | None = None
    intended_use: str | None = None
    known_limits: str | None = None
    validation_date: dt.date | None = None
    validation: ValidationFacts | None = None


class Outcome(Frozen):
    adverse: bool
    margin: float  # of the adverse outcome over the alternative, before subtracting the cutoff
    cutoff_margin: float  # the cutoff on the margin's scale
    score: float  # on the cutoff's scale, from the explained graph
    cutoff: float
    cutoff_on: Literal["probability", "margin", "value"]
    estimator_score: float | None  # the user's own estimator on its own path, same scale as `score`
    near_cutoff: bool = False  # nearer to the cutoff than the two scores are to each other


class ReferenceFacts(Frozen):
    """RS-07: the comparison is part of the answer."""

    name: str  # near_cutoff, all_applicants, zero
    representation: Literal["members", "centroid", "coalitions", "zero"]
    population: int  # people behind it
    members: int
    seed: int
    date: dt.date | None
    sha256: str
    mean_margin: float


class MethodFacts(Frozen):
    name: str  # "LRP"
    rules: str  # preset, with parameters
    target: str  # in words, e.g. "logit of 'denied' minus logit of 'approved'"
    dtype: str


class Spread(Frozen):
    """How a column is spread over the reference population: quantiles, never a person's own extreme (G-07)."""

    people: int  # with a value
    tenth: float
    quarter: float
    median: float
    three_quarters: float
    nine_tenths: float


class ColumnContribution(Frozen):
    """One input column of one decision. `value` is as the applicant gave it; `display` is for people."""

    column: str
    label: str
    family: str
    relevance: float
    value: str | float | int | bool | None
    display: str
    reference_display: str  # the reference's typical value, an aggregate
    spread: Spread | None = None  # of numbers, where enough people have one
    transformed: tuple[float, ...] = ()  # as the network saw it
    missing: bool = False
    imputed: bool = False
    source: str | None = None
    mutable: bool | None = None
    protected: Literal["no", "prohibited", "special", "age"] = "no"


class FamilyContribution(Frozen):
    family: str
    label: str
    relevance: float
    columns: tuple[str, ...]  # by falling |relevance|


class Conservation(Frozen):
    """explained = attributed + sinks + residual."""

    explained: float  # f(x) - mean f(reference), on the margin
    attributed: float  # sum over columns
    moved: float = 0.0  # the part of it that was added to make it complete (reference of coalitions)
    sinks: dict[str, float] = {}
    residual: float = 0.0
    tolerance: float = 0.0

    @property
    def absorbed(self) -> float:
        """What the sinks took."""
        return math.fsum(self.sinks.values())


class TextPlace(Frozen):
    """Where a reason was found, if in a text: what a letter may say of it."""

    label: str  # what people call the text
    date: dt.date | None = None
    quote: str | None = None  # one phrase, masked; None unless the settings allow quotations


class Reason(Frozen):
    rank: int
    family: str
    text: str
    text_key: str  # where in audit.toml the wording stands, e.g. families.employment.text.en
    relevance: float
    columns: tuple[str, ...]
    direction: Literal["low", "high"] | None = None  # a direction word is printed
    code: str | None = None
    place: TextPlace | None = None


class TieBreak(Frozen):
    """A near-tie at the last place, looked into by Shapley sampling over the reference population (RS-09)."""

    first: str  # the family that relevance puts first
    second: str
    difference: float  # Shapley value of `first` less that of `second`
    standard_error: float
    draws: int
    outcome: Literal["kept", "exchanged", "tied"]  # exchanged: `second` is stated and `first` is not


class Ranking(Frozen):
    """RS-09."""

    gap: float | None = None  # last stated minus first unstated family
    near_tie: bool = False
    next_family: str | None = None
    covered: float | None = None  # share of what counted against that the stated reasons hold
    sampled: TieBreak | None = None  # of a near-tie between the last stated and the next family


class Check(Frozen):
    """One check of CA-08 or CA-09, with its numbers."""

    id: str
    title: str
    status: Literal["performed", "not performed"]
    flag: bool = False
    measured: dict[str, float | int | str | bool] = {}
    threshold: float | None = None
    statement: str = ""  # one sentence for the reviewer


class Refusal(Frozen):
    state: RefusalState
    rule: str  # rule ids of regulations, e.g. "G-04"
    evidence: str
    next_step: str


class Change(Frozen):
    """One column of a variation: from the value that was scored to the one that was tried instead."""

    column: str
    label: str
    value: str | float | int | bool
    display: str  # the value tried, for people
    from_display: str


class Variation(Frozen):
    """Other values of a few columns, all else unchanged, with which the same model decides otherwise (EU-06, CA-10)."""

    changes: tuple[Change, ...]
    score: float  # on the cutoff's scale, from re-running the whole pipeline
    margin: float


class Variations(Frozen):
    """What a search for variations found, best first; nothing found is a result too (EU-06)."""

    found: tuple[Variation, ...]
    tried: int  # combinations of values that were re-run
    most_changes: int
    columns: tuple[str, ...]  # that may vary: the mutable ones
    left_out: tuple[int, ...] = ()  # texts: sentences (from 0) of the first whose omission changes the outcome together
    left_out_score: float | None = None  # on the cutoff's scale, without them


class TextFacts(Frozen):
    language: str
    version: str | None = None
    approved_by: str | None = None
    approved_on: dt.date | None = None


class Record(Frozen):
    schema_version: Literal["1"] = "1"
    decision: DecisionFacts
    model: ModelFacts
    outcome: Outcome | None  # None: the row could not be scored (INVALID_INPUT)
    reference: ReferenceFacts | None = None
    method: MethodFacts | None = None
    contributions: tuple[ColumnContribution, ...] = ()  # all columns, most adverse first
    families: tuple[FamilyContribution, ...] = ()  # most adverse first
    conservation: Conservation | None = None
    reasons: tuple[Reason, ...] = ()
    ranking: Ranking = Ranking()
    checks: tuple[Check, ...] = ()
    flags: tuple[str, ...] = ()  # sentences for the reviewer
    refusals: tuple[Refusal, ...] = ()  # empty: a letter may go to review; the first one names the state
    variations: Variations | None = None  # None: not searched
    text_evidence: tuple[TextEvidence, ...] = ()  # CA-11: texts the model read, masked
    texts: TextFacts
    config_sha256: str | None = None
    versions: dict[str, str] = {}

    @property
    def refusal(self) -> Refusal | None:
        return self.refusals[0] if self.refusals else None


class Addressee(Frozen):
    """Personal data of the letter's head, kept apart from the record and purgeable alone."""

    name: str | None = None
    address: tuple[str, ...] = ()


def canonical(record: BaseModel) -> bytes:
    """RFC 8785 JSON of a record, floats rounded to 12 significant digits, so that equal records are equal bytes."""
    return text(record.model_dump(mode="json")).encode()


def digest(record: BaseModel) -> str:
    """SHA-256 of the canonical bytes, in hexadecimal."""
    return hashlib.sha256(canonical(record)).hexdigest()
