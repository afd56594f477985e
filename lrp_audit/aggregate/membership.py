"""Group membership that is not a model input: joined by id, crossed, and small groups set aside."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from lrp_audit.aggregate.table import SMALLEST_GROUP, ExplainedTable
from lrp_audit.errors import DataError


@dataclass(frozen=True, eq=False)
class Membership:
    """Which group every decision belongs to; the index is the decisions' ids, and a missing label is unknown."""

    name: str
    labels: pd.Series[str]  # (N,)
    suppressed: tuple[str, ...]  # groups with fewer than 50 decisions

    @property
    def unknown(self) -> int:
        return int(self.labels.isna().sum())

    @property
    def groups(self) -> tuple[str, ...]:
        """Groups of 50 decisions or more, the largest first."""
        counts = self.labels.value_counts()
        return tuple(sorted((str(n) for n in counts.index if n not in self.suppressed), key=lambda n: (-counts[n], n)))


def membership(table: ExplainedTable, groups: pd.DataFrame, column: str, *, id_column: str = "id") -> Membership:
    """The group of every decision, from a table of ids and groups.

    Raises:
        DataError: a column is missing or is an input of the model, an id comes twice, no id is known, or fewer than
            two groups have 50 decisions.
    """
    for name in (id_column, column):
        if name not in groups.columns:
            raise DataError(
                f"The table of groups has no column {name!r}; it has {', '.join(map(str, groups.columns))}."
            )
    if column in table.columns:
        raise DataError(f"{column!r} is an input of the model; a group column must not be one, so choose another.")
    ids = groups[id_column].astype(str)
    if ids.duplicated().any():
        raise DataError(f"The table of groups names the id {ids[ids.duplicated()].iloc[0]!r} more than once.")
    words = groups[column].astype(str).where(groups[column].notna())
    labels = pd.Series(words.to_numpy(dtype=object), index=ids).reindex(table.relevance.index.astype(str))
    if labels.isna().all():
        raise DataError(f"No decision has a group in {column!r}; check that {id_column!r} holds the decisions' ids.")
    return _checked(column, labels)


def crossed(*parts: Membership) -> Membership:
    """Intersectional cells: every combination of the groups of several columns.

    Raises:
        DataError: fewer than two cells have 50 decisions.
    """
    labels = parts[0].labels
    for part in parts[1:]:
        labels = labels + " × " + part.labels
    return _checked(" × ".join(part.name for part in parts), labels)


def _checked(name: str, labels: pd.Series[str]) -> Membership:
    counts = labels.value_counts()
    if len(counts) == 1:
        raise DataError(f"{name!r} puts every decision in one group, {str(counts.index[0])!r}; two are needed.")
    small = tuple(sorted(str(label) for label, count in counts.items() if count < SMALLEST_GROUP))
    if len(counts) - len(small) < 2:
        raise DataError(
            f"{name!r} has {len(counts) - len(small)} groups of {SMALLEST_GROUP} decisions or more, and two are "
            "needed; join groups or ranges of numbers."
        )
    return Membership(name, labels, small)
