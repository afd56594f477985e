"""Verified variations (EU-06, CA-10): other values of this person's data, with which the same model decides otherwise.

Only columns marked `mutable` vary, and no protected one ever does; their values are plausible ones of the population.
What `fewest_changes` finds on the graph is run again through the whole pipeline, the user's own estimator included, and
kept only if both decide otherwise, by more than they differ from each other (C-203/22, paragraph 62).

A variation says what would have been decided with all else unchanged. Columns that move together in life (an income and
a ratio made from it) are varied one by one: mark only those that mean something alone. It is neither advice nor a
promise (G-06).

The choices of one decision go through the network together and without those of others, so that a result does not
depend on what else is decided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from lrp_audit.adapters.tabular import TabularModel
from lrp_audit.checks.fewest_changes import UNCHANGED, Choice, Found, fewest_changes
from lrp_audit.checks.plausible import Plausible, plausible
from lrp_audit.config import AuditConfig, ColumnSection
from lrp_audit.display import plain, show
from lrp_audit.explainer import Explainer
from lrp_audit.messages import Messages, message
from lrp_audit.record import Change, Check, Outcome, Variation, Variations
from lrp_audit.reference import MINIMUM_POPULATION

BUDGET = 1024  # rows per batch of one decision
TITLE = message("Verified variations")
MEANING = message("Other values, all else unchanged, with which the same model decides otherwise; each was run again.")
NOTHING_VARIES = message("Nothing can vary: no column is marked mutable, or too few people show which values it takes.")

IntArray = npt.NDArray[np.intp]
Score = Callable[[pd.DataFrame], Sequence[Outcome]]


@dataclass(frozen=True)
class VariableColumn:
    """A column that may vary.

    Attributes:
        plausible: its values, V of them.
        seen: what the network sees of each value: input name -> (V, elements of the column).
        elements: where that stands in a row of the input.
    """

    plausible: Plausible
    seen: Mapping[str, Tensor]
    elements: Mapping[str, IntArray]


def variable_columns(model: TabularModel, population: pd.DataFrame, config: AuditConfig) -> tuple[VariableColumn, ...]:
    """The mutable columns with their plausible values, in the model's order.

    Args:
        model: reads the columns.
        population: rows that the model can score; no value is taken from fewer than `MINIMUM_POPULATION` people.
        config: says which columns are mutable.

    Raises:
        ConfigError: a limit of a column does not fit its values.
    """
    if len(population) < MINIMUM_POPULATION:
        return ()
    listed, found = model.encoding.listed, []
    for place, name in enumerate(model.columns):
        settings = config.columns.get(name, ColumnSection())
        if settings.mutable and settings.protected == "no":
            values = plausible(name, population[name], settings, listed=name in listed)
            found.append(_seen(model, population, place, values))
    return tuple(column for column in found if column.plausible.values)


def _seen(model: TabularModel, population: pd.DataFrame, place: int, values: Plausible) -> VariableColumn:
    """Values in an ordinary row, as encoded; those that the model cannot read are left out."""
    row = population.iloc[[0] * len(values.values)]
    table = _replaced(row, {values.column: values.values})
    invalid = model.invalid(table) if len(table) else {}
    kept = [position for position in range(len(table)) if position not in invalid]
    encoded = model.encode(table.iloc[kept])
    elements = {name: np.flatnonzero(owners == place) for name, owners in model.owners.items()}
    return VariableColumn(
        plausible=values.only(kept),
        seen={name: encoded.inputs[name][:, positions] for name, positions in elements.items()},
        elements=elements,
    )


@dataclass(frozen=True)
class Searcher:
    """Searches for variations of adverse decisions.

    Attributes:
        limit: the margin that a variation has to stay below: the cutoff, less the tolerance between graph and model.
        score: the whole pipeline, for rows of a table.
        say: the language of the values.
    """

    explainer: Explainer
    columns: tuple[VariableColumn, ...]
    config: AuditConfig
    limit: float
    score: Score
    say: Messages

    def search(self, frame: pd.DataFrame, inputs: Mapping[str, Tensor], rows: Sequence[int]) -> dict[int, Variations]:
        """Variations of some rows of a table.

        Args:
            frame: the table, with the types that the model reads.
            inputs: its rows as encoded.
            rows: those to search for, all of them adverse.
        """
        found = {row: self._found(frame.iloc[row], inputs, row) for row in rows}
        proposed = [(row, choice) for row in rows for choice in found[row].choices]
        confirmed = self._confirmed(frame, proposed)
        return {
            row: Variations(
                found=tuple(variation for owner, variation in confirmed if owner == row),
                tried=found[row].tried,
                most_changes=self.config.variations.max_changes,
                columns=tuple(column.plausible.column for column in self.columns),
            )
            for row in rows
        }

    def _found(self, row: pd.Series, inputs: Mapping[str, Tensor], position: int) -> Found:
        own = {name: value[position : position + 1] for name, value in inputs.items()}
        settings = self.config.variations
        return fewest_changes(
            lambda choices: self.explainer.margin(self._varied(own, choices)),
            [column.plausible.sizes(row[column.plausible.column]) for column in self.columns],
            self.limit,
            most_changes=settings.max_changes,
            most=settings.most,
            budget=BUDGET,
        )

    def _varied(self, own: Mapping[str, Tensor], choices: IntArray) -> dict[str, Tensor]:
        """One encoded row with the choices put in; (R, ...)."""
        varied = {name: value.repeat(len(choices), 1) for name, value in own.items()}
        for column, chosen in zip(self.columns, torch.from_numpy(choices).T, strict=True):
            (changed,) = torch.nonzero(chosen != UNCHANGED, as_tuple=True)
            for name, elements in column.elements.items():
                places = torch.from_numpy(elements)
                varied[name][changed[:, None], places] = column.seen[name][chosen[changed]]
        return varied

    def _confirmed(self, frame: pd.DataFrame, proposed: Sequence[tuple[int, Choice]]) -> list[tuple[int, Variation]]:
        """Those that the whole pipeline confirms."""
        if not proposed:
            return []
        table = frame.iloc[[row for row, _ in proposed]].reset_index(drop=True)
        for place, column in enumerate(self.columns):
            name = column.plausible.column
            cells = table[name].tolist()
            for position, (_, choice) in enumerate(proposed):
                if choice.values[place] != UNCHANGED:
                    cells[position] = column.plausible.values[choice.values[place]]
            table = _replaced(table, {name: cells})
        outcomes = self.score(table)
        return [
            (row, Variation(changes=self._changes(frame.iloc[row], choice), score=new.score, margin=new.margin))
            for (row, choice), new in zip(proposed, outcomes, strict=True)
            if not new.adverse and not new.near_cutoff
        ]

    def _changes(self, row: pd.Series, choice: Choice) -> tuple[Change, ...]:
        changes = []
        for place in choice.columns:
            values = self.columns[place].plausible
            value = values.values[choice.values[place]]
            changes.append(
                Change(
                    column=values.column,
                    label=values.settings.label or values.column,
                    value=value,
                    display=show(value, values.settings, self.say),
                    from_display=show(plain(row[values.column]), values.settings, self.say),
                )
            )
        return tuple(changes)


def _replaced(table: pd.DataFrame, cells: Mapping[str, Sequence[object]]) -> pd.DataFrame:
    """The table with other cells in some columns, of whatever type they have."""
    return table.reset_index(drop=True).assign(**{name: pd.Series(list(found)) for name, found in cells.items()})


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
