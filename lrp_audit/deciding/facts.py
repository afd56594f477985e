"""Facts about decisions that are no inputs of the model: who, when, what was recorded, what a bureau reported.

Reads the columns that `[facts]` names, row by row, into typed values; a cell that cannot be read makes its own row
invalid and leaves the others alone.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import pandas as pd

from lrp_audit.errors import DataError
from lrp_audit.judging.deadlines import notice_due, retain_until
from lrp_audit.language.display import Plain, plain
from lrp_audit.language.messages import Messages, for_reviewers, message
from lrp_audit.privacy.pseudonym import pseudonym
from lrp_audit.records.record import (
    Addressee,
    BureauFacts,
    Counteroffer,
    Dates,
    DecisionFacts,
    Incompleteness,
    Recorded,
    Retention,
)
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import FactsSection

CELL_CHARACTERS = 10_000  # of one fact; nobody's name or list of reasons is longer
ADDRESS_LINES = 12

_MAYBE_INPUTS = {"amount", "product", "age", "score", "bureau_score"}  # numbers, or the model's own columns

_YES = {"yes", "y", "true", "1"}
_NO = {"no", "n", "false", "0", ""}


# Facts that stand together in a record, and what it says where none of them is known.
_OF_COUNTEROFFER = ("counteroffer_terms", "counteroffer_accept_by", "counteroffer_date")
_OF_INCOMPLETENESS = ("missing_items", "respond_by")
_OF_RECORD = ("outcome", "score", "model_version")
_OF_BUREAU = (
    "bureau_score",
    "bureau_score_date",
    "bureau_key_factors",
    "bureau_inquiries_factor",
    "consumer_report_used",
    "outside_information_used",
)
_NO_COUNTEROFFER, _COMPLETE, _NOT_RECORDED, _NO_BUREAU = Counteroffer(), Incompleteness(), Recorded(), BureauFacts()


class CellError(ValueError):
    """A cell cannot be read as the fact it should state; the message names the column."""


@dataclass(frozen=True)
class RowFacts:
    """One row's facts; `problem` names what could not be read, and the rest of the facts then have their defaults."""

    decision: DecisionFacts
    addressee: Addressee
    problem: str | None = None


def text_columns(facts: FactsSection) -> list[str]:
    """Columns of a table to be read as they are written: `007` is an id, and `1.10` a version."""
    return [column for fact, column in facts.model_dump().items() if column is not None and fact not in _MAYBE_INPUTS]


def require_columns(facts: FactsSection, frame: pd.DataFrame) -> None:
    """Raise DataError unless every column that `[facts]` names is in the table."""
    named = {fact: column for fact, column in facts.model_dump().items() if column is not None}
    missing = [f"facts.{fact} = {column!r}" for fact, column in named.items() if column not in frame.columns]
    if missing:
        raise DataError(
            f"The data lack the column of {', '.join(missing)}; their columns are {', '.join(map(str, frame.columns))}."
        )


def read_ids(facts: FactsSection, frame: pd.DataFrame, first_row: int = 0) -> list[str]:
    """The decision ids of a table that starts at a row of its source; without an id column row numbers, from 1."""
    if facts.id is None:
        return [f"row {first_row + position + 1}" for position in range(len(frame))]
    return ["" if (value := plain(cell)) is None else str(value) for cell in frame[facts.id]]


def repeated_rows(ids: Iterable[str]) -> frozenset[int]:
    """Positions of the ids that repeat an earlier one."""
    seen: set[str] = set()
    found = []
    for position, identifier in enumerate(ids):
        if identifier in seen:
            found.append(position)
        seen.add(identifier)
    return frozenset(found)


def read_facts(
    config: AuditConfig,
    frame: pd.DataFrame,
    key: bytes,
    notice: dt.date | None,
    *,
    first_row: int = 0,
    repeated: Collection[int] = (),
) -> list[RowFacts]:
    """The facts of every row, in order. Rows whose id is empty or repeats an earlier one are problems of their own.

    Args:
        config: names the columns.
        frame: the rows.
        key: the secret of the pseudonyms.
        notice: the date printed on notices.
        first_row: where the rows start in their source.
        repeated: rows of the source whose id repeats an earlier one.
    """
    columns, say = _columns(config.facts, frame), for_reviewers(config)
    rows = []
    for position, identifier in enumerate(read_ids(config.facts, frame, first_row)):
        cells = _Cells(config.facts, columns, position, say)
        rows.append(_read_row(config, cells, identifier, key, notice, repeated=first_row + position in repeated))
    return rows


