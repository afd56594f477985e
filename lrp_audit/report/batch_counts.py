"""Counts the records of a batch: one pass, in which no record is kept."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from lrp_audit.judging.deadlines import COUNTEROFFER_DAYS, NOTICE_DAYS
from lrp_audit.language import phrasebook
from lrp_audit.language.messages import ENGLISH, Messages
from lrp_audit.language.wording import fault
from lrp_audit.records.record import Check, Record
from lrp_audit.report.batch_report import (
    Band,
    BatchReport,
    Completeness,
    Count,
    Distribution,
    Kind,
    LateCase,
    PhraseHit,
    ProtectedHit,
    Quality,
    Reasons,
    RunFacts,
    StatedReason,
    Use,
)

NEAR_DAYS = 10  # before the last day of a notice
PROTECTED = ("PROHIBITED_BASIS_INFLUENTIAL", "AGE_62_NEGATIVE", "SPECIAL_CATEGORY_INFLUENTIAL")

_Key = TypeVar("_Key", str, tuple[str, str])


def summarise(records: Iterable[Record], run: RunFacts, say: Messages = ENGLISH) -> BatchReport:
    """The report of a batch.

    Args:
        records: of its decisions, in any order; read once.
        run: what no record says.
        say: the language of the report.

    Raises:
        ConfigError: there is no list of forbidden phrases in a record's language.
    """
    tally = _Tally()
    for record in records:
        tally.add(record, run, say)
    return tally.report(run)


@dataclass
class _Tally:
    """What is counted so far."""

    ids: Counter[str] = field(default_factory=Counter)
    ready: int = 0
    states: Counter[str] = field(default_factory=Counter)
    bands: dict[int, Counter[str]] = field(
        default_factory=lambda: {NOTICE_DAYS: Counter(), COUNTEROFFER_DAYS: Counter()}
    )
    late: list[LateCase] = field(default_factory=list)
    uses: dict[tuple[Kind, str], _Dated] = field(default_factory=lambda: defaultdict(_Dated))
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    first_reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    other: int = 0
    phrases: list[PhraseHit] = field(default_factory=list)
    covered: list[float] = field(default_factory=list)
    checks: dict[str, _Checked] = field(default_factory=dict)
    residuals: list[float] = field(default_factory=list)
    protected: list[ProtectedHit] = field(default_factory=list)

    def add(self, record: Record, run: RunFacts, say: Messages) -> None:
        self.ids[record.decision.id] += 1
        if record.refusal is None:
            self.ready += 1
            self._add_reasons(record, run, say)
        else:
            self.states[record.refusal.state] += 1
        self._add_dates(record, run.scope.as_of)
        for kind, version in _versions(record):
            self.uses[kind, version].add(record.decision.dates.decision)
        for check in record.checks:
            self.checks.setdefault(check.id, _Checked(check.title)).add(check)
        if record.conservation is not None:
            self.residuals.append(abs(record.conservation.residual))
        outcome = run.escalations.get(record.decision.id)
        self.protected += [
            ProtectedHit(id=record.decision.id, state=refusal.state, outcome=outcome)
            for refusal in record.refusals
            if refusal.state in PROTECTED
        ]

    def _add_dates(self, record: Record, as_of: dt.date | None) -> None:
        """A refused decision has a notice only once one was sent: the date on its record is that of the attempt.

        Its clock runs on (regulations, section 8), unless it is favourable: then its letter is not one of ours.
        """
        dates = record.decision.dates
        limit = COUNTEROFFER_DAYS if record.decision.counteroffer.made is not None else NOTICE_DAYS
        notice = dates.notice_sent or (dates.notice if record.refusal is None else None)
        favourable = record.refusal is not None and record.refusal.state == "NOT_ADVERSE"
        until = notice or (None if favourable else as_of)
        if until is None or dates.notice_due is None or (notice is None and until <= dates.notice_due):
            self.bands[limit]["undated"] += 1
            return
        left = (dates.notice_due - until).days
        self.bands[limit]["late" if left < 0 else "near" if left <= NEAR_DAYS else "early"] += 1
        if left < 0:
            self.late.append(LateCase(id=record.decision.id, due=dates.notice_due, notice=notice, days=-left))

    def _add_reasons(self, record: Record, run: RunFacts, say: Messages) -> None:
        phrases = phrasebook.load(record.texts.language)
        for reason in record.reasons:
            key = (reason.family, reason.text)
            self.reasons[key] += 1
            self.first_reasons[key] += reason.rank == 1
            self.other += reason.code in run.other_codes
            if why := fault(reason.text, reason.columns, phrases, say):
                self.phrases.append(PhraseHit(id=record.decision.id, text=reason.text, fault=why))
        if record.ranking.covered is not None:
            self.covered.append(record.ranking.covered)

    def report(self, run: RunFacts) -> BatchReport:
        return BatchReport(
            scope=run.scope,
            completeness=Completeness(
                decisions=sum(self.ids.values()),
                ready=self.ready,
                refused=tuple(Count(name=name, count=count) for name, count in _by_count(self.states)),
                duplicates=tuple(sorted(name for name, count in self.ids.items() if count > 1)),
                documents=run.documents,
                missing=run.missing,
            ),
            timeliness=tuple(
                Band(limit=days, **{name: found[name] for name in ("early", "near", "late", "undated")})
                for days, found in self.bands.items()
            ),
            late=tuple(sorted(self.late, key=lambda case: (-case.days, case.id))),
            versions=tuple(
                Use(kind=kind, version=version, decisions=dated.count, first=dated.first, last=dated.last)
                for (kind, version), dated in sorted(self.uses.items(), key=_by_date)
            ),
            reasons=self._reasons(run),
            replay=run.replay,
            quality=tuple(checked.quality(name) for name, checked in sorted(self.checks.items())),
            residual=distribution("residual", self.residuals),
            protected=tuple(sorted(self.protected, key=lambda hit: (hit.state, hit.id))),
            review=run.review,
            exceptions=run.exceptions,
            manifest=run.manifest,
        )

    def _reasons(self, run: RunFacts) -> Reasons:
        return Reasons(
            stated=tuple(
                StatedReason(family=key[0], text=key[1], count=count, first=self.first_reasons[key])
                for key, count in _by_count(self.reasons)
            ),
            total=self.reasons.total(),
            other=self.other if run.other_codes else None,
            forbidden=tuple(sorted(self.phrases, key=lambda hit: (hit.id, hit.text))),
            covered=distribution("covered", self.covered),
        )


@dataclass
class _Dated:
    count: int = 0
    first: dt.date | None = None
    last: dt.date | None = None

    def add(self, date: dt.date | None) -> None:
        self.count += 1
        if date is not None:
            self.first = date if self.first is None else min(self.first, date)
            self.last = date if self.last is None else max(self.last, date)


@dataclass
class _Checked:
    title: str
    performed: int = 0
    not_performed: int = 0
    flagged: int = 0
    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, check: Check) -> None:
        if check.status == "not performed":
            self.not_performed += 1
            return
        self.performed += 1
        self.flagged += check.flag
        for name, value in check.measured.items():
            if not isinstance(value, str):
                self.values[name].append(float(value))

    def quality(self, name: str) -> Quality:
        found = (distribution(measured, values) for measured, values in sorted(self.values.items()))
        return Quality(
            id=name,
            title=self.title,
            performed=self.performed,
            not_performed=self.not_performed,
            flagged=self.flagged,
            measured=tuple(item for item in found if item is not None),
        )


def distribution(name: str, values: Sequence[float]) -> Distribution | None:
    """How values are spread; None where there is none. Sorted first: the order of records changes no last digit."""
    if not values:
        return None
    ordered = sorted(values)
    return Distribution(
        name=name,
        count=len(ordered),
        lowest=ordered[0],
        mean=sum(ordered) / len(ordered),
        highest=ordered[-1],
    )


def _versions(record: Record) -> Iterator[tuple[Kind, str]]:
    model, reference, texts = record.model, record.reference, record.texts
    yield "model", " ".join(filter(None, (model.name, model.version, model.weights_sha256[:12])))
    if reference is not None:
        yield "reference", f"{reference.name} {reference.sha256[:12]}"
    yield "texts", " ".join(filter(None, (texts.language, texts.version)))
    if record.config_sha256 is not None:
        yield "settings", record.config_sha256[:12]


def _by_count(counts: Counter[_Key]) -> list[tuple[_Key, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _by_date(item: tuple[tuple[Kind, str], _Dated]) -> tuple[str, dt.date, str]:
    (kind, version), dated = item
    return kind, dated.first or dt.date.min, version
