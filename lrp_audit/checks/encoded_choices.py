"""Other values of a table's columns as the network sees them, put into encoded rows without encoding rows again.

Every element of an encoded row belongs to one column, so that a value is encoded once, in an ordinary row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from lrp_audit.adapters.tabular import TabularModel
from lrp_audit.checks.fewest_changes import UNCHANGED
from lrp_audit.checks.plausible import Plausible
from lrp_audit.checks.variations import varied

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class EncodedColumn:
    """The values of a column that may vary, V of them, as encoded.

    Attributes:
        seen: input name -> (V, elements of the column).
        elements: input name -> where they stand in a row.
    """

    plausible: Plausible
    seen: Mapping[str, Tensor]
    elements: Mapping[str, Tensor]


def encoded_columns(
    model: TabularModel, population: pd.DataFrame, columns: Sequence[Plausible]
) -> tuple[EncodedColumn, ...]:
    """The columns with their values encoded; values that the model cannot read are left out.

    Args:
        model: encodes them.
        population: rows that it can read; the first one holds the values.
        columns: of that table.
    """
    return tuple(_encoded(model, population.head(1), column) for column in columns)


def _encoded(model: TabularModel, row: pd.DataFrame, column: Plausible) -> EncodedColumn:
    every = np.arange(len(column.values), dtype=np.intp)
    table = varied(row.iloc[[0] * len(every)], [column], every[:, None])
    invalid = model.invalid(table)
    kept = [int(position) for position in every if position not in invalid]
    inputs = model.encode(table.iloc[kept]).inputs
    place = model.columns.index(column.column)
    elements = {name: torch.from_numpy(np.flatnonzero(owners == place)) for name, owners in model.owners.items()}
    return EncodedColumn(
        plausible=column.only(kept),
        seen={name: inputs[name][:, places] for name, places in elements.items()},
        elements=elements,
    )


def with_choices(
    inputs: Mapping[str, Tensor], row: int, columns: Sequence[EncodedColumn], choices: IntArray
) -> dict[str, Tensor]:
    """One encoded row with R choices of values (R, C) put in; each input (R, width)."""
    found = {name: value[row].repeat(len(choices), 1) for name, value in inputs.items()}
    for column, chosen in zip(columns, torch.from_numpy(choices).T, strict=True):
        (changed,) = torch.nonzero(chosen != UNCHANGED, as_tuple=True)
        for name, places in column.elements.items():
            found[name][changed[:, None], places] = column.seen[name][chosen[changed]]
    return found