def _columns(facts: FactsSection, frame: pd.DataFrame) -> dict[str, list[Plain]]:
    """Fact -> its cells, for facts that have a column."""
    named = ((fact, getattr(facts, fact)) for fact in FactsSection.model_fields)
    return {fact: [plain(cell) for cell in frame[column].tolist()] for fact, column in named if column is not None}


def _read_row(
    config: AuditConfig, cells: _Cells, identifier: str, key: bytes, notice: dt.date | None, *, repeated: bool
) -> RowFacts:
    facts, say = config.facts, cells.say
    applicant = pseudonym(key, "applicant", identifier)[:16]

    def unread(problem: str) -> RowFacts:
        undated = _dates(notice=notice)
        kept = cells.retention(undated, config)
        decision = DecisionFacts(id=identifier, applicant=applicant, dates=undated, retention=kept)
        return RowFacts(decision, Addressee(), problem)

    if len(identifier) > CELL_CHARACTERS:
        return unread(_too_long(facts.id, identifier, say))
    if not identifier.strip():
        return unread(say("column '{column}': the decision has no id", column=facts.id))
    if repeated:
        return unread(say("column '{column}': the id of an earlier row is repeated", column=facts.id))
    try:
        addressee = cells.addressee()
        dates = cells.dates(notice, config.documents.letter)
        cells.yes("legal_hold")
        decision = DecisionFacts(
            id=identifier,
            applicant=applicant,
            product=cells.text("product"),
            amount=cells.text("amount"),
            dates=dates,
            decided_by=cells.decided_by(),
            decided_reasons=cells.items("decided_reasons"),
            action=cells.action(),
            counteroffer=cells.counteroffer(),
            incompleteness=cells.incompleteness(),
            primary_applicant=cells.text("primary_applicant") is None or bool(cells.yes("primary_applicant")),
            recorded=cells.recorded(),
            bureau=cells.bureau(),
            age=cells.number("age"),
            addressee_sha256=pseudonym(key, "addressee", addressee.model_dump_json()),
            reference=cells.text("reference"),
            database_result=cells.text("database_result"),
            retention=cells.retention(dates, config),
        )
    except CellError as error:
        return unread(str(error))
    return RowFacts(decision, addressee)


@lru_cache(maxsize=4096)
def _date(text: str) -> dt.date:
    return dt.date.fromisoformat(text.replace("T", " ").split(" ")[0])


def _is_whole(value: float) -> bool:
    return value.is_integer() and abs(value) < 2**53  # beyond, neighbours are more than one apart


def _too_long(column: str | None, text: str, say: Messages) -> str:
    return say.plural(
        "column '{column}': {count} character, where a fact has at most {most}",
        "column '{column}': {count} characters, where a fact has at most {most}",
        len(text),
        column=column,
        most=say.number(CELL_CHARACTERS, ","),
    )


# Days repeat in a table: one object for all decisions that have the same.
_dates = lru_cache(maxsize=4096)(Dates)
_retention = lru_cache(maxsize=4096)(Retention)


