"""The report on a batch of decisions, for auditors (regulations, section 5): PDF/A-3a + PDF/UA-1, or HTML.

It prints the figures of a `BatchReport` and attaches it in its canonical form. Statistics of groups are never in it
(BA-09).
"""

from __future__ import annotations

from lrp_audit.language.messages import Messages, for_reviewers, message
from lrp_audit.records.record import digest
from lrp_audit.report import sections
from lrp_audit.report.aggregate import aggregate_limits, aggregate_sections
from lrp_audit.report.batch_report import BatchReport, Distribution
from lrp_audit.report.formats import NOT_SUPPLIED, maybe_date, measure
from lrp_audit.report.names import name_of
from lrp_audit.report.sections import ATTACHED, Printed, Section, table
from lrp_audit.report.standing import Fact
from lrp_audit.settings.config import AuditConfig

FOLDER = "batch"
_MOST = 100  # decisions of a list that nobody has to work through on paper
LEAVES = "leaves/"  # the folder that has every leaf
PROXY_SCREEN = "proxy-screen"  # the check of that name
_KINDS = {
    "model": message("model"),
    "reference": message("reference"),
    "texts": message("approved texts"),
    "settings": message("settings"),
}


def batch_pdf(report: BatchReport, config: AuditConfig) -> bytes:
    """The report as PDF, with its canonical JSON attached.

    Raises:
        ReportError: a font cannot be used, or the document is too long.
    """
    return sections.pdf(_printed(report, config), report, FOLDER, config, report.scope.last)


def batch_html(report: BatchReport, config: AuditConfig) -> str:
    """The report as one page of HTML with its style inside."""
    return sections.html(_printed(report, config), FOLDER, config, styled=True)


def _printed(report: BatchReport, config: AuditConfig) -> Printed:
    say = for_reviewers(config)
    counted = (_scope, _completeness, _timeliness, _versions, _reasons, _replay, _quality, _protected)
    rest = () if report.aggregate is None else aggregate_sections(report.aggregate, config)
    sections = (
        *(make(report, say) for make in counted),
        *rest,
        *(make(report, say) for make in (_review, _limits, _manifest)),
    )
    return Printed(say("Batch report"), digest(report), sections)


def _scope(report: BatchReport, say: Messages) -> Section:
    scope = report.scope
    period = f"{maybe_date(scope.first, say)} – {maybe_date(scope.last, say)}"
    sampling = say("all decisions") if scope.sampling is None else scope.sampling
    seed = "" if scope.seed is None else say("; seed {seed}", seed=scope.seed)
    tables, notes = table(
        (say("Excluded because"), say("Decisions")), ((c.name, _count(c.count, say)) for c in scope.exclusions), say
    )
    lines = (
        Fact(say("Population"), scope.population),
        Fact(say("Source"), scope.source),
        Fact(say("Period"), period),
        Fact(say("Lateness of notices not sent, counted to"), maybe_date(scope.as_of, say)),
        Fact(say("Filters"), "; ".join(scope.filters) or say("none")),
        Fact(say("Sampling"), f"{sampling}{seed}"),
    )
    return Section(say("Scope"), notes, lines, tables)


def _completeness(report: BatchReport, say: Messages) -> Section:
    found = report.completeness
    states, _ = table((say("State"), say("Decisions")), ((c.name, _count(c.count, say)) for c in found.refused), say)
    failures = ((f.id, f.what) for f in found.failures)
    went_wrong = (say("Failed decision"), say("What went wrong"))
    failed, cut = table(went_wrong, failures, say, of=found.failed, most=_MOST)
    twice = (say("With more than one record"),)
    repeated, more = table(twice, ((name,) for name in found.duplicates), say, of=found.repeated)
    documents, _ = table(
        (say("Document"), say("Written")), ((c.name, _count(c.count, say)) for c in found.documents), say
    )
    missing = say(NOT_SUPPLIED) if found.missing is None else _count(found.missing, say)
    lines = (
        Fact(say("Decisions"), _count(found.decisions, say)),
        Fact(say("Ready for review"), _count(found.ready, say)),
        Fact(say("Refused"), _count(sum(c.count for c in found.refused), say)),
        Fact(say("Failed"), _count(found.failed, say), bool(found.failed)),
        Fact(say("Documents written"), _count(sum(c.count for c in found.documents), say)),
        Fact(say("Ready without a letter"), _count(found.without_letter, say)),
        Fact(say("Without a record"), missing, bool(found.missing)),
        Fact(say("With more than one record"), _count(found.repeated, say), bool(found.repeated)),
    )
    return Section(say("Completeness"), cut + more, lines, states + documents + failed + repeated)


