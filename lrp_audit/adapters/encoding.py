"""From a data frame to the tensors a network takes, and which rows cannot go there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder

from lrp_audit.adapters.frames import read
from lrp_audit.adapters.nodes import BoolArray, IntArray, Kind, Matrix, Node, ancestry, evaluate
from lrp_audit.adapters.transformers import accepts_missing, incomparable_cells, is_missing, maps_cells, unknown_cells
from lrp_audit.adapters.warning_filters import quiet
from lrp_audit.errors import DataError
from lrp_audit.language.messages import message

MISSING = message("is missing, and the model has no imputer for it")
TOO_LARGE = message("is infinite, or larger than any number the explanation can hold")
NOT_A_NUMBER = message("is not a number")
NOT_TEXT = message("is not text, though the model was trained on text categories")
UNKNOWN_CATEGORY = message("holds a category the model was not trained on")
UNDEFINED = message("lies outside the range the model's preprocessing is defined on")
NOT_A_CODE = message("is not a whole number, though the model looks it up in a table of categories")

LARGEST = 1e50  # in size: float64 still holds the fourth powers and sums of what follows from it


@dataclass(frozen=True, eq=False)
class Slot:
    """One tensor of the network: which encoded elements it takes, and whether they are integer codes."""

    positions: IntArray
    integer: bool = False


@dataclass(frozen=True, eq=False)
class Encoded:
    """Rows as they were read, and as the network takes them."""

    table: pd.DataFrame  # see `Encoding.read`
    inputs: dict[str, torch.Tensor]  # each (N, width), float64 or int64
    missing: BoolArray  # (N, columns) the raw value is missing
    imputed: BoolArray  # (N, columns) and was filled in

    def __len__(self) -> int:
        return len(self.missing)


@dataclass(frozen=True, eq=False)
class Encoding:
    """The columnwise part of the way from table to network."""

    names: tuple[str, ...]  # every column the preprocessing was fitted on
    columns: tuple[str, ...]  # those it uses
    kinds: Mapping[str, Kind]
    node: Node
    slots: Mapping[str, Slot]

    @property
    def owners(self) -> dict[str, IntArray]:
        """Per tensor, for every element of a row the index into `columns`."""
        place = {self.names.index(name): i for i, name in enumerate(self.columns)}
        owners = np.array([place[int(one)] for one in self.node.owners], dtype=np.intp)
        return {name: owners[slot.positions] for name, slot in self.slots.items()}

    @property
    def listed(self) -> frozenset[str]:
        """Columns whose values an encoder or an embedding looks up in a list: others mean nothing to it."""
        encoders = (node for node in ancestry(self.node) if isinstance(node.step, (OneHotEncoder, OrdinalEncoder)))
        owners = [node.parents[0].owners for node in encoders]
        owners += [self.node.owners[slot.positions] for slot in self.slots.values() if slot.integer]
        return frozenset(self.names[int(owner)] for found in owners for owner in found)

    def read(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The columns the preprocessing was fitted on, with plain types; columns it drops are NaN.

        Raises:
            DataError: a column is absent or of the wrong type, or a cell cannot be read or is too large (`invalid`
                tells which).
        """
        table, unreadable = read(frame, self.columns, self.kinds)
        if any(unreadable[name].any() or _too_large(table[name]).any() for name in self.columns):
            raise self.complaint(frame)
        return table.reindex(columns=list(self.names))

    def encode(self, frame: pd.DataFrame) -> Encoded:
        """The network's tensors for every row of the frame.

        Raises:
            DataError: as `read`, or a row cannot be encoded (`invalid` tells which).
        """
        table = self.read(frame)
        memo: dict[int, Matrix] = {}
        inputs = self._inputs(table, memo)
        missing, imputed = self._absent(table, memo)
        return Encoded(table, inputs, missing, imputed)

    def inputs(self, table: pd.DataFrame) -> dict[str, torch.Tensor]:
        """The network's tensors for rows as `read` gives them. Raises as `encode` does."""
        return self._inputs(table, {})

    def _inputs(self, table: pd.DataFrame, memo: dict[int, Matrix]) -> dict[str, torch.Tensor]:
        try:
            values = self._values(table, memo)
        except (ValueError, TypeError):
            raise self.complaint(table) from None
        if not _in_range(values).all():
            raise self.complaint(table)
        inputs = {}
        for name, slot in self.slots.items():
            tensor = torch.from_numpy(np.ascontiguousarray(values[:, slot.positions]))
            inputs[name] = tensor.long() if slot.integer else tensor
        return inputs

    def complaint(self, frame: pd.DataFrame) -> DataError:
        """Why a frame that was refused was refused: its first invalid row."""
        for row, (column, why) in self.invalid(frame).items():
            return DataError(f"Row {row + 1} of the table cannot be scored: column '{column}' {why}.")
        return DataError("The model's preprocessing rejects the table.")

    def invalid(self, frame: pd.DataFrame) -> dict[int, tuple[str, str]]:
        """Row position -> (column, why) for rows the model cannot score.

        Raises:
            DataError: a column is absent or of the wrong type throughout, or a step rejects the whole table.
        """
        table, unreadable = read(frame, self.columns, self.kinds)
        found: dict[int, tuple[str, str]] = {}
        for name in self.columns:
            word = NOT_A_NUMBER if self.kinds.get(name) == "number" else NOT_TEXT
            for row in np.flatnonzero(unreadable[name] | _too_large(table[name])):
                found.setdefault(int(row), (name, word if unreadable[name][row] else TOO_LARGE))
        table = table.reindex(columns=list(self.names))
        while True:
            rows = np.array([i for i in range(len(table)) if i not in found], dtype=np.intp)
            more = self._first_rejected(table.iloc[rows].reset_index(drop=True))
            if not more:
                return dict(sorted(found.items()))
            found.update({int(rows[row]): reason for row, reason in more.items()})

    def mixing_functions(self, frame: pd.DataFrame) -> list[str]:
        """Names of FunctionTransformers that mix columns or rows on these rows, though they did not when probed."""
        memo: dict[int, Matrix] = {}
        table = self.read(frame)
        found = []
        with quiet():
            for node in ancestry(self.node):
                if isinstance(node.step, FunctionTransformer) and node.step.func is not None:
                    values = np.asarray(evaluate(node.parents[0], table, memo), dtype=np.float64)
                    if not maps_cells(node.step, values):
                        found.append(node.where)
        return found

    def _values(self, table: pd.DataFrame, memo: dict[int, Matrix]) -> NDArray[np.float64]:
        if len(table) == 0:  # which scikit-learn's transformers refuse
            return np.zeros((0, self.node.width))
        with quiet():
            return np.asarray(evaluate(self.node, table, memo), dtype=np.float64).reshape(len(table), self.node.width)

    def _absent(self, table: pd.DataFrame, memo: dict[int, Matrix]) -> tuple[BoolArray, BoolArray]:
        """(missing, imputed), each (rows, columns); a marker an imputer looks for (-1, say) counts as missing."""
        missing = is_missing(table)
        imputed = np.zeros_like(missing)
        for node in ancestry(self.node) if len(table) else ():
            if isinstance(node.step, SimpleImputer):
                parent = node.parents[0]
                cells = is_missing(evaluate(parent, table, memo), node.step.missing_values)
                for element, owner in enumerate(parent.owners):
                    missing[:, owner] |= cells[:, element]
                kept = len(node.owners) - (len(node.step.indicator_.features_) if node.step.add_indicator else 0)
                for owner in set(node.owners[:kept].tolist()):
                    imputed[:, owner] |= cells[:, parent.owners == owner].any(axis=1)
        use = [self.names.index(name) for name in self.columns]
        return missing[:, use], imputed[:, use]

    def _first_rejected(self, table: pd.DataFrame) -> dict[int, tuple[str, str]]:
        """The rows that the first step with any objection rejects; later steps see only the others."""
        if len(table) == 0:
            return {}
        memo: dict[int, Matrix] = {}
        for node in ancestry(self.node):
            try:
                with quiet():
                    parent = evaluate(node.parents[0], table, memo) if node.step is not None else None
                    bad = None if parent is None else _objections(node, parent)
                    if bad is not None and bad[0].any():
                        return self._reasons(node.parents[0], *bad)
                    evaluate(node, table, memo)
            except (ValueError, TypeError) as error:
                # scikit-learn's own words may quote cells, which are personal data, so they stay in the chain
                raise DataError(f"Step '{node.where}' of the model's preprocessing rejects the table.") from error
        values = self._values(table, memo)
        missing = is_missing(values) & is_missing(table)[:, self.node.owners]
        if missing.any():
            return self._reasons(self.node, missing, MISSING)
        if not _in_range(values).all():
            return self._reasons(self.node, ~_in_range(values), UNDEFINED)
        codes = np.zeros(self.node.width, dtype=bool)
        for slot in self.slots.values():
            codes[slot.positions] = slot.integer
        broken = codes & (values != np.floor(values))
        return self._reasons(self.node, broken, NOT_A_CODE)

    def _reasons(self, node: Node, cells: BoolArray, why: str) -> dict[int, tuple[str, str]]:
        first = {int(row): int(np.argmax(cells[row])) for row in np.flatnonzero(cells.any(axis=1))}
        return {row: (self.names[node.owners[element]], why) for row, element in first.items()}


