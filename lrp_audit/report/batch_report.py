"""What a batch report states of many decisions (regulations, section 5), as immutable values with one canonical form.

It is descriptive: counts and measures, and no verdict on the law (G-03). Statistics of groups are another report in a
file of their own (`group_report`, BA-09).
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field

from lrp_audit.records.record import Frozen, RefusalState
from lrp_audit.report.aggregate_report import AggregateReport

Kind = Literal["model", "reference", "texts", "settings"]

LETTERS = ("notice.pdf", "letter.pdf")  # names of files
MOST_LISTED = 500  # decisions of one list; decisions.csv has all of them, and leaves/ all documents


class Count(Frozen):
    """How many there are of what is named."""

    name: str
    count: int


class Distribution(Frozen):
    """How a measured quantity is spread over the decisions that have it."""

    name: str
    count: int
    lowest: float
    mean: float
    highest: float


class Scope(Frozen):
    """BA-01: which decisions these are, so that the same ones can be drawn again."""

    population: str
    source: str
    first: dt.date | None = None
    last: dt.date | None = None
    as_of: dt.date | None = None  # notices due before and not sent are late up to it; None: they count as undated
    filters: tuple[str, ...] = ()
    sampling: str | None = None  # None: all of them
    seed: int | None = None
    exclusions: tuple[Count, ...] = ()


class Failure(Frozen):
    id: str
    what: str


class Completeness(Frozen):
    """BA-02: ready + the refusals + failed = decisions. A decision counts by its first refusal."""

    decisions: int
    ready: int  # a document may go to review
    refused: tuple[Count, ...]
    failed: int  # the program could not explain or print them
    failures: tuple[Failure, ...]
    repeated: int  # ids of more than one decision
    duplicates: tuple[str, ...]  # the first of them
    documents: tuple[Count, ...]  # letters and audits that were written, by the name of their file
    without_letter: int  # ready decisions of which none was written
    missing: int | None = None  # rows of the population without a decision; None: not known


class Band(Frozen):
    """Decisions under one limit, by how long before its end the notice went out; late ones count after it."""

    limit: int  # days
    early: int  # more than ten days before
    near: int  # ten days before, or fewer
    late: int
    undated: int  # without a due date, or without a notice


class LateCase(Frozen):
    id: str
    due: dt.date
    notice: dt.date | None  # None: not sent
    days: int  # late, up to the notice or else to the day of the report


class Use(Frozen):
    """BA-04: one version in use, and between which decisions; the first one is its change date."""

    kind: Kind
    version: str
    decisions: int
    first: dt.date | None = None
    last: dt.date | None = None


class StatedReason(Frozen):
    family: str
    text: str
    count: int
    first: int  # as the first reason


class PhraseHit(Frozen):
    text: str
    fault: str
    count: int
    id: str  # the first decision that states it


class Reasons(Frozen):
    """BA-05, of decisions without a refusal."""

    stated: tuple[StatedReason, ...]  # most frequent first
    total: int
    other: int | None = None  # with one of the lender's codes for "other, specify"; None: no code is named
    forbidden: tuple[PhraseHit, ...] = ()
    phrases: int = 0  # statements that hold a forbidden phrase
    covered: Distribution | None = None  # share of what counts against that the stated reasons hold


class Difference(Frozen):
    id: str
    what: str


class Replay(Frozen):
    """BA-06: decisions that were computed again."""

    recomputed: int
    matching: int
    differences: tuple[Difference, ...] = ()


class Quality(Frozen):
    """BA-07: one check over all decisions."""

    id: str
    title: str
    performed: int
    not_performed: int
    flagged: int
    measured: tuple[Distribution, ...] = ()


class ProtectedHit(Frozen):
    """A decision with protected data behind it, and what became of it."""

    id: str
    state: RefusalState
    outcome: str | None = None  # of the escalation


class Protected(Frozen):
    """BA-08."""

    states: tuple[Count, ...]
    hits: tuple[ProtectedHit, ...]  # the first of them


class HumanReview(Frozen):
    """BA-10."""

    upheld: int
    overturned: int
    returned: int
    waiting: int
    median_hours: float | None = None


class ManifestLine(Frozen):
    """A document's leaf and not its digest, which would outlive the document where that is purged."""

    id: str
    document: str
    leaf: str


class Manifest(Frozen):
    """BA-12, as far as it can stand in a file that the manifest names: the tree over records and documents."""

    algorithm: str
    root: str  # of these leaves; the manifest's own root is over the files of the batch too
    leaves: int
    lines: tuple[ManifestLine, ...]  # the first documents
    signer: str | None = None
    time_stamp: dt.datetime | None = None


class RunFacts(Frozen):
    """What no decision says, only the run that made them. None stands for what did not take place or is not known."""

    scope: Scope
    expected: int | None = None  # decisions that there should be
    names: dict[Kind, str] = Field(default_factory=dict)  # of the model and the reference
    columns: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # family -> columns whose names no text may hold
    other_codes: tuple[str, ...] = ()  # the lender's own for "other, specify" of Form C-1
    replay: Replay | None = None
    escalations: dict[str, str] = Field(default_factory=dict)  # decision id -> its outcome
    review: HumanReview | None = None
    exceptions: tuple[str, ...] = ()
    aggregate: AggregateReport | None = None
    manifest: Manifest | None = None


class BatchReport(Frozen):
    """BA-01 to BA-08 and BA-10 to BA-12."""

    schema_version: Literal["1"] = "1"
    scope: Scope
    completeness: Completeness
    timeliness: tuple[Band, ...]
    late: tuple[LateCase, ...]
    versions: tuple[Use, ...]
    reasons: Reasons
    replay: Replay | None
    quality: tuple[Quality, ...]
    residual: Distribution | None  # conservation error, |residual|
    protected: Protected
    review: HumanReview | None
    exceptions: tuple[str, ...]
    aggregate: AggregateReport | None  # what the decisions rest on
    manifest: Manifest | None
