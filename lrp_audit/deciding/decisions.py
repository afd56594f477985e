"""Rows in, judged decisions out: explain, check, judge and record, a chunk of rows at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_audit.deciding.decision_model import Answers, Asked, Explained
from lrp_audit.deciding.facts import RowFacts, read_facts, read_ids, repeated_rows, require_columns
from lrp_audit.deciding.printability import with_printability
from lrp_audit.deciding.session import Session
from lrp_audit.deciding.weighed import Weighed
from lrp_audit.errors import DataError
from lrp_audit.judging import reasons
from lrp_audit.judging.case import Case
from lrp_audit.judging.text_places import placed
from lrp_audit.records.record import Addressee, Correction, DecisionFacts, Outcome, Record, TextFacts
from lrp_audit.report.explanation_checks import with_letter

CHUNK_ROWS = 256


@dataclass(frozen=True)
class Decision:
    """One judged decision: its record, whom a letter would go to, and its row in the table (from 0)."""

    record: Record
    addressee: Addressee
    row: int


@dataclass(frozen=True)
class Judged:
    """A decision whose columns are weighed, and not yet written into its record.

    Attributes:
        outline: the record, with or without contributions and families, which `columns` has.
        columns: None where the row was not explained.
    """

    outline: Record
    columns: Weighed | None
    addressee: Addressee
    row: int

    def whole(self) -> Decision:
        """The decision with its whole record."""
        return Decision(with_columns(self.outline, self.columns), self.addressee, self.row)


def with_columns(outline: Record, columns: Weighed | None) -> Record:
    """A record with contributions and families."""
    if columns is None or outline.contributions:
        return outline
    return outline.model_copy(update={"contributions": columns.contributions(), "families": columns.grouped()})


def decide(
    session: Session,
    frame: pd.DataFrame,
    *,
    notice: dt.date | None = None,
    ids: Collection[str] | None = None,
    corrects: Correction | None = None,
) -> Iterator[Decision]:
    """Judge the rows of a table, in order.

    Args:
        session: the model, settings and reference.
        frame: the decisions; columns the model and `[facts]` do not name are ignored.
        notice: the date printed on notices.
        ids: only these decisions.
        corrects: the letter that theirs replace.

    Raises:
        DataError: a column is missing, or an id is not in the table.
    """
    facts = session.config.facts
    require_columns(facts, frame)
    known = read_ids(facts, frame)
    everyone = read_facts(session.config, frame, session.key, notice, repeated=repeated_rows(known))
    if corrects is not None:
        everyone = [replace(item, decision=_correcting(item.decision, corrects)) for item in everyone]
    rows = np.arange(len(frame)) if ids is None else _positions(known, ids)
    for start in range(0, len(rows), CHUNK_ROWS):
        chunk = rows[start : start + CHUNK_ROWS]
        found = examine(session, frame.iloc[chunk], [everyone[row] for row in chunk], size=len(chunk))
        for place, row in enumerate(chunk.tolist()):
            yield found.judged(place, row).whole()


def _correcting(decision: DecisionFacts, corrects: Correction) -> DecisionFacts:
    return decision.model_copy(update={"corrects": corrects})


def _positions(known: list[str], wanted: Collection[str]) -> npt.NDArray[np.intp]:
    missing = set(wanted) - set(known)
    if missing:
        raise DataError(f"The data hold no decision with id {', '.join(sorted(map(repr, missing)))}.")
    return np.array([row for row, identifier in enumerate(known) if identifier in wanted], dtype=np.intp)


@dataclass(frozen=True)
class Examined:
    """Rows that were scored and explained together, to be judged one by one.

    What was found of a row is turned into objects when it is judged, and not kept: a million rows of them would be
    more than memory holds, and most of a run's time would go into looking after them.

    Attributes:
        facts: of every row.
        problems: row -> why it cannot be decided on.
        outcomes: row -> its outcome, for rows that could be scored.
        explained: row -> its explanation, for those that the score decided.
    """

    session: Session
    facts: Sequence[RowFacts]
    problems: Mapping[int, str]
    outcomes: Answers[Outcome]
    explained: Answers[Explained]
    constant: _Constant

    def judged(self, place: int, row: int) -> Judged:
        """The decision of a row; `row` is where it stands in its source."""
        config, facts, found = self.session.config, self.facts[place], self.explained.get(place)
        columns = None if found is None else found.columns
        outline = self._outline(facts, self.outcomes.get(place), found, self.problems.get(place))
        if config.documents.letter != "us-notice":  # which lists the columns, and is measured itself
            outline = with_letter(with_columns(outline, columns), facts.addressee, config)
        return Judged(with_printability(outline, facts.addressee, config), columns, facts.addressee, row)

    def _outline(
        self, facts: RowFacts, outcome: Outcome | None, explained: Explained | None, problem: str | None
    ) -> Record:
        """The record without its columns."""
        session, config = self.session, self.session.config
        texts = () if explained is None else explained.texts
        case = Case(
            decision=facts.decision,
            model=session.model.facts,
            outcome=outcome,
            reference=None if explained is None else explained.reference,
            contributions=() if explained is None else explained.columns,
            protected=() if explained is None else explained.columns.protected,
            reported=() if explained is None else explained.columns.reported,
            families=() if explained is None else explained.columns.families,
            directions={} if explained is None else explained.directions,
            faithfulness=None if explained is None else explained.faithfulness,
            variations=None if explained is None else explained.variations,
            tie=None if explained is None else explained.tie,
            addressee=facts.addressee,
            problem=None if facts.decision.action == "incomplete" else problem,  # it may lack what a score needs
            tolerance=session.model.tolerance,
        )
        judgement = reasons.judge(case, config)
        return Record(
            decision=facts.decision,
            model=session.model.facts,
            outcome=outcome,
            reference=case.reference,
            method=None if explained is None else session.model.method,
            conservation=None if explained is None else explained.conservation,
            reasons=placed(judgement.reasons, texts, quote=config.text is not None and config.text.quote),
            ranking=judgement.ranking,
            checks=() if explained is None else explained.checks,
            flags=(*judgement.flags, *(() if explained is None else explained.flags)),
            refusals=(*judgement.refusals, *(() if explained is None else explained.refusals)),
            variations=case.variations,
            text_evidence=texts,
            texts=self.constant.texts,
            config_sha256=session.config_sha256,
            versions=self.constant.versions,
        )


@dataclass(frozen=True)
class _Constant:
    """Parts of a record that are the same for every decision of a session."""

    texts: TextFacts
    versions: dict[str, str]

    @classmethod
    def of(cls, session: Session) -> _Constant:
        config, approval = session.config, session.config.approval
        texts = TextFacts(
            language=config.documents.language,
            version=None if approval is None else approval.version,
            approved_by=None if approval is None else approval.by,
            approved_on=None if approval is None else approval.on,
        )
        return cls(texts, dict(session.versions))


def examine(session: Session, frame: pd.DataFrame, facts: Sequence[RowFacts], *, size: int) -> Examined:
    """Score and explain the rows of a chunk.

    Args:
        session: the model, settings and reference.
        frame: the rows.
        facts: of every row.
        size: rows of a full chunk: what is asked of the model always has this shape, so that a row's numbers depend
            neither on its neighbours nor on how many they are.
    """
    model = session.model
    problems = _problems(session, frame, facts)
    valid = [row for row in range(len(frame)) if row not in problems]
    scored = [row for row in valid if _decided_by_score(facts[row].decision)]
    explained = model.explain(frame, Asked(scored, size), [item.addressee for item in facts])
    return Examined(
        session=session,
        facts=facts,
        problems=problems,
        outcomes=model.score(frame, Asked(valid, size), explained),
        explained=explained,
        constant=_Constant.of(session),
    )


def _decided_by_score(decision: DecisionFacts) -> bool:
    """Whether an explanation of the score explains the decision: rules and people have reasons of their own (RS-05)."""
    return decision.decided_by == "score" and decision.action != "incomplete"


def _problems(session: Session, frame: pd.DataFrame, facts: Sequence[RowFacts]) -> dict[int, str]:
    """Row -> why it cannot be decided on."""
    return {
        **session.model.problems(frame),
        **{row: item.problem for row, item in enumerate(facts) if item.problem is not None},
    }
