"""Verified variations (EU-06, CA-10): other values of this person's data, with which the same model decides otherwise.

Only columns marked `mutable` vary, and no protected one ever does; their values are plausible ones of the population.
What `fewest_changes` finds is run again through the whole pipeline, the user's own estimator included, and kept only if
graph and estimator both decide otherwise, by more than they differ from each other (C-203/22, paragraph 62).

A variation says what would have been decided with all else unchanged. Columns that move together in life (an income and
a ratio made from it) are varied one by one: mark only those that mean something alone. It is neither advice nor a
promise (G-06).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from functools import partial
from itertools import repeat

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_audit.checks.fewest_changes import UNCHANGED, Choice, Found, as_rows, fewest_changes
from lrp_audit.checks.plausible import Plausible, plausible
from lrp_audit.errors import DataError
from lrp_audit.explaining.reference import MINIMUM_POPULATION
from lrp_audit.language.display import plain, show
from lrp_audit.language.messages import Messages, message
from lrp_audit.records.record import Change, Check, Outcome, Variation, Variations
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import ColumnSection
from lrp_audit.settings.variations_config import VariationsSection

TITLE = message("Verified variations")
MEANING = message("Other values, all else unchanged, with which the same model decides otherwise; each was run again.")
NOTHING_VARIES = message(
    "Nothing could be varied: no column is marked mutable with values that enough people have, and no text has "
    "sentences to leave out."
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Score = Callable[[pd.DataFrame, Sequence[int], int], Sequence[Outcome]]
"""Outcomes of varied rows, given the row of the table that each was made of, and how many rows that has."""
RowMargin = Callable[[int, IntArray], FloatArray]
"""Margins (R,) of one row of a table under R choices of values (R, C), as `fewest_changes` makes them."""


def plausible_columns(
    names: Sequence[str], population: pd.DataFrame, config: AuditConfig, *, listed: Set[str] = frozenset()
) -> tuple[Plausible, ...]:
    """The columns that may vary, with their values.

    Args:
        names: of the model's columns.
        population: applicants; no value is taken from fewer than `MINIMUM_POPULATION` people.
        config: says which columns are mutable.
        listed: columns whose values the model looks up in a list.

    Raises:
        DataError: the population lacks a mutable column.
        ConfigError: a limit of a column does not fit its values.
    """
    if len(population) < MINIMUM_POPULATION:
        return ()
    found = []
    for name in names:
        settings = config.columns.get(name, ColumnSection())
        if settings.mutable and settings.protected == "no":
            if name not in population:
                raise DataError(f"The reference data lack the column '{name}', whose values variations are taken from.")
            found.append(plausible(name, population[name], settings, listed=name in listed))
    return tuple(column for column in found if column.values)


@dataclass(frozen=True)
class Searcher:
    """Searches for variations of adverse decisions.

    Attributes:
        columns: those that may vary.
        limit: the margin that a variation has to stay below: the cutoff, less the tolerance between graph and model.
        score: the whole pipeline, for rows of a table.
        budget: choices that are run together, for one decision.
        say: the language of the values.
    """

    columns: tuple[Plausible, ...]
    settings: VariationsSection
    limit: float
    score: Score
    budget: int
    say: Messages

    def search(self, frame: pd.DataFrame, rows: Sequence[int], margin: RowMargin) -> dict[int, Variations]:
        """Variations of some rows of a table.

        The choices of one row are run together and without those of others, so that a result does not depend on what
        else is decided.

        Args:
            frame: the table, with the types that the model reads.
            rows: positions of those to search for, all of them adverse.
            margin: of one of the rows, for the search; what it finds is confirmed by `score`.
        """
        cells = [frame[column.column].iloc[list(rows)].tolist() for column in self.columns]
        by_row = zip(*cells, strict=True) if cells else repeat(())  # taking a row out of a frame is slow
        given = dict(zip(rows, by_row, strict=False))
        found = {row: self._found(own, partial(margin, row)) for row, own in given.items()}
        proposed = [(row, choice) for row in rows for choice in found[row].choices]
        confirmed = defaultdict[int, list[Variation]](list)
        for (row, choice), new in zip(proposed, self._run_again(frame, proposed), strict=True):
            if not new.adverse and not new.near_cutoff:
                changes = self._changes(given[row], choice)
                confirmed[row].append(Variation(changes=changes, score=new.score, margin=new.margin))
        return {
            row: Variations(
                found=tuple(confirmed[row]),
                tried=found[row].tried,
                most_changes=self.settings.max_changes,
                columns=tuple(column.column for column in self.columns),
            )
            for row in rows
        }

    def _found(self, given: Sequence[object], margin: Callable[[IntArray], FloatArray]) -> Found:
        sizes = [column.sizes(value) for column, value in zip(self.columns, given, strict=True)]
        settings = self.settings
        return fewest_changes(
            margin, sizes, self.limit, most_changes=settings.max_changes, most=settings.most, budget=self.budget
        )

    def _run_again(self, frame: pd.DataFrame, proposed: Sequence[tuple[int, Choice]]) -> Sequence[Outcome]:
        """What the whole pipeline says of choices of rows."""
        if not proposed:
            return ()
        choices = as_rows([choice.changes for _, choice in proposed], len(self.columns))
        owners = [row for row, _ in proposed]
        return self.score(varied(frame.iloc[owners], self.columns, choices), owners, len(frame))

    def _changes(self, given: Sequence[object], choice: Choice) -> tuple[Change, ...]:
        changes = []
        for place, position in choice.changes:
            column = self.columns[place]
            value = column.values[position]
            changes.append(
                Change(
                    column=column.column,
                    label=column.settings.label or column.column,
                    value=value,
                    display=show(value, column.settings, self.say),
                    from_display=show(plain(given[place]), column.settings, self.say),
                )
            )
        return tuple(changes)


def varied(table: pd.DataFrame, columns: Sequence[Plausible], choices: IntArray) -> pd.DataFrame:
    """The table with a choice of values put into each of its rows; (R,) and (R, C)."""
    changed = {}
    for column, chosen in zip(columns, choices.T, strict=True):
        if (chosen != UNCHANGED).any():
            cells = table[column.column].tolist()
            for position in np.flatnonzero(chosen != UNCHANGED):
                cells[position] = column.values[chosen[position]]
            changed[column.column] = pd.Series(cells)
    return table.reset_index(drop=True).assign(**changed)


def stated(found: Variations | None, say: Messages) -> Check:
    """A search as a check of the record; None where there was none."""
    title = say(TITLE)
    if found is None:
        return Check(id="variations", title=title, status="not performed")
    if not found.tried:
        return Check(id="variations", title=title, status="not performed", statement=say(NOTHING_VARIES))
    return Check(
        id="variations",
        title=title,
        status="performed",
        measured={"found": len(found.found) + bool(found.left_out), "tried": found.tried},
        statement=say(MEANING),
    )
