"""The chapters of the internal audit behind its first page: every number of the record, in tables (CA-01 to CA-14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from lrp_audit.display import MINUS
from lrp_audit.reasons import against
from lrp_audit.record import ColumnContribution, FamilyContribution, Record, Refusal, digest
from lrp_audit.report.charts import contribution_bars, symmetric_scale
from lrp_audit.report.formats import (
    NOT_SUPPLIED,
    clip,
    decimals_for,
    exact,
    maybe_date,
    measure,
    percent,
    scientific,
    signed,
)
from lrp_audit.report.glance import Fact, due_date, is_late, numbers, recorded

CELL = 200  # characters of a value that a table shows; all of it is in the attached record
PROSE = 600  # characters of a model card's paragraph
CHART_ROWS = 22  # families on one chart
CHART_WIDTH, CHART_ROW = 210.0, 15.0  # points, as in audit/document.css
_TRANSFORMED = 6  # transformed values of a column that a table shows


@dataclass(frozen=True)
class FamilyRow:
    """One reason family; `side` says in a word what sign and colour say."""

    label: str
    contribution: str
    side: str
    share: str


@dataclass(frozen=True)
class Chart:
    """Bars that lie on the rows of their own data table, with the printed ends of the scale."""

    drawing: Markup
    rows: tuple[FamilyRow, ...]
    low: str
    high: str


@dataclass(frozen=True)
class ColumnRow:
    """One input column as scored (CA-04), with its contribution (CA-06)."""

    position: int
    label: str
    column: str
    family: str
    contribution: str
    side: str
    applicant: str
    raw: str
    reference: str
    transformed: str
    notes: str


@dataclass(frozen=True)
class ReasonRow:
    """CA-07: a reason, the features behind it and its text, exactly as sent."""

    rank: int
    text: str
    text_key: str
    code: str
    direction: str
    family: str
    columns: str
    contribution: str


@dataclass(frozen=True)
class CheckRow:
    """CA-08 and CA-09."""

    title: str
    status: str
    numbers: str
    statement: str
    flag: bool


@dataclass(frozen=True)
class Chapters:
    """Everything behind the first page, in order."""

    refusals: tuple[Refusal, ...]
    flags: tuple[str, ...]
    decision: tuple[Fact, ...]
    charts: tuple[Chart, ...]
    columns: tuple[ColumnRow, ...]
    reasons: tuple[ReasonRow, ...]
    ranking: str
    ledger: tuple[Fact, ...]
    checks: tuple[CheckRow, ...]
    reference: tuple[Fact, ...]  # and the method
    model: tuple[Fact, ...]
    provenance: tuple[Fact, ...]
    not_performed: tuple[str, ...]
    unexplained: str  # why there are no contributions, where there are none
    comparison: str  # what contributions are measured from


def chapters(record: Record) -> Chapters:
    """The tables of a record's audit."""
    return Chapters(
        refusals=record.refusals,
        flags=record.flags,
        decision=_decision(record),
        charts=_charts(record),
        columns=_columns(record),
        reasons=_reasons(record),
        ranking=_ranking(record),
        ledger=_ledger(record),
        checks=tuple(
            CheckRow(check.title, check.status, numbers(check), check.statement, check.flag) for check in record.checks
        ),
        reference=_reference(record),
        model=_model(record),
        provenance=_provenance(record),
        not_performed=tuple(check.title for check in record.checks if check.status == "not performed"),
        unexplained=_unexplained(record),
        comparison=_comparison(record),
    )


def _unexplained(record: Record) -> str:
    decided_by = record.decision.decided_by
    if decided_by == "score":
        return "Not available: the row could not be scored."
    component = "a rule" if decided_by == "rule" else "a person"
    return f"Not used: {component} decided, and the reasons are that component's own (RS-05)."


def _comparison(record: Record) -> str:
    if record.reference is not None and record.reference.members == 0:
        return "Contributions are measured from zero: no population stands behind them (RS-06)."
    return "Contributions compare the applicant with the reference population named above; another gives others."


