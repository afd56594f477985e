"""Chapters on many decisions, as sections that any report for auditors can hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TypeVar

import numpy as np

from lrp_audit.language.messages import Messages
from lrp_audit.records.aggregates import Cell, Drift, Prototypes, Strategies, Strategy, SwarmCounts, ValueCell, Words
from lrp_audit.report.aggregate_heatmap import aggregate_heatmap
from lrp_audit.report.beeswarm import beeswarm
from lrp_audit.report.charts import contribution_bars, symmetric_scale
from lrp_audit.report.fonts import FAMILY
from lrp_audit.report.formats import clip, decimals_for, measure, signed
from lrp_audit.report.scatter import scatter
from lrp_audit.report.sections import ATTACHED, Chart, Figure, Section, table
from lrp_audit.report.standing import Fact

MOST_COLUMNS = 12  # whose values have a chart on paper
_WIDTH, _ROW, _SWARM_ROW = 210.0, 15.0, 20.0  # points, as in base/report.css and audit/document.css
_SHADES = 320.0
_ON_A_PAGE = 24  # rows of a chart

Item = TypeVar("Item")
Labels = Mapping[str, str]
"""What people call a column, where it has a name for them."""


def prototype_sections(found: Prototypes, swarm: SwarmCounts, labels: Labels, say: Messages) -> tuple[Section, ...]:
    """What decisions rest on, by column and by outcome, and which are typical and unusual."""
    profiles = found.of("all")
    order = [item.column for item in profiles]
    decimals = decimals_for(item.summary.strength for item in profiles)
    rows = [
        (
            _name(item.column, labels),
            *(
                signed(number, decimals, say)
                for number in (item.summary.tenth, item.summary.median, item.summary.nine_tenths)
            ),
            say.number(item.summary.strength, f",.{decimals}f"),
        )
        for item in profiles
    ]
    limit = [signed(end, decimals_for([swarm.limit]), say) for end in (-swarm.limit, swarm.limit)]
    charts = []
    per_dot = 1
    for names, part in zip(_pages(order), _pages(rows), strict=True):
        title = say(
            "How the relevance of {count} inputs is spread over {decisions} decisions, from {low} to {high}; to the "
            "right it counted against.",
            count=len(names), decisions=_count(swarm.decisions, say), low=limit[0], high=limit[1],
        )  # fmt: skip
        drawn = beeswarm(swarm, names, title, width=_WIDTH, row=_SWARM_ROW)
        per_dot = drawn.per_dot
        head = (say("Input"), "10 %", say("Median"), "90 %", say("Strength"))
        charts.append(Chart("swarm", drawn.drawing, head, part, (limit[0], "0", limit[1])))
    notes = (
        say(
            "A dot stands for {count} decisions or fewer. To the right: counted against. Hollow: the lowest third of "
            "the input's own values; grey: the middle; black: the highest. Strength is the mean of absolute relevance.",
            count=_count(per_dot, say),
        ),
    )
    return (
        Section(say("What the decisions rest on"), notes, charts=tuple(charts)),
        *_outcomes(found, labels, say),
        _standing(found, say),
    )


def value_section(cells: Sequence[ValueCell], order: Sequence[str], labels: Labels, say: Messages) -> Section:
    """How the relevance of the strongest columns moves with their values."""
    known = {name: list(part) for name, part in groupby(cells, key=lambda cell: cell.column)}
    shown = [name for name in order if any(cell.summary for cell in known.get(name, ()))][:MOST_COLUMNS]
    means = [cell.summary.mean for name in shown for cell in known[name] if cell.summary is not None]
    scale, decimals = symmetric_scale(means), decimals_for(means)
    charts = [_values_chart(name, known[name], scale, decimals, labels, say) for name in shown]
    notes = [say("Each bar is the mean relevance of the decisions with this value. All bars have one scale.")]
    if len(known) > len(shown):
        notes.append(
            say(
                "The {shown} strongest of {count} inputs are printed; the attached report has all of them.",
                shown=len(shown), count=len(known),
            )
        )  # fmt: skip
    return Section(say("Relevance by value"), tuple(notes), charts=tuple(charts))


def strategy_section(found: Strategies, labels: Labels, say: Messages) -> Section:
    """Groups of decisions that rest on the same inputs."""
    lines = (
        Fact(say("Decisions"), _count(found.decisions, say)),
        Fact(say("Decisions that the search began with"), _count(found.clustered, say)),
        Fact(say("Strategies"), _count(len(found.strategies), say)),
    )
    notes: tuple[str, ...]
    if not found.strategies:
        notes = (
            say(
                "The decisions form no groups that rest on different inputs, beyond what single inputs with several "
                "values, and inputs that go together, bring about."
            ),
        )
    else:
        notes = (
            say(
                "Groups that are farther apart, and whose inputs go together more closely, than in samples without "
                "strategies. What they rest on is named by the inputs that differ most."
            ),
            say(
                "Found again: the share of searches among three quarters of the decisions in which a group comes out "
                "again, three quarters alike or more. What is seldom found again is no finding to build on."
            ),
        )
    head = (
        say("Rests on"), say("Decisions"), say("Adverse"), say("Share of its first input"),
        say("Found again"), say("Examples"),
    )  # fmt: skip
    rows = (
        (
            f"{number}. {_marks(item, labels, say)}",
            f"{_count(item.decisions, say)} ({say.percent(item.share, 1)})",
            say.percent(item.adverse_rate, 1),
            say(
                "{here}, elsewhere {elsewhere}", here=say.percent(item.concentration),
                elsewhere=say.percent(item.concentration_elsewhere),
            ),
            "" if item.found_again is None else say.percent(item.found_again),
            ", ".join(item.examples),
        )
        for number, item in enumerate(found.strategies, 1)
    )  # fmt: skip
    tables, cut = table(head, rows, say, rest=ATTACHED)
    suspects = tuple(
        say("Strategy {number} is small and rests on one input that other decisions do not rest on: look at it.",
            number=number)
        for number, item in enumerate(found.strategies, 1)
        if item.suspicious
    )  # fmt: skip
    figures = () if not found.picture else (_picture(found, say),)
    return Section(say("Strategies"), notes + cut, lines, tables, suspects, figures=figures)


def word_sections(found: Words, say: Messages) -> tuple[Section, ...]:
    """The words of many people's texts, by outcome."""
    titles = {
        "all": say("Words of all texts"), "adverse": say("Words of texts with the adverse outcome"),
        "favourable": say("Words of texts with the favourable outcome"),
    }  # fmt: skip
    head = (say("Word"), say("People"), say("Places"), say("Mean relevance"), say("Spread"), say("Share of a text"))
    sections = []
    for outcome, lines in groupby(found.lines, key=lambda line: line.outcome):
        rows = list(lines)
        tables, notes = table(
            head,
            (
                (
                    line.word, _count(line.people, say), _count(line.places, say), _signed(line.mean, say),
                    measure(line.standard_deviation, say), say.percent(line.concentration),
                )
                for line in rows
            ),
            say,
            rest=ATTACHED,
        )  # fmt: skip
        suspects = tuple(
            say("The word “{word}” is in few texts, which rest on it: look at it.", word=line.word)
            for line in rows
            if line.suspicious
        )
        whole = {"all": found.texts, "adverse": found.adverse, "favourable": found.texts - found.adverse}[outcome]
        facts = (Fact(say("Texts"), _count(whole, say)),)
        sections.append(Section(titles[outcome], notes, facts, tables, suspects))
    return tuple(sections)


