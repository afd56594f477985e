"""The chapters of the internal audit behind its first page: every number of the record, in tables (CA-01 to CA-14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from lrp_audit.judging.reasons import against
from lrp_audit.language.display import MINUS
from lrp_audit.language.messages import Messages
from lrp_audit.records.record import ColumnContribution, FamilyContribution, Record, Refusal, TieBreak
from lrp_audit.report.audit_facts import (
    CELL,
    decision_facts,
    ledger_facts,
    model_facts,
    provenance_facts,
    reference_facts,
)
from lrp_audit.report.charts import contribution_bars, symmetric_scale
from lrp_audit.report.formats import (
    clip,
    decimals_for,
    exact,
    measure,
    percent,
    signed,
)
from lrp_audit.report.glance import numbers
from lrp_audit.report.names import column_name, name_of
from lrp_audit.report.standing import Fact

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


def chapters(record: Record, say: Messages) -> Chapters:
    """The tables of a record's audit."""
    return Chapters(
        refusals=record.refusals,
        flags=record.flags,
        decision=decision_facts(record, say),
        charts=_charts(record, say),
        columns=_columns(record, say),
        reasons=_reasons(record, say),
        ranking=_ranking(record, say),
        ledger=ledger_facts(record, say),
        checks=tuple(
            CheckRow(check.title, name_of(check.status, say), numbers(check, say), check.statement, check.flag)
            for check in record.checks
        ),
        reference=reference_facts(record, say),
        model=model_facts(record, say),
        provenance=provenance_facts(record, say),
        not_performed=tuple(check.title for check in record.checks if check.status == "not performed"),
        unexplained=_unexplained(record, say),
        comparison=_comparison(record, say),
    )


def _unexplained(record: Record, say: Messages) -> str:
    decided_by = record.decision.decided_by
    if record.decision.action == "incomplete":
        return say("Not used: the application is incomplete, and nothing was decided.")
    if decided_by == "score":
        return say("Not available: the row could not be scored.")
    if decided_by == "rule":
        return say("Not used: a rule decided, and the reasons are that rule's own (RS-05).")
    return say("Not used: a person decided, and the reasons are that person's own (RS-05).")


def _comparison(record: Record, say: Messages) -> str:
    if record.reference is not None and record.reference.members == 0:
        return say("Contributions are measured from zero: no population stands behind them (RS-06).")
    return say("Contributions compare the applicant with the reference population named above; another gives others.")


def side(contribution: str, say: Messages) -> str:
    """The word for a printed sign."""
    return {"+": say("against"), MINUS: say("in favour")}.get(contribution[:1], say("none"))


def _charts(record: Record, say: Messages) -> tuple[Chart, ...]:
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
                _chart_title(portion, scale, decimals, record.model.adverse, say),
                width=CHART_WIDTH,
                row=CHART_ROW,
            ),
            rows=tuple(_family_row(family, total, decimals, say) for family in portion),
            low=signed(-scale, decimals, say),
            high=signed(scale, decimals, say),
        )
        for portion in portions
    )


def _family_row(family: FamilyContribution, total: float, decimals: int, say: Messages) -> FamilyRow:
    contribution = signed(family.relevance, decimals, say)
    return FamilyRow(
        label=clip(family.label, 60),
        contribution=contribution,
        side=side(contribution, say),
        share=percent(family.relevance / total, say) if family.relevance > 0 and total > 0 else "",
    )


def _chart_title(
    families: Sequence[FamilyContribution], scale: float, decimals: int, adverse: str, say: Messages
) -> str:
    first, last = (
        f"{clip(family.label, 70)} {signed(family.relevance, decimals, say)}" for family in (families[0], families[-1])
    )
    return say.plural(
        "Contribution of {count} reason family to the margin toward “{adverse}”, {first}: {against} against the "
        "applicant, {favour} in favour; the scale runs from {low} to {high}.",
        "Contributions of {count} reason families to the margin toward “{adverse}”, from {first} to {last}: {against} "
        "against the applicant, {favour} in favour; the scale runs from {low} to {high}.",
        len(families),
        adverse=adverse,
        first=first,
        last=last,
        against=sum(family.relevance > 0 for family in families),
        favour=sum(family.relevance < 0 for family in families),
        low=signed(-scale, decimals, say),
        high=signed(scale, decimals, say),
    )


