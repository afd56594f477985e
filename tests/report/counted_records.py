"""The report of a batch counted record by record: the other way to the same figures, for tests."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import fmean

from lrp_audit.judging.deadlines import COUNTEROFFER_DAYS, NOTICE_DAYS
from lrp_audit.language import phrasebook
from lrp_audit.language.messages import ENGLISH
from lrp_audit.language.wording import fault
from lrp_audit.records.record import Record
from lrp_audit.report.batch_report import (
    Band,
    BatchReport,
    Completeness,
    Count,
    Distribution,
    Failure,
    Kind,
    LateCase,
    PhraseHit,
    Protected,
    ProtectedHit,
    Quality,
    Reasons,
    RunFacts,
    StatedReason,
    Use,
)

PROTECTED = {"PROHIBITED_BASIS_INFLUENTIAL", "AGE_62_NEGATIVE", "SPECIAL_CATEGORY_INFLUENTIAL"}


def counted(records: Sequence[Record], run: RunFacts, failed: dict[str, str]) -> BatchReport:
    ready = [record for record in records if record.refusal is None]
    dates = [record.decision.dates.decision for record in records if record.decision.dates.decision]
    ids = Counter([*(record.decision.id for record in records), *failed])
    hits = [
        ProtectedHit(id=record.decision.id, state=item.state, outcome=run.escalations.get(record.decision.id))
        for record in records
        for item in record.refusals
        if item.state in PROTECTED
    ]
    duplicates = sorted(name for name, count in ids.items() if count > 1)
    late = [case for record in records if (case := late_case(record, run.scope.as_of)) is not None]
    return BatchReport(
        scope=run.scope.model_copy(update={"first": min(dates, default=None), "last": max(dates, default=None)}),
        completeness=Completeness(
            decisions=len(records) + len(failed),
            ready=len(ready),
            refused=frequencies(Counter(record.refusal.state for record in records if record.refusal)),
            failed=len(failed),
            failures=tuple(Failure(id=name, what=what) for name, what in failed.items()),
            repeated=len(duplicates),
            duplicates=tuple(duplicates),
            documents=(),
            without_letter=len(ready),
            missing=None if run.expected is None else run.expected - len(records) - len(failed),
        ),
        timeliness=tuple(bands(records, run.scope.as_of, len(failed))),
        late=tuple(sorted(late, key=lambda case: (-case.days, case.id))),
        versions=tuple(uses(records, run)),
        reasons=reasons(ready, run),
        replay=run.replay,
        quality=tuple(quality(records)),
        residual=spread("residual", [abs(r.conservation.residual) for r in records if r.conservation]),
        protected=Protected(
            states=frequencies(Counter(hit.state for hit in hits)),
            hits=tuple(sorted(hits, key=lambda hit: (hit.state, hit.id))),
        ),
        review=run.review,
        exceptions=run.exceptions,
        aggregate=run.aggregate,
        manifest=run.manifest,
    )


def frequencies(counts: Counter[str]) -> tuple[Count, ...]:
    return tuple(Count(name=n, count=c) for n, c in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def spread(name: str, values: Sequence[float]) -> Distribution | None:
    if not values:
        return None
    return Distribution(name=name, count=len(values), lowest=min(values), mean=fmean(values), highest=max(values))


def timing(record: Record, as_of: dt.date | None) -> tuple[dt.date | None, int | None]:
    """The day that a notice went out, and the days that were left then, or on the day of the report."""
    dates, state = record.decision.dates, None if record.refusal is None else record.refusal.state
    notice = dates.notice_sent or (dates.notice if state is None else None)
    until = notice or (None if state == "NOT_ADVERSE" else as_of)
    if until is None or dates.notice_due is None or (notice is None and until <= dates.notice_due):
        return notice, None
    return notice, (dates.notice_due - until).days


def late_case(record: Record, as_of: dt.date | None) -> LateCase | None:
    notice, left = timing(record, as_of)
    due = record.decision.dates.notice_due
    if left is None or left >= 0 or due is None:
        return None
    return LateCase(id=record.decision.id, due=due, notice=notice, days=-left)


def bands(records: Sequence[Record], as_of: dt.date | None, failed: int) -> Iterator[Band]:
    for limit in (NOTICE_DAYS, COUNTEROFFER_DAYS):
        mine = [r for r in records if (r.decision.counteroffer.made is not None) == (limit == COUNTEROFFER_DAYS)]
        left = [timing(record, as_of)[1] for record in mine]
        yield Band(
            limit=limit,
            early=sum(days is not None and days > 10 for days in left),
            near=sum(days is not None and 0 <= days <= 10 for days in left),
            late=sum(days is not None and days < 0 for days in left),
            undated=left.count(None) + (failed if limit == NOTICE_DAYS else 0),
        )


def uses(records: Sequence[Record], run: RunFacts) -> Iterator[Use]:
    found: dict[tuple[Kind, str], list[dt.date | None]] = {}
    for record in records:
        for kind, label in versions(record, run):
            found.setdefault((kind, label), []).append(record.decision.dates.decision)
    known = {key: [date for date in dates if date] for key, dates in found.items()}
    for kind, label in sorted(found, key=lambda key: (key[0], min(known[key], default=dt.date.min), key[1])):
        dates = known[kind, label]
        first, last = min(dates, default=None), max(dates, default=None)
        yield Use(kind=kind, version=label, decisions=len(found[kind, label]), first=first, last=last)


def versions(record: Record, run: RunFacts) -> Iterator[tuple[Kind, str]]:
    model, reference, texts = record.model, record.reference, record.texts
    yield "model", " ".join(filter(None, (run.names.get("model"), model.version, model.weights_sha256[:12])))
    if reference is not None:
        yield "reference", " ".join(filter(None, (run.names.get("reference"), reference.sha256[:12])))
    yield "texts", " ".join(filter(None, (texts.language, texts.version)))
    if record.config_sha256 is not None:
        yield "settings", record.config_sha256[:12]


def reasons(ready: Sequence[Record], run: RunFacts) -> Reasons:
    found = [(record, reason) for record in ready for reason in record.reasons]
    counts = Counter((reason.family, reason.text) for _, reason in found)
    first = Counter((reason.family, reason.text) for _, reason in found if reason.rank == 1)
    hits: dict[tuple[str, str], list[str]] = {}
    for record, reason in found:
        if why := fault(reason.text, reason.columns, phrasebook.load(record.texts.language), ENGLISH):
            hits.setdefault((reason.text, why), []).append(record.decision.id)
    listed = [PhraseHit(id=ids[0], text=text, fault=why, count=len(ids)) for (text, why), ids in hits.items()]
    return Reasons(
        stated=tuple(
            StatedReason(family=family, text=text, count=count, first=first[family, text])
            for (family, text), count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ),
        total=len(found),
        other=sum(reason.code in run.other_codes for _, reason in found) if run.other_codes else None,
        forbidden=tuple(sorted(listed, key=lambda hit: (-hit.count, hit.text, hit.fault))),
        phrases=sum(hit.count for hit in listed),
        covered=spread("covered", [r.ranking.covered for r in ready if r.ranking.covered is not None]),
    )


def quality(records: Sequence[Record]) -> Iterator[Quality]:
    checks = [check for record in records for check in record.checks]
    for name in sorted({check.id for check in checks}):
        mine = [check for check in checks if check.id == name]
        performed = [check for check in mine if check.status == "performed"]
        numbers = [(k, float(v)) for check in performed for k, v in check.measured.items() if not isinstance(v, str)]
        spreads = (spread(k, [v for key, v in numbers if key == k]) for k in sorted({key for key, _ in numbers}))
        yield Quality(
            id=name,
            title=mine[0].title,
            performed=len(performed),
            not_performed=len(mine) - len(performed),
            flagged=sum(check.flag for check in performed),
            measured=tuple(item for item in spreads if item is not None),
        )