def drift_section(found: Drift, labels: Labels, say: Messages) -> Section:
    """What changed between two periods or models."""
    lines = (
        Fact(say("Decisions before"), _count(found.before, say)),
        Fact(say("Decisions after"), _count(found.after, say)),
        Fact(say("The same decisions"), say("yes") if found.paired else say("no")),
        Fact(say("Stability index of the score"), measure(found.score_stability, say)),
        Fact(say("Inputs before only"), ", ".join(_name(name, labels) for name in found.only_before) or say("none")),
        Fact(say("Inputs after only"), ", ".join(_name(name, labels) for name in found.only_after) or say("none")),
    )
    scale = symmetric_scale([item.change for item in found.columns])
    charts = []
    for part in _pages(found.columns):
        title = say("Change of the share of relevance of {count} inputs.", count=len(part))
        drawing = contribution_bars([item.change for item in part], scale, title, width=_WIDTH, row=_ROW)
        head = (say("Input"), say("Before"), say("After"), say("Change"))
        rows = tuple(
            (
                _name(item.column, labels), say.percent(item.share_before, 1), say.percent(item.share_after, 1),
                _points(item.change, say),
            )
            for item in part
        )  # fmt: skip
        ends = (_points(-scale, say), "0", _points(scale, say))
        charts.append(Chart("bars", drawing, head, rows, ends))
    tables, cut = table(
        (
            say("Input"), say("Interval of the change"), say("Adjusted p"), say("Reason before"), say("Reason after"),
            say("Stability index"), say("Of its values"),
        ),
        (
            (
                _name(item.column, labels),
                f"{_points(item.lower, say)} – {_points(item.upper, say)}",
                _p(item.adjusted_p, say),
                _rate(item.reason_before, say),
                f"{_rate(item.reason_after, say)}{_turn(item.turn, say)}",
                measure(item.stability, say),
                "–" if item.value_stability is None else measure(item.value_stability, say),
            )
            for item in found.columns
        ),
        say,
        rest=ATTACHED,
    )  # fmt: skip
    notes = (
        say(
            "Shares are of all absolute relevance. “Reason” is the share of denials with the input among the strongest."
        ),
    )
    return Section(say("Change between two sets of decisions"), notes + cut, lines, tables, charts=tuple(charts))