def _decision(record: Record) -> tuple[Fact, ...]:
    """CA-01 and CA-02."""
    decision, outcome = record.decision, record.outcome
    dates, bureau = decision.dates, decision.bureau
    facts = [
        Fact("Decision", clip(decision.id, CELL)),
        Fact("Applicant (pseudonym)", decision.applicant),
        Fact("Product", clip(decision.product or NOT_SUPPLIED, CELL)),
        Fact("Amount", clip(decision.amount or NOT_SUPPLIED, CELL)),
        Fact("Application", maybe_date(dates.application)),
        Fact("Completed", maybe_date(dates.completion)),
        Fact("Decided", maybe_date(dates.decision)),
        Fact("Notice due", due_date(dates), flag=is_late(dates)),
        Fact("Decided by", decision.decided_by),
    ]
    facts.append(Fact("Recorded by the lender", recorded(record)))
    if outcome is not None:
        estimator = NOT_SUPPLIED if outcome.estimator_score is None else exact(outcome.estimator_score)
        facts += [
            Fact("Score, explained graph", f"{exact(outcome.score)} ({outcome.cutoff_on})"),
            Fact("Score, the lender's own estimator", estimator, flag=outcome.near_cutoff),
            Fact("Cutoff", f"{exact(outcome.cutoff)} ({outcome.cutoff_on}); {exact(outcome.cutoff_margin)} as margin"),
            Fact("Margin toward the adverse outcome", exact(outcome.margin)),
        ]
    score = "none" if bureau.score is None else f"{bureau.score}, {maybe_date(bureau.score_date)}"
    facts += [
        Fact("Consumer report used", measure(bureau.report_used)),
        Fact("Bureau score", score),
        Fact("Other outside information used", measure(bureau.outside_information)),
    ]
    return tuple(facts)


def side(contribution: str) -> str:
    """The word for a printed sign."""
    return {"+": "against", MINUS: "in favour"}.get(contribution[:1], "none")


def _charts(record: Record) -> tuple[Chart, ...]:
    """Families as signed bars on one common scale, in portions that fit a page."""
    families = record.families
    values = [family.relevance for family in families]
    scale, decimals = symmetric_scale(values), decimals_for(values)
    total = sum(family.relevance for family in against(families))
    portions = [families[start : start + CHART_ROWS] for start in range(0, len(families), CHART_ROWS)]
    return tuple(
        Chart(
            drawing=contribution_bars(
                [family.relevance for family in portion],
                scale,
                _chart_title(portion, scale, decimals, record.model.adverse),
                width=CHART_WIDTH,
                row=CHART_ROW,
            ),
            rows=tuple(_family_row(family, total, decimals) for family in portion),
            low=signed(-scale, decimals),
            high=signed(scale, decimals),
        )
        for portion in portions
    )


def _family_row(family: FamilyContribution, total: float, decimals: int) -> FamilyRow:
    contribution = signed(family.relevance, decimals)
    return FamilyRow(
        label=clip(family.label, 60),
        contribution=contribution,
        side=side(contribution),
        share=percent(family.relevance / total) if family.relevance > 0 and total > 0 else "",
    )


def _chart_title(families: Sequence[FamilyContribution], scale: float, decimals: int, adverse: str) -> str:
    against_count = sum(family.relevance > 0 for family in families)
    favour_count = sum(family.relevance < 0 for family in families)
    first, last = families[0], families[-1]
    named = [f"{first.label} {signed(first.relevance, decimals)}"]
    if len(families) > 1:
        named.append(f"to {last.label} {signed(last.relevance, decimals)}")
    return (
        f"Contributions of {len(families)} reason families to the margin toward “{adverse}”, from "
        f"{clip(' '.join(named), 160)}: {against_count} against the applicant, {favour_count} in favour; "
        f"the scale runs from {signed(-scale, decimals)} to {signed(scale, decimals)}."
    )


def _columns(record: Record) -> tuple[ColumnRow, ...]:
    decimals = decimals_for(item.relevance for item in record.contributions)
    families = _family_labels(record)
    return tuple(
        ColumnRow(
            position=position,
            label=clip(item.label, 80),
            column=clip(item.column, 80),
            family=clip(families.get(item.family, item.family), 60),
            contribution=signed(item.relevance, decimals),
            side=side(signed(item.relevance, decimals)),
            applicant=clip(item.display, CELL),
            raw=_raw(item),
            reference=clip(item.reference_display, CELL),
            transformed=_transformed(item.transformed),
            notes=_column_notes(item),
        )
        for position, item in enumerate(record.contributions, start=1)
    )


def _family_labels(record: Record) -> dict[str, str]:
    return {family.family: family.label for family in record.families}


def _raw(item: ColumnContribution) -> str:
    """The value as it stood in the data, where that is not what is shown."""
    value = item.value
    if value is None and not item.missing:
        return ""  # a group of words has no value
    raw = "empty" if value is None else exact(value) if isinstance(value, float) else clip(str(value), CELL)
    return "" if raw == clip(item.display, CELL) else raw


def _transformed(values: Sequence[float]) -> str:
    shown = ", ".join(measure(value) for value in values[:_TRANSFORMED])
    rest = len(values) - _TRANSFORMED
    return f"{shown}, … ({len(values)} values)" if rest > 0 else shown


def _column_notes(item: ColumnContribution) -> str:
    notes = [
        "missing" if item.missing else "",
        "imputed" if item.imputed else "",
        "" if item.protected == "no" else f"protected ({item.protected})",
        "" if item.mutable is None else "can be changed" if item.mutable else "cannot be changed",
        clip(item.source or "", 60),
    ]
    return ", ".join(note for note in notes if note)