@dataclass(frozen=True)
class _Cells:
    """Typed access to one row's facts; a fact without a column is None, or the field's default."""

    facts: FactsSection
    columns: Mapping[str, Sequence[Plain]]
    row: int
    say: Messages

    def none_of(self, facts: Collection[str]) -> bool:
        """Whether no column is named for any of these facts."""
        return self.columns.keys().isdisjoint(facts)

    def raw(self, fact: str) -> Plain:
        column = self.columns.get(fact)
        if column is None:
            return None
        value = column[self.row]
        if isinstance(value, str) and len(value) > CELL_CHARACTERS:
            raise CellError(_too_long(getattr(self.facts, fact), value, self.say))
        return value

    def fail(self, fact: str, value: object, problem: str) -> CellError:
        return CellError(self.say(problem, column=getattr(self.facts, fact), value=repr(str(value)[:40])))

    def text(self, fact: str) -> str | None:
        if fact not in self.columns:
            return None
        value = self.raw(fact)
        if isinstance(value, float) and _is_whole(value):
            value = int(value)
        return None if value is None else str(value).strip() or None

    def number(self, fact: str) -> float | None:
        value = self.raw(fact)
        if value is None or value == "":
            return None
        try:
            found = float(value)
        except ValueError:
            found = math.nan
        if not math.isfinite(found):
            raise self.fail(fact, value, message("column '{column}': {value} is not a number"))
        return found

    def integer(self, fact: str) -> int | None:
        value = self.number(fact)
        if value is not None and not _is_whole(value):
            raise self.fail(fact, value, message("column '{column}': {value} is not a whole number"))
        return None if value is None else int(value)

    def date(self, fact: str) -> dt.date | None:
        value = self.text(fact)
        if value is None:
            return None
        try:
            return _date(value)
        except ValueError:
            raise self.fail(fact, value, message("column '{column}': {value} is not a date as YYYY-MM-DD")) from None

    def yes(self, fact: str) -> bool | None:
        value = self.raw(fact)
        if value is None:
            return None
        whole = isinstance(value, bool) or (isinstance(value, float) and _is_whole(value))
        word = str(int(value) if whole else value).strip().lower()
        if word in _YES | _NO:
            return word in _YES
        raise self.fail(fact, value, message("column '{column}': {value} is not yes or no"))

    def items(self, fact: str) -> tuple[str, ...]:
        value = self.text(fact)
        return () if value is None else tuple(item.strip() for item in value.split(";") if item.strip())

    def decided_by(self) -> Literal["score", "rule", "human"]:
        value = (self.text("decided_by") or "score").lower()
        if value not in {"score", "rule", "human"}:
            raise self.fail("decided_by", value, message("column '{column}': {value} is not score, rule or human"))
        return value  # type: ignore[return-value]

    def action(self) -> Literal["denied", "counteroffer", "incomplete"]:
        value = (self.text("action") or "denied").lower()
        if value not in {"denied", "counteroffer", "incomplete"}:
            raise self.fail(
                "action", value, message("column '{column}': {value} is not denied, counteroffer or incomplete")
            )
        return value  # type: ignore[return-value]

    def counteroffer(self) -> Counteroffer:
        if self.none_of(_OF_COUNTEROFFER):
            return _NO_COUNTEROFFER
        return Counteroffer(
            terms=self.items("counteroffer_terms"),
            accept_by=self.date("counteroffer_accept_by"),
            made=self.date("counteroffer_date"),
        )

    def incompleteness(self) -> Incompleteness:
        if self.none_of(_OF_INCOMPLETENESS):
            return _COMPLETE
        return Incompleteness(items=self.items("missing_items"), respond_by=self.date("respond_by"))

    def dates(self, notice: dt.date | None, letter: str) -> Dates:
        application, completion = self.date("application_date"), self.date("completion_date")
        action, decision = self.action(), self.date("decision_date")
        due = notice_due(
            application=application,
            completion=completion,
            decision=decision,
            counteroffer=self.date("counteroffer_date") if action == "denied" else None,
            incomplete=action == "incomplete",
        )
        return _dates(
            application=application,
            completion=completion,
            decision=decision,
            notice=notice,
            notice_due=due if letter == "us-notice" else None,  # elsewhere without delay, and by no day of its own
            notice_sent=self.date("sent_date"),
        )

    def recorded(self) -> Recorded:
        if self.none_of(_OF_RECORD):
            return _NOT_RECORDED
        return Recorded(
            outcome=self.text("outcome"), score=self.number("score"), model_version=self.text("model_version")
        )

    def retention(self, dates: Dates, config: AuditConfig) -> Retention:
        """How long the decision's documents are kept; whether they are held counts as yes where it cannot be read."""
        settled = config.retention.settled(config.documents.letter)
        try:
            held = bool(self.yes("legal_hold"))
        except CellError:
            held = True
        if settled is None:
            return _retention(legal_hold=held)
        months, basis = settled
        return _retention(retain_until=retain_until(dates, months), basis=basis, legal_hold=held)

    def bureau(self) -> BureauFacts:
        if self.none_of(_OF_BUREAU):
            return _NO_BUREAU
        score, factors = self.integer("bureau_score"), self.items("bureau_key_factors")
        used = self.yes("consumer_report_used")
        return BureauFacts(
            report_used=(score is not None or bool(factors)) if used is None else used,
            outside_information=bool(self.yes("outside_information_used")),
            score=score,
            score_date=self.date("bureau_score_date"),
            key_factors=factors,
            inquiries_key_factor=bool(self.yes("bureau_inquiries_factor")),
        )

    def addressee(self) -> Addressee:
        address = self.text("address")
        lines = () if address is None else tuple(part.strip() for part in address.replace(";", "\n").splitlines())
        filled = tuple(line for line in lines if line)
        if len(filled) > ADDRESS_LINES:
            problem = f"{len(filled)} lines, where an address has at most {ADDRESS_LINES}"
            raise CellError(f"column '{self.facts.address}': {problem}")
        return Addressee(name=self.text("name"), address=filled)