def _outcomes(found: Prototypes, labels: Labels, say: Messages) -> Iterable[Section]:
    sides = [found.of("adverse"), found.of("favourable")]
    names = [say("Adverse"), say("Favourable")]
    shown = [(name, {item.column: item.summary.mean for item in side}) for name, side in zip(names, sides, strict=True)]
    shown = [(name, means) for name, means in shown if means]
    if len(shown) < 2:
        yield Section(say("By outcome"), (say("Fewer than {count} decisions have one of the outcomes.", count=50),))
        return
    order = [item.column for item in found.of("all")]
    means = np.array([[side[column] for _, side in shown] for column in order])
    decimals = decimals_for(means.flat)
    limit = symmetric_scale([float(np.abs(means).max())])
    charts = []
    for own, part in zip(_pages(order), _pages(means.tolist()), strict=True):
        title = say("Mean relevance of {count} inputs by outcome, as shades.", count=len(own))
        drawing = aggregate_heatmap(np.array(part), title, width=_SHADES, row=_ROW, limit=limit)
        rows = tuple(
            (_name(name, labels), *(signed(mean, decimals, say) for mean in line))
            for name, line in zip(own, part, strict=True)
        )
        charts.append(Chart("shades", drawing, (say("Input"), *(name for name, _ in shown)), rows))
    note = say("Mean relevance. Red and underlined: counted against; blue: in favour; darker: more.")
    yield Section(say("By outcome"), (note,), charts=tuple(charts))


def _pages(items: Sequence[Item]) -> Iterable[tuple[Item, ...]]:
    """The items, as many at a time as a chart has rows."""
    return (tuple(items[start : start + _ON_A_PAGE]) for start in range(0, len(items), _ON_A_PAGE))


