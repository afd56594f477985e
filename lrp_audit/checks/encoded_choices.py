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
class EncodedInput:
    """What one input of the network sees of the values: each element of its rows changes with at most one column.

    Attributes:
        columns: the variable column that an element changes with, and where there is none their number; (width,).
        values: for every position of a value in its column what the element then is; (most values, width).
    """

    columns: IntArray
    values: Tensor


@dataclass(frozen=True)
class EncodedColumns:
    """The columns that may vary, and what each input of the network sees of their values."""

    plausible: tuple[Plausible, ...]
    inputs: Mapping[str, EncodedInput]

    def varied(self, inputs: Mapping[str, Tensor], row: int, choices: IntArray) -> dict[str, Tensor]:
        """One encoded row with R choices of values (R, C) put in, each input (R, width).

        An element that is not changed takes what stands in the first place of its table, which is the row's own.
        """
        rows, columns = choices.shape
        places, found = np.zeros((rows, columns + 1), dtype=np.intp), {}
        np.subtract(choices, UNCHANGED, out=places[:, :columns])
        for name, value in inputs.items():
            seen = self.inputs[name]
            table = torch.cat([value[row].unsqueeze(0), seen.values])
            found[name] = table.gather(0, torch.from_numpy(places[:, seen.columns]))
        return found


def encoded_columns(model: TabularModel, population: pd.DataFrame, columns: Sequence[Plausible]) -> EncodedColumns:
    """The columns with their values encoded; values that the model cannot read are left out.

    Args:
        model: encodes them.
        population: rows that it can read; the first one holds the values.
        columns: of that table.
    """
    every = (_readable(model, population, column) for column in columns)
    readable = tuple(column for column in every if column.values)
    places = [model.columns.index(column.column) for column in readable]
    seen = [model.encode(_table(population, column)).inputs for column in readable]
    most, inputs = max((len(column.values) for column in readable), default=0), {}
    for name, owners in model.owners.items():
        of_column = [places.index(owner) if owner in places else len(places) for owner in owners.tolist()]
        values = torch.zeros(most, len(of_column), dtype=model.encode(population.head(1)).inputs[name].dtype)
        for element, column in enumerate(of_column):
            if column < len(places):
                values[: len(readable[column].values), element] = seen[column][name][:, element]
        inputs[name] = EncodedInput(np.array(of_column, dtype=np.intp), values)
    return EncodedColumns(readable, inputs)


def _readable(model: TabularModel, population: pd.DataFrame, column: Plausible) -> Plausible:
    invalid = model.invalid(_table(population, column))
    return column.only([position for position in range(len(column.values)) if position not in invalid])


def _table(population: pd.DataFrame, column: Plausible) -> pd.DataFrame:
    """An ordinary row once for every value of a column, with the value in it."""
    every = np.arange(len(column.values), dtype=np.intp)
    return varied(population.iloc[[0] * len(every)], [column], every[:, None])