def _timeliness(report: BatchReport, say: Messages) -> Section:
    head = (
        say("Limit in days"), say("More than 10 days left"), say("10 days left or fewer"), say("Late"),
        say("No due date or no notice"),
    )  # fmt: skip
    rows = ((b.limit, b.early, b.near, b.late, b.undated) for b in report.timeliness)
    bands, _ = table(head, (tuple(_count(n, say) for n in row) for row in rows), say)
    late, notes = table(
        (say("Late decision"), say("Due"), say("Notice"), say("Days late")),
        ((c.id, say.date(c.due), maybe_date(c.notice, say), _count(c.days, say)) for c in report.late),
        say,
        of=sum(band.late for band in report.timeliness),
    )
    return Section(say("Timeliness"), notes, (), bands + late)


def _versions(report: BatchReport, say: Messages) -> Section:
    tables, notes = table(
        (say("Version"), say("Of what"), say("First decision"), say("Last decision"), say("Decisions")),
        (
            (
                u.version,
                say(_KINDS[u.kind]),
                maybe_date(u.first, say),
                maybe_date(u.last, say),
                _count(u.decisions, say),
            )
            for u in report.versions
        ),
        say,
        rest=ATTACHED,
    )
    return Section(say("Versions in use"), notes, (), tables)


def _reasons(report: BatchReport, say: Messages) -> Section:
    found = report.reasons
    other = say(NOT_SUPPLIED) if found.other is None else _share(found.other, found.total, say)
    tables, notes = table(
        (say("Reason"), say("Family"), say("Stated"), say("Share of reasons"), say("As first reason")),
        (
            (r.text, r.family, _count(r.count, say), _share(r.count, found.total, say), _count(r.first, say))
            for r in found.stated
        ),
        say,
        rest=ATTACHED,
    )
    hits, more = table(
        (say("Text"), say("Finding"), say("Stated"), say("First decision")),
        ((h.text, h.fault, _count(h.count, say), h.id) for h in found.forbidden),
        say,
        rest=ATTACHED,
    )
    covered = say(NOT_SUPPLIED) if found.covered is None else _spread(found.covered, say)
    lines = (
        Fact(say("Reasons stated"), _count(found.total, say)),
        Fact(say("Share of “other”"), other),
        Fact(say("Reasons with a forbidden phrase"), _count(found.phrases, say), bool(found.phrases)),
        Fact(say("Share of what counted against that the reasons hold"), covered),
    )
    return Section(say("Reasons"), notes + more, lines, tables + hits)


def _replay(report: BatchReport, say: Messages) -> Section:
    title, found = say("Re-performance"), report.replay
    if found is None:
        return Section(
            title,
            (
                say(
                    "No decision was recomputed before this report was made. `lrp-audit verify --replay` recomputes "
                    "decisions from the model and the inputs in their records, and writes what it found to {file}.",
                    file="replay.json",
                ),
            ),
        )
    tables, notes = table((say("Decision"), say("Difference")), ((d.id, d.what) for d in found.differences), say)
    lines = (
        Fact(say("Recomputed"), _count(found.recomputed, say)),
        Fact(say("With the same hash"), _count(found.matching, say)),
    )
    return Section(title, notes, lines, tables)


