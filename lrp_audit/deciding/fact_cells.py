"""The cells of one row that state facts, read as what they should be: text, numbers, days, yes and no, lists."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from lrp_audit.judging.deadlines import notice_due, retain_until
from lrp_audit.language.display import Plain
from lrp_audit.language.messages import Messages, message
from lrp_audit.records.record import (
    Addressee,
    BureauFacts,
    Counteroffer,
    Dates,
    Incompleteness,
    Recorded,
    Retention,
)
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import FactsSection

CELL_CHARACTERS = 10_000  # of one fact; nobody's name or list of reasons is longer
ADDRESS_LINES = 12

_YES = {"yes", "y", "true", "1"}
_NO = {"no", "n", "false", "0", ""}

# Facts that stand together in a record, and what it says where none of them is known.
_OF_COUNTEROFFER = ("counteroffer_terms", "counteroffer_accept_by", "counteroffer_date")
_OF_INCOMPLETENESS = ("missing_items", "respond_by")
OF_RECORD = ("outcome", "score", "model_version")
OF_BUREAU = (
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


@lru_cache(maxsize=4096)
def _date(text: str) -> dt.date:
    return dt.date.fromisoformat(text.replace("T", " ").split(" ")[0])


def _is_whole(value: float) -> bool:
    return value.is_integer() and abs(value) < 2**53  # beyond, neighbours are more than one apart


def too_long(column: str | None, text: str, say: Messages) -> str:
    return say.plural(
        "column '{column}': {count} character, where a fact has at most {most}",
        "column '{column}': {count} characters, where a fact has at most {most}",
        len(text),
        column=column,
        most=say.number(CELL_CHARACTERS, ","),
    )


# Days repeat in a table: one object for all decisions that have the same.
dates_of = lru_cache(maxsize=4096)(Dates)
_retention = lru_cache(maxsize=4096)(Retention)


@dataclass(frozen=True)
class FactCells:
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
            raise CellError(too_long(getattr(self.facts, fact), value, self.say))
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
        return dates_of(
            application=application,
            completion=completion,
            decision=decision,
            notice=notice,
            notice_due=due if letter == "us-notice" else None,  # elsewhere without delay, and by no day of its own
            notice_sent=self.date("sent_date"),
        )

    def recorded(self) -> Recorded:
        if self.none_of(OF_RECORD):
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
        if self.none_of(OF_BUREAU):
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