def _standing(found: Prototypes, say: Messages) -> Section:
    rows = (
        (kind, item.id, measure(item.distance, say))
        for kind, items in ((say("typical"), found.typical), (say("unusual"), found.unusual))
        for item in items
    )
    tables, notes = table((say("Kind"), say("Decision"), say("Distance from the mean")), rows, say, rest=ATTACHED)
    note = say("The distance is the root mean square of the standard scores of an explanation's inputs.")
    return Section(say("Typical and unusual decisions"), (note, *notes), (), tables)


def _values_chart(
    name: str, cells: Sequence[ValueCell], scale: float, decimals: int, labels: Labels, say: Messages
) -> Chart:
    shown = [(item.cell, item.summary) for item in cells if item.summary is not None]
    title = say("Mean relevance by the value of {input}.", input=_name(name, labels))
    hidden = len(cells) - len(shown)
    means = [*(summary.mean for _, summary in shown), *([0.0] if hidden else [])]
    drawing = contribution_bars(means, scale, title, width=_WIDTH, row=_ROW)
    rows = [
        (
            _cell(cell, say),
            _count(summary.count, say),
            signed(summary.mean, decimals, say),
            measure(summary.standard_deviation, say),
        )
        for cell, summary in shown
    ]
    if hidden:
        rows.append((say.plural("{count} rare value", "{count} rare values", hidden), say("suppressed"), "", ""))
    ends = tuple(signed(end, decimals, say) for end in (-scale, 0.0, scale))
    head = (_name(name, labels), say("Count"), say("Mean"), say("Spread"))
    return Chart("bars", drawing, head, tuple(rows), ends)


def _cell(cell: Cell, say: Messages) -> str:
    low, high = ("" if end is None else measure(end, say) for end in (cell.low, cell.high))
    if cell.kind == "range":
        if not low:
            return say("below {high}", high=high)
        return say("{low} to {high}", low=low, high=high) if high else say("from {low}", low=low)
    return {"value": clip(cell.value, 40), "other": say("other values"), "missing": say("missing")}[cell.kind]


def _picture(found: Strategies, say: Messages) -> Figure:
    title = say.plural(
        "{count} decision in a plane, where near ones rest on the same inputs.",
        "{count} decisions in a plane, where near ones rest on the same inputs.",
        len(found.picture),
    )
    caption = say(
        "{count} decisions by t-SNE: near ones rest on the same inputs; sizes of clouds and distances between them say "
        "nothing.",
        count=_count(len(found.picture), say),
    )
    numbers = f" {say('Numbers are those of the strategies.')}" if found.strategies else ""
    return Figure(scatter(found.picture, title, family=FAMILY), caption + numbers)


def _marks(item: Strategy, labels: Labels, say: Messages) -> str:
    decimals = decimals_for(mean for mark in item.marks for mean in (mark.here, mark.elsewhere))
    return "; ".join(
        say(
            "{input} {here} (elsewhere {elsewhere})",
            input=_name(mark.column, labels),
            here=signed(mark.here, decimals, say),
            elsewhere=signed(mark.elsewhere, decimals, say),
        )
        for mark in item.marks
    )


def _name(column: str, labels: Labels) -> str:
    return clip(labels.get(column, column), 60)


def _count(count: int, say: Messages) -> str:
    return say.number(count, ",")


def _signed(value: float, say: Messages) -> str:
    return signed(value, decimals_for([value]), say)


def _points(change: float, say: Messages) -> str:
    """A change of a share, in percentage points."""
    return signed(change * 100, 1, say)


def _rate(share: float | None, say: Messages) -> str:
    return "–" if share is None else say.percent(share, 1)


def _p(p: float | None, say: Messages) -> str:
    return "–" if p is None else f"< {say.number(0.001, '.3f')}" if p < 0.001 else say.number(p, ".3f")


def _turn(turn: str, say: Messages) -> str:
    return {"appears": f", {say('appears')}", "vanishes": f", {say('vanishes')}", "": ""}[turn]
