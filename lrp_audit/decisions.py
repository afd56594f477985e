"""Rows in, judged decisions out: explain, check, judge and record, a chunk of rows at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_audit import reasons
from lrp_audit.assembly import conservation, contributions, reference_facts
from lrp_audit.case import Case, Faithfulness
from lrp_audit.checks.evidence import Evidence, Families, Subjects, gather, state
from lrp_audit.errors import DataError
from lrp_audit.facts import RowFacts, read_facts, read_ids, require_columns
from lrp_audit.record import (
    Addressee,
    Check,
    ColumnContribution,
    Conservation,
    Outcome,
    Record,
    ReferenceFacts,
    TextFacts,
)
from lrp_audit.session import Session

CHUNK_ROWS = 256

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Decision:
    """One judged decision: its record, whom a letter would go to, and its row in the table (from 0)."""

    record: Record
    addressee: Addressee
    row: int


def decide(
    session: Session, frame: pd.DataFrame, *, notice: dt.date | None = None, ids: Collection[str] | None = None
) -> Iterator[Decision]:
    """Judge the rows of a table, in order.

    Args:
        session: the model, settings and reference.
        frame: the decisions; columns the model and `[facts]` do not name are ignored.
        notice: the date printed on notices.
        ids: only these decisions.

    Raises:
        DataError: a column is missing, or an id is not in the table.
    """
    facts = session.config.facts
    require_columns(facts, frame)
    everyone = read_facts(session.config, frame, session.key, notice)
    rows = np.arange(len(frame)) if ids is None else _positions(read_ids(facts, frame), ids)
    for start in range(0, len(rows), CHUNK_ROWS):
        chunk = rows[start : start + CHUNK_ROWS]
        yield from _decide_chunk(session, frame.iloc[chunk], [everyone[row] for row in chunk], chunk)


def _positions(known: list[str], wanted: Collection[str]) -> npt.NDArray[np.intp]:
    missing = set(wanted) - set(known)
    if missing:
        raise DataError(f"The data hold no decision with id {', '.join(sorted(map(repr, missing)))}.")
    return np.array([row for row, identifier in enumerate(known) if identifier in wanted], dtype=np.intp)


@dataclass(frozen=True)
class _Explained:
    """What explaining one row adds to its record."""

    contributions: tuple[ColumnContribution, ...]
    conservation: Conservation
    checks: tuple[Check, ...]
    reference: ReferenceFacts
    directions: Mapping[str, Literal["low", "high"]]
    faithfulness: Faithfulness | None


def _decide_chunk(
    session: Session, frame: pd.DataFrame, facts: list[RowFacts], rows: npt.NDArray[np.intp]
) -> Iterator[Decision]:
    problems = _problems(session, frame, facts)
    valid = [row for row in range(len(frame)) if row not in problems]
    outcomes = dict(zip(valid, score(session, frame.iloc[valid]), strict=True)) if valid else {}
    scored = [row for row in valid if facts[row].decision.decided_by == "score"]  # RS-05: others have their own reasons
    explained = dict(zip(scored, _explain(session, frame.iloc[scored]), strict=True)) if scored else {}
    for row, row_facts in enumerate(facts):
        record = _record(session, row_facts, outcomes.get(row), explained.get(row), problems.get(row))
        yield Decision(record, row_facts.addressee, int(rows[row]))


def _problems(session: Session, frame: pd.DataFrame, facts: list[RowFacts]) -> dict[int, str]:
    """Row -> why it cannot be decided on."""
    found = {row: f"column '{column}': {why}" for row, (column, why) in session.explainer.model.invalid(frame).items()}
    found.update({row: item.problem for row, item in enumerate(facts) if item.problem is not None})
    return found


def score(session: Session, frame: pd.DataFrame) -> list[Outcome]:
    """Score, margin and outcome of valid rows, from the explained graph and from the user's own estimator."""
    model, decision = session.explainer.model, session.config.decision
    margin = session.explainer.margin(model.encode(frame).inputs)
    on_margin = decision.cutoff_on == "margin"
    graph = margin if on_margin else model.probability(margin, session.model.adverse, decision.against)
    own = model.estimated_margin(frame, session.model.adverse, decision.against)
    estimator = own if on_margin else model.probability(own, session.model.adverse, decision.against)
    near = np.abs(margin - session.cutoff.margin) <= np.abs(own - margin)
    return [
        Outcome(
            adverse=bool(margin[row] >= session.cutoff.margin),
            margin=float(margin[row]),
            cutoff_margin=session.cutoff.margin,
            score=float(graph[row]),
            cutoff=session.cutoff.value,
            cutoff_on=decision.cutoff_on,
            estimator_score=float(estimator[row]),
            near_cutoff=bool(near[row]),
        )
        for row in range(len(frame))
    ]


def _explain(session: Session, frame: pd.DataFrame) -> list[_Explained]:
    explainer, config = session.explainer, session.config
    encoded = explainer.model.encode(frame)
    typed = explainer.model.encoding.read(frame)
    relevance = explainer.attribute(encoded.inputs, session.reference)
    found = contributions(session.columns, typed, encoded, explainer.model.transformed(encoded), relevance.relevance)
    families = Families.of([column.family for column in session.columns])
    stated = np.array([_stated(row, families.names, config.documents.max_reasons) for row in found])
    subjects = Subjects(typed, encoded, relevance.relevance, stated)
    evidence = gather(explainer, subjects, families, session.reference, session.second, config)
    return [
        _Explained(
            contributions=found[row],
            conservation=conservation(relevance, row),
            checks=state(evidence, row, config.checks),
            reference=reference_facts(session.reference, float(relevance.reference_margin[row])),
            directions=evidence.directions[row],
            faithfulness=_faithfulness(evidence, row),
        )
        for row in range(len(frame))
    ]


def _stated(row: tuple[ColumnContribution, ...], families: tuple[str, ...], most: int) -> list[bool]:
    named = {item.family for item in reasons.stated(reasons.group(row), most)}
    return [family in named for family in families]


def _faithfulness(evidence: Evidence, row: int) -> Faithfulness | None:
    if evidence.putback is None:
        return None
    return Faithfulness(float(evidence.putback.stated[row]), float(evidence.putback.random[row]))


def _record(
    session: Session, facts: RowFacts, outcome: Outcome | None, explained: _Explained | None, problem: str | None
) -> Record:
    config = session.config
    found = () if explained is None else explained.contributions
    case = Case(
        decision=facts.decision,
        model=session.model,
        outcome=outcome,
        reference=None if explained is None else explained.reference,
        contributions=found,
        directions={} if explained is None else explained.directions,
        faithfulness=None if explained is None else explained.faithfulness,
        addressee=facts.addressee,
        problem=problem,
        tolerance=session.explainer.model.tolerance,
    )
    judgement = reasons.judge(case, config)
    approval = config.approval
    return Record(
        decision=facts.decision,
        model=session.model,
        outcome=outcome,
        reference=case.reference,
        method=None if explained is None else session.method,
        contributions=found,
        families=reasons.group(found, {name: item.label for name, item in config.families.items() if item.label}),
        conservation=None if explained is None else explained.conservation,
        reasons=judgement.reasons,
        ranking=judgement.ranking,
        checks=() if explained is None else explained.checks,
        flags=judgement.flags,
        refusals=judgement.refusals,
        texts=TextFacts(
            language=config.documents.language,
            version=None if approval is None else approval.version,
            approved_by=None if approval is None else approval.by,
            approved_on=None if approval is None else approval.on,
        ),
        config_sha256=session.config_sha256,
        versions=dict(session.versions),
    )
