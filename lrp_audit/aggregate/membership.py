"""Group membership that is not a model input: joined by id, crossed, and small groups set aside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_audit.aggregate.table import ExplainedTable
from lrp_audit.errors import DataError
from lrp_audit.records.aggregates import SMALLEST_GROUP
from lrp_audit.report.aggregate_report import Why


class UnusableGroupsError(DataError):
    """A grouping says nothing about these decisions; `why` is the reason in a word."""

    def __init__(self, why: Why, sentence: str) -> None:
        super().__init__(sentence)
        self.why = why


@dataclass(frozen=True, eq=False)
class Grouping:
    """Which group people belong to, by id; a missing label is unknown."""

    name: str
    labels: pd.Series[str]

    def of(self, table: ExplainedTable) -> npt.NDArray[np.object_]:
        """(N,) the label of every decision, None where it is unknown."""
        found = self.labels.reindex(table.ids)
        return found.where(found.notna(), None).to_numpy(dtype=object)


@dataclass(frozen=True)
class Groups:
    """The groups of 50 decisions or more, the largest first, and those of fewer."""

    shown: tuple[str, ...]
    suppressed: tuple[str, ...]


def grouping(groups: pd.DataFrame, column: str, *, id_column: str = "id") -> Grouping:
    """The group of every id, from a table of ids and groups.

    Raises:
        DataError: a column is missing, or an id comes twice.
    """
    for name in (id_column, column):
        if name not in groups.columns:
            raise DataError(
                f"The table of groups has no column {name!r}; it has {', '.join(map(str, groups.columns))}."
            )
    ids = groups[id_column].astype(str)
    if ids.duplicated().any():
        raise DataError(f"The table of groups names the id {ids[ids.duplicated()].iloc[0]!r} more than once.")
    words = groups[column].astype(str).where(groups[column].notna())
    return Grouping(column, pd.Series(words.to_numpy(dtype=object), index=ids))


def crossed(first: Grouping, second: Grouping) -> Grouping:
    """Intersectional cells: every combination of the groups of two columns of one table."""
    known = first.labels.notna() & second.labels.notna()
    labels = first.labels.fillna("").astype(str) + " × " + second.labels.fillna("").astype(str)
    return Grouping(f"{first.name} × {second.name}", labels.where(known))


def groups_of(name: str, counts: Mapping[str, int], columns: list[str]) -> Groups:
    """The groups of a column, from the decisions in each.

    Raises:
        UnusableGroupsError: it is an input of the model, no decision has a group, all have one, or fewer than two
            groups have 50.
    """
    if name in columns:
        raise UnusableGroupsError(
            "an input", f"{name!r} is an input of the model; a group column must not be one, so choose another."
        )
    if not counts:
        raise UnusableGroupsError(
            "nobody", f"No decision has a group in {name!r}; check that 'id' holds the decisions' ids."
        )
    if len(counts) == 1:
        raise UnusableGroupsError(
            "one group", f"{name!r} puts every decision in one group, {next(iter(counts))!r}; two are needed."
        )
    order = sorted(counts, key=lambda label: (-counts[label], label))
    shown = tuple(label for label in order if counts[label] >= SMALLEST_GROUP)
    if len(shown) < 2:
        raise UnusableGroupsError(
            "few groups",
            f"{name!r} has {len(shown)} groups of {SMALLEST_GROUP} decisions or more, and two are needed; join groups "
            "or ranges of numbers.",
        )
    return Groups(shown, tuple(sorted({*counts} - {*shown})))