def _columns(record: Record, say: Messages) -> tuple[ColumnRow, ...]:
    decimals = decimals_for(item.relevance for item in record.contributions)
    families = _family_labels(record)
    return tuple(
        ColumnRow(
            position=position,
            label=clip(item.label, 80),
            column=clip(column_name(item.column, say), 80),
            family=clip(families.get(item.family, item.family), 60),
            contribution=signed(item.relevance, decimals, say),
            side=side(signed(item.relevance, decimals, say), say),
            applicant=clip(item.display, CELL),
            raw=_raw(item, say),
            reference=clip(item.reference_display, CELL),
            transformed=_transformed(item.transformed, say),
            notes=_column_notes(item, say),
        )
        for position, item in enumerate(record.contributions, start=1)
    )


def _family_labels(record: Record) -> dict[str, str]:
    return {family.family: family.label for family in record.families}


def _raw(item: ColumnContribution, say: Messages) -> str:
    """The value as it stood in the data, where that is not what is shown."""
    value = item.value
    if value is None and not item.missing:
        return ""  # a group of words has no value
    raw = exact(value, say) if isinstance(value, float) else clip(str(value), CELL)
    if value is None:
        raw = say("empty")
    return "" if raw == clip(item.display, CELL) else raw


def _transformed(values: Sequence[float], say: Messages) -> str:
    shown = ", ".join(measure(value, say) for value in values[:_TRANSFORMED])
    if len(values) <= _TRANSFORMED:
        return shown
    return say.plural("{shown}, … ({count} value)", "{shown}, … ({count} values)", len(values), shown=shown)


def _column_notes(item: ColumnContribution, say: Messages) -> str:
    notes = [
        say("missing") if item.missing else "",
        say("imputed") if item.imputed else "",
        "" if item.protected == "no" else say("protected ({kind})", kind=name_of(item.protected, say)),
        "" if item.mutable is None else say("can be changed") if item.mutable else say("cannot be changed"),
        clip(item.source or "", 60),
    ]
    return ", ".join(note for note in notes if note)


def _reasons(record: Record, say: Messages) -> tuple[ReasonRow, ...]:
    decimals = decimals_for(item.relevance for item in record.contributions)
    labels, families = {item.column: item.label for item in record.contributions}, _family_labels(record)
    directions = {"low": say("value low, tested"), "high": say("value high, tested"), None: say("neutral")}
    return tuple(
        ReasonRow(
            rank=reason.rank,
            text=reason.text or say("no approved wording"),
            text_key=reason.text_key,
            code=reason.code or "",
            direction=directions[reason.direction],
            family=clip(families.get(reason.family, reason.family), 80) or say("none: supplied with the decision"),
            columns=", ".join(
                f"{clip(labels.get(name, name), 80)} ({clip(column_name(name, say), 80)})" for name in reason.columns
            ),
            contribution=signed(reason.relevance, decimals, say) if reason.columns else "",
        )
        for reason in record.reasons
    )


def _ranking(record: Record, say: Messages) -> str:
    """RS-09, in a sentence."""
    ranking, decimals = record.ranking, decimals_for(family.relevance for family in record.families)
    if ranking.next_family is None or ranking.gap is None:
        return say("No further family counts against the applicant.")
    family = clip(_family_labels(record).get(ranking.next_family, ""), CELL)
    gap = signed(ranking.gap, decimals, say)
    if ranking.sampled is not None:
        return _sampled(ranking.sampled, _family_labels(record), say)
    if ranking.near_tie:
        return say(
            "Next family, not stated: {family}, {gap} behind the last stated one; a near-tie.", family=family, gap=gap
        )
    return say(
        "Next family, not stated: {family}, {gap} behind the last stated one; no near-tie.", family=family, gap=gap
    )


def _sampled(tie: TieBreak, labels: Mapping[str, str], say: Messages) -> str:
    """A near-tie that sampling looked into: what it measured, and what follows."""
    outcomes = {
        "kept": say("they part as relevance has them"),
        "exchanged": say("they part the other way than relevance has them, and the second is stated"),
        "tied": say("they do not part within the budget: a tie, left as relevance has it"),
    }
    return say.plural(
        "A near-tie at the last place, looked into by Shapley sampling over the reference population: {first} less "
        "{second} is {difference}, standard error {error}, by {count} draw; {outcome}.",
        "A near-tie at the last place, looked into by Shapley sampling over the reference population: {first} less "
        "{second} is {difference}, standard error {error}, by {count} draws; {outcome}.",
        tie.draws,
        first=clip(labels.get(tie.first, tie.first), CELL),
        second=clip(labels.get(tie.second, tie.second), CELL),
        difference=say.number(tie.difference, "+.3g"),
        error=say.number(tie.standard_error, ".2g"),
        outcome=outcomes[tie.outcome],
    )