def _too_large(column: pd.Series) -> BoolArray:
    numbers = column.to_numpy() if column.dtype.kind in "iuf" else np.zeros(len(column))
    return np.asarray(np.abs(numbers) > LARGEST)


def _in_range(values: NDArray[np.float64]) -> BoolArray:
    return np.asarray(np.abs(values) <= LARGEST)  # NaN is not


def _objections(node: Node, values: Matrix) -> tuple[BoolArray, str] | None:
    """Cells a step would raise on, and why; None where it takes everything."""
    step = node.step
    if isinstance(step, (OneHotEncoder, OrdinalEncoder)):
        reject = unknown_cells if step.handle_unknown == "error" else incomparable_cells
        return reject(step, values), UNKNOWN_CATEGORY
    if not accepts_missing(step):
        return is_missing(values), MISSING
    return None


def column_kinds(node: Node, names: tuple[str, ...]) -> dict[str, Kind]:
    """What each column must hold, from the first step that reads it; 'any' where steps differ."""
    readings: dict[int, set[Kind]] = {}
    for one in ancestry(node):
        for column, kind in one.readings:
            readings.setdefault(column, set()).add(kind)
    for owner, raw in zip(node.owners, node.raw, strict=True):
        if raw:
            readings.setdefault(int(owner), set()).add("number")
    return {names[column]: kinds.pop() if len(kinds) == 1 else "any" for column, kinds in readings.items()}


def used_columns(node: Node, names: tuple[str, ...]) -> tuple[str, ...]:
    """The columns any step takes from the table, in table order."""
    nodes = list(ancestry(node))
    start = next(one for one in nodes if not one.parents)
    takers = [one for one in nodes if start in one.parents]
    used = {int(owner) for one in takers for owner in _taken(one)} if node is not start else set(range(len(names)))
    return tuple(name for i, name in enumerate(names) if i in used)


def _taken(node: Node) -> IntArray:
    """Columns a node takes from the table: a selection's own, a transformer's or join's all."""
    if node.step is None and len(node.parents) == 1:
        return node.owners
    start = next(parent for parent in node.parents if not parent.parents)
    return start.owners
