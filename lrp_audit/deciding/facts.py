"""Facts about decisions that are no inputs of the model: who, when, what was recorded, what a bureau reported.

Reads the columns that `[facts]` names, row by row, into typed values; a cell that cannot be read makes its own row
invalid and leaves the others alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from lrp_audit.deciding.fact_cells import (
    CELL_CHARACTERS,
    OF_BUREAU,
    OF_RECORD,
    CellError,
    FactCells,
    dates_of,
    too_long,
)
from lrp_audit.errors import DataError
from lrp_audit.language.display import Plain, plain
from lrp_audit.language.messages import Messages, for_reviewers
from lrp_audit.privacy.pseudonym import pseudonym
from lrp_audit.records.record import Addressee, DecisionFacts
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import FactsSection

_OF_ONE = {"id", "name", "address", "amount", "reference", "age", *OF_RECORD, *OF_BUREAU}  # in every row another
_MAYBE_INPUTS = {"amount", "product", "age", "score", "bureau_score"}  # numbers, or the model's own columns


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
    reader = _Reader(config, _columns(config.facts, frame), key, notice)
    ids = read_ids(config.facts, frame, first_row)
    return [reader.row(place, name, repeated=first_row + place in repeated) for place, name in enumerate(ids)]


def _columns(facts: FactsSection, frame: pd.DataFrame) -> dict[str, list[Plain]]:
    """Fact -> its cells, for facts that have a column."""
    named = ((fact, getattr(facts, fact)) for fact in FactsSection.model_fields)
    return {fact: [plain(cell) for cell in frame[column].tolist()] for fact, column in named if column is not None}


@dataclass(frozen=True)
class _Reader:
    """Reads the rows of one table. What rows with the same cells have in common is read once.

    Attributes:
        columns: fact -> its cells.
        notice: the date printed on notices.
    """

    config: AuditConfig
    columns: Mapping[str, Sequence[Plain]]
    key: bytes
    notice: dt.date | None

    def row(self, place: int, identifier: str, *, repeated: bool) -> RowFacts:
        """The facts of one row, or why they cannot be read."""
        cells = FactCells(self.config.facts, self.columns, place, self._say)
        applicant = pseudonym(self.key, "applicant", identifier)[:16]
        try:
            self._require_id(identifier, repeated)
            addressee = cells.addressee()
            own = {
                "id": identifier,
                "applicant": applicant,
                "amount": cells.text("amount"),
                "recorded": cells.recorded(),
                "bureau": cells.bureau(),
                "age": cells.number("age"),
                "addressee_sha256": pseudonym(self.key, "addressee", addressee.model_dump_json()),
                "reference": cells.text("reference"),
            }
            return RowFacts(self._common(cells).model_copy(update=own), addressee)
        except CellError as error:
            undated = dates_of(notice=self.notice)
            kept = cells.retention(undated, self.config)
            decision = DecisionFacts(id=identifier, applicant=applicant, dates=undated, retention=kept)
            return RowFacts(decision, Addressee(), str(error))

    def _require_id(self, identifier: str, repeated: bool) -> None:
        column, say = self.config.facts.id, self._say
        if len(identifier) > CELL_CHARACTERS:
            raise CellError(too_long(column, identifier, say))
        if not identifier.strip():
            raise CellError(say("column '{column}': the decision has no id", column=column))
        if repeated:
            raise CellError(say("column '{column}': the id of an earlier row is repeated", column=column))

    def _common(self, cells: FactCells) -> DecisionFacts:
        """What the cells of many rows say, without what is a row's own."""
        place = cells.row
        kind = tuple([(type(column[place]), column[place]) for column in self._shared])
        found = self._known.get(kind)
        if found is None:
            dates = cells.dates(self.notice, self.config.documents.letter)
            cells.yes("legal_hold")
            found = self._known[kind] = DecisionFacts(
                id="",
                applicant="",
                product=cells.text("product"),
                dates=dates,
                decided_by=cells.decided_by(),
                decided_reasons=cells.items("decided_reasons"),
                action=cells.action(),
                counteroffer=cells.counteroffer(),
                incompleteness=cells.incompleteness(),
                primary_applicant=cells.text("primary_applicant") is None or bool(cells.yes("primary_applicant")),
                database_result=cells.text("database_result"),
                retention=cells.retention(dates, self.config),
            )
        return found

    @cached_property
    def _say(self) -> Messages:
        return for_reviewers(self.config)

    @cached_property
    def _shared(self) -> tuple[Sequence[Plain], ...]:
        """The cells that rows have in common."""
        return tuple(cells for fact, cells in self.columns.items() if fact not in _OF_ONE)

    @cached_property
    def _known(self) -> dict[Hashable, DecisionFacts]:
        return {}