def _quality(report: BatchReport, say: Messages) -> Section:
    counts, _ = table(
        (say("Check"), say("Performed"), say("Not performed"), say("Flagged")),
        (
            (q.title, _count(q.performed, say), _count(q.not_performed, say), _count(q.flagged, say))
            for q in report.quality
        ),
        say,
    )
    measured, _ = table(
        (say("Check"), say("Measured"), say("Mean"), say("Lowest"), say("Highest")),
        (
            (q.title, name_of(m.name, say), *(measure(value, say) for value in (m.mean, m.lowest, m.highest)))
            for q in report.quality
            for m in q.measured
        ),
        say,
    )
    residual = say(NOT_SUPPLIED) if report.residual is None else _spread(report.residual, say)
    lines = (Fact(say("Conservation error"), residual),)
    return Section(say("Quality of the explanations"), (), lines, counts + measured)


def _protected(report: BatchReport, say: Messages) -> Section:
    found = report.protected
    hits = sum(c.count for c in found.states)
    states, _ = table((say("State"), say("Hits")), ((c.name, _count(c.count, say)) for c in found.states), say)
    listed, notes = table(
        (say("Decision"), say("State"), say("Outcome of the escalation")),
        ((h.id, h.state, h.outcome or say(NOT_SUPPLIED)) for h in found.hits),
        say,
        of=hits,
        most=_MOST,
    )
    screens = (q for q in report.quality if q.id == PROXY_SCREEN)
    lines = (
        Fact(say("Hits"), _count(hits, say)),
        *(Fact(q.title, f"{_count(q.performed, say)} ({say('Flagged')}: {_count(q.flagged, say)})") for q in screens),
    )
    return Section(say("Protected data"), notes, lines, states + listed)


def _review(report: BatchReport, say: Messages) -> Section:
    title, found = say("Human review"), report.review
    if found is None:
        return Section(title, (say(NOT_SUPPLIED),))
    hours = say(NOT_SUPPLIED) if found.median_hours is None else measure(found.median_hours, say)
    decided = found.upheld + found.overturned + found.returned
    lines = (
        Fact(say("Upheld"), _share(found.upheld, decided, say)),
        Fact(say("Overturned"), _share(found.overturned, decided, say)),
        Fact(say("Returned"), _share(found.returned, decided, say)),
        Fact(say("Waiting"), _count(found.waiting, say)),
        Fact(say("Median hours to a review"), hours),
    )
    return Section(title, (), lines)


def _limits(report: BatchReport, say: Messages) -> Section:
    own = (
        say("This report counts what the records of the batch say. It does not say what causes default."),
        say("It states what was checked, how, and with what result. Whether that meets a law is not for it to say."),
        say("Forbidden phrases are found by lists of words, which find what is written and not what is meant."),
    )
    rest = () if report.aggregate is None else aggregate_limits(report.aggregate, say)
    return Section(say("Exceptions and limits"), listed=(*report.exceptions, *own, *rest))


def _manifest(report: BatchReport, say: Messages) -> Section:
    title, found = say("Manifest"), report.manifest
    if found is None:
        return Section(title, (say(NOT_SUPPLIED),))
    tables, notes = table(
        (say("Decision"), say("Document"), say("Leaf")),
        ((m.id, m.document, m.leaf) for m in found.lines),
        say,
        of=sum(c.count for c in report.completeness.documents),
        rest=LEAVES,
        most=_MOST,
    )
    stamp = say(NOT_SUPPLIED) if found.time_stamp is None else found.time_stamp.isoformat()
    lines = (
        Fact(say("Root hash of records and documents"), found.root),
        Fact(say("Leaves"), _count(found.leaves, say)),
        Fact(say("Algorithm"), found.algorithm),
        Fact(say("Signer"), found.signer or say(NOT_SUPPLIED)),
        Fact(say("Time stamp"), stamp),
    )
    note = say(
        "This file is a leaf of the tree itself: the root over all files of the batch stands in {file}. "
        "`lrp-audit verify` checks both offline.",
        file="manifest.json",
    )
    return Section(title, (note, *notes), lines, tables)


def _count(count: int, say: Messages) -> str:
    return say.number(count, ",")


def _share(count: int, total: int, say: Messages) -> str:
    return f"{_count(count, say)} ({say.percent(count / total, 1)})" if total else _count(count, say)


def _spread(found: Distribution, say: Messages) -> str:
    low, mean, high = (measure(value, say) for value in (found.lowest, found.mean, found.highest))
    return say("mean {mean}, {low} to {high}", mean=mean, low=low, high=high)
