"""Rows in, judged decisions out: explain, check, judge and record, a chunk of rows at a time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_audit.deciding.decision_model import Explained
from lrp_audit.deciding.facts import RowFacts, read_facts, read_ids, repeated_rows, require_columns
from lrp_audit.deciding.session import Session
from lrp_audit.errors import DataError
from lrp_audit.judging import reasons
from lrp_audit.judging.case import Case
from lrp_audit.judging.text_places import placed
from lrp_audit.language.messages import for_reviewers
from lrp_audit.records.record import Addressee, Correction, DecisionFacts, Outcome, Record, Refusal, TextFacts
from lrp_audit.report.explanation_checks import printed_data, with_letter
from lrp_audit.report.fonts import code_points, unprintable
from lrp_audit.report.limits import EXPLANATION_LINES, LETTER_LINES, lines
from lrp_audit.settings.config import AuditConfig

CHUNK_ROWS = 256


@dataclass(frozen=True)
class Decision:
    """One judged decision: its record, whom a letter would go to, and its row in the table (from 0)."""

    record: Record
    addressee: Addressee
    row: int


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
        yield from judge_rows(session, frame.iloc[chunk], [everyone[row] for row in chunk], chunk.tolist())


def _correcting(decision: DecisionFacts, corrects: Correction) -> DecisionFacts:
    return decision.model_copy(update={"corrects": corrects})


def _positions(known: list[str], wanted: Collection[str]) -> npt.NDArray[np.intp]:
    missing = set(wanted) - set(known)
    if missing:
        raise DataError(f"The data hold no decision with id {', '.join(sorted(map(repr, missing)))}.")
    return np.array([row for row, identifier in enumerate(known) if identifier in wanted], dtype=np.intp)


def judge_rows(
    session: Session, frame: pd.DataFrame, facts: Sequence[RowFacts], rows: Sequence[int]
) -> Iterator[Decision]:
    """Judge some rows together.

    Args:
        session: the model, settings and reference.
        frame: the rows.
        facts: of every row.
        rows: where each stands in its source.
    """
    model = session.model
    problems = _problems(session, frame, facts)
    valid = [row for row in range(len(frame)) if row not in problems]
    outcomes = dict(zip(valid, model.score(frame.iloc[valid]), strict=True)) if valid else {}
    scored = [row for row in valid if _decided_by_score(facts[row].decision)]
    found = model.explain(frame.iloc[scored], [facts[row].addressee for row in scored]) if scored else []
    explained = dict(zip(scored, found, strict=True))
    for row, row_facts in enumerate(facts):
        record = _record(session, row_facts, outcomes.get(row), explained.get(row), problems.get(row))
        record = with_letter(record, row_facts.addressee, session.config)
        record = with_printability(record, row_facts.addressee, session.config)
        yield Decision(record, row_facts.addressee, rows[row])


def _decided_by_score(decision: DecisionFacts) -> bool:
    """Whether an explanation of the score explains the decision: rules and people have reasons of their own (RS-05)."""
    return decision.decided_by == "score" and decision.action != "incomplete"


def _problems(session: Session, frame: pd.DataFrame, facts: Sequence[RowFacts]) -> dict[int, str]:
    """Row -> why it cannot be decided on."""
    return {
        **session.model.problems(frame),
        **{row: item.problem for row, item in enumerate(facts) if item.problem is not None},
    }


def _record(
    session: Session, facts: RowFacts, outcome: Outcome | None, explained: Explained | None, problem: str | None
) -> Record:
    config = session.config
    found, texts = ((), ()) if explained is None else (explained.contributions, explained.texts)
    case = Case(
        decision=facts.decision,
        model=session.model.facts,
        outcome=outcome,
        reference=None if explained is None else explained.reference,
        contributions=found,
        directions={} if explained is None else explained.directions,
        faithfulness=None if explained is None else explained.faithfulness,
        variations=None if explained is None else explained.variations,
        tie=None if explained is None else explained.tie,
        addressee=facts.addressee,
        problem=None if facts.decision.action == "incomplete" else problem,  # it may lack what a score needs
        tolerance=session.model.tolerance,
    )
    judgement = reasons.judge(case, config)
    approval = config.approval
    return Record(
        decision=facts.decision,
        model=session.model.facts,
        outcome=outcome,
        reference=case.reference,
        method=None if explained is None else session.model.method,
        contributions=found,
        families=reasons.group(found, {name: item.label for name, item in config.families.items() if item.label}),
        conservation=None if explained is None else explained.conservation,
        reasons=placed(judgement.reasons, texts, quote=config.text is not None and config.text.quote),
        ranking=judgement.ranking,
        checks=() if explained is None else explained.checks,
        flags=(*judgement.flags, *(() if explained is None else explained.flags)),
        refusals=(*judgement.refusals, *(() if explained is None else explained.refusals)),
        variations=case.variations,
        text_evidence=texts,
        texts=TextFacts(
            language=config.documents.language,
            version=None if approval is None else approval.version,
            approved_by=None if approval is None else approval.by,
            approved_on=None if approval is None else approval.on,
        ),
        config_sha256=session.config_sha256,
        versions=dict(session.versions),
    )


def may_be_drafted(record: Record) -> bool:
    """Whether there is a denial to write a draft about, whatever else is missing."""
    states = {refusal.state for refusal in record.refusals}
    return not states & {"NOT_ADVERSE", "INVALID_INPUT"}


def with_printability(record: Record, addressee: Addressee, config: AuditConfig) -> Record:
    """The record, refused as UNPRINTABLE_TEXT where the letter's fonts lack a character of it."""
    facts = record.decision
    printed = [addressee.name, *addressee.address, facts.product, facts.amount, *facts.decided_reasons]
    printed += [*facts.counteroffer.terms, *facts.incompleteness.items, facts.reference]
    printed += [*facts.bureau.key_factors, *(reason.text for reason in record.reasons)]
    printed += [text for reason in record.reasons if reason.place for text in (reason.place.label, reason.place.quote)]
    printed += printed_data(record, config)
    refusal = _unprintable([text for text in printed if text], config)
    if refusal is None or not may_be_drafted(record):
        return record
    return record.model_copy(update={"refusals": (*record.refusals, refusal)})


def _unprintable(printed: Sequence[str], config: AuditConfig) -> Refusal | None:
    """Why a letter cannot print these texts; None where it can."""
    say = for_reviewers(config)
    most = LETTER_LINES if config.documents.letter == "us-notice" else EXPLANATION_LINES
    if (count := lines(printed)) > most:
        evidence = say.plural(
            "The letter would have to print {count} line of data, more than {most}.",
            "The letter would have to print {count} lines of data, more than {most}.",
            count,
            most=most,
        )
        next_step = say("Correct the data: a name, an address, a request and reasons are shorter.")
    elif missing := unprintable("\n".join(printed), config):
        evidence = say(
            "The document font cannot print {characters}, which the letter would have to print.",
            characters=code_points(missing),
        )
        next_step = say("Name a font file that has these characters in documents.extra_fonts, or correct the data.")
    else:
        return None
    return Refusal(state="UNPRINTABLE_TEXT", rule="G-02, US-01", evidence=evidence, next_step=next_step)