def _reasons(record: Record) -> tuple[ReasonRow, ...]:
    decimals = decimals_for(item.relevance for item in record.contributions)
    labels, families = {item.column: item.label for item in record.contributions}, _family_labels(record)
    return tuple(
        ReasonRow(
            rank=reason.rank,
            text=reason.text or "no approved wording",
            text_key=reason.text_key,
            code=reason.code or "",
            direction={"low": "value low, tested", "high": "value high, tested", None: "neutral"}[reason.direction],
            family=clip(families.get(reason.family, reason.family), 80) or "none: supplied with the decision",
            columns=", ".join(f"{clip(labels.get(name, name), 80)} ({clip(name, 80)})" for name in reason.columns),
            contribution=signed(reason.relevance, decimals) if reason.columns else "",
        )
        for reason in record.reasons
    )


def _ranking(record: Record) -> str:
    """RS-09, in a sentence."""
    ranking, decimals = record.ranking, decimals_for(family.relevance for family in record.families)
    following = "none" if ranking.next_family is None else _family_labels(record).get(ranking.next_family, "")
    gap = "" if ranking.gap is None else f", {signed(ranking.gap, decimals)} behind the last stated one"
    tie = "a near-tie" if ranking.near_tie else "no near-tie"
    return f"Next family, not stated: {clip(following, CELL)}{gap}; {tie}."


def _ledger(record: Record) -> tuple[Fact, ...]:
    """Explained = attributed + sinks + residual."""
    books = record.conservation
    if books is None:
        return ()
    sinks = tuple(Fact(f"Sink: {name}", exact(value)) for name, value in sorted(books.sinks.items()))
    holds = abs(books.residual) <= books.tolerance
    return (
        Fact("Difference explained, applicant less reference mean", exact(books.explained)),
        Fact("Attributed to input columns", exact(books.attributed)),
        *(sinks or (Fact("Sinks", "none"),)),
        Fact("Residual", scientific(books.residual), flag=not holds),
        Fact("Tolerance", f"{scientific(books.tolerance)}: the books {'balance' if holds else 'do NOT balance'}"),
    )


def _reference(record: Record) -> tuple[Fact, ...]:
    """RS-07 and CA-05; the hash stands under provenance."""
    reference, method, facts = record.reference, record.method, []
    if reference is not None:
        facts += [
            Fact("Population", reference.name.replace("_", " ")),
            Fact("People behind it", f"{reference.population:,}"),
            Fact("Represented by", f"{reference.representation}, {reference.members:,}, seed {reference.seed}"),
            Fact("Date of the data", maybe_date(reference.date)),
            Fact("Mean margin", exact(reference.mean_margin)),
        ]
    if method is not None:
        facts += [
            Fact("Method and rules", f"{method.name}, {method.rules}"),
            Fact("Target", clip(method.target, CELL)),
            Fact("Precision", method.dtype),
        ]
    return tuple(facts)


def _model(record: Record) -> tuple[Fact, ...]:
    """CA-03."""
    model = record.model
    return (
        Fact("Model", model.name or NOT_SUPPLIED),
        Fact("Version", model.version or NOT_SUPPLIED),
        Fact("Kind", model.kind),
        Fact("Classes", f"{', '.join(model.classes) or 'none'}; adverse: {model.adverse}"),
        Fact("Owner", model.owner or NOT_SUPPLIED),
        Fact("Intended use", clip(model.intended_use or NOT_SUPPLIED, PROSE)),
        Fact("Known limits", clip(model.known_limits or NOT_SUPPLIED, PROSE)),
        Fact("Validated", maybe_date(model.validation_date)),
    )


def _provenance(record: Record) -> tuple[Fact, ...]:
    """CA-03 and CA-14: hashes (SHA-256) and versions."""
    model, wording = record.model, record.texts
    approved = (
        NOT_SUPPLIED if wording.approved_by is None else f"{wording.approved_by}, {maybe_date(wording.approved_on)}"
    )
    return (
        Fact("Record, as attached", digest(record)),
        Fact("Model file", model.file_sha256 or NOT_SUPPLIED),
        Fact("Model weights", model.weights_sha256),
        Fact("Pre-processing", model.preprocessing_sha256 or "none"),
        Fact("Reference", record.reference.sha256 if record.reference else "none"),
        Fact("Configuration", record.config_sha256 or NOT_SUPPLIED),
        Fact("Addressee, keyed", record.decision.addressee_sha256 or NOT_SUPPLIED),
        Fact("Reason texts", f"{wording.language}, version {wording.version or NOT_SUPPLIED}; approved: {approved}"),
        Fact("Versions", " · ".join(f"{name} {version}" for name, version in sorted(record.versions.items()))),
        Fact("Signature and time stamp", "not performed"),
    )
