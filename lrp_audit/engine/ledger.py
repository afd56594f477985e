"""Where every unit of relevance went: per operator inflow, outflow and named sinks, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lrp_audit.engine.graph import Node

_IN_BLAS = (torch.float32, torch.float64)
_LONG_ROW = 4096  # elements, from which on it pays to go through rows one by one

SINKS = ("bias", "constant", "taylor", "stabiliser", "stopped", "remainder")


@dataclass(frozen=True)
class Entry:
    """The books of one operator. Tensors have one value per row.

    Attributes:
        name, operator, module: which operator application, and where in the model.
        inflow: relevance of its output; ``outflow``: relevance it handed to its arguments.
        sinks: what stayed, each from its own closed form: "bias", "constant" (constant addends), "taylor" (the
            constant that the linearised softmax drops), "stabiliser", "stopped", "remainder" (lost or doubled by αβ
            and z⁺).
    """

    name: str
    operator: str
    module: str
    inflow: Tensor
    outflow: Tensor
    sinks: Mapping[str, Tensor]

    @property
    def imbalance(self) -> Tensor:
        """Inflow less outflow less sinks: rounding."""
        return self.inflow - self.outflow - sum(self.sinks.values(), torch.zeros_like(self.inflow))


@dataclass(frozen=True)
class Ledger:
    """All entries in execution order; ``relevance`` is the sum over all sources per row."""

    entries: tuple[Entry, ...]
    explained: Tensor
    relevance: Tensor

    def totals(self) -> dict[str, Tensor]:
        """Sink name -> relevance per row that went there, over all operators."""
        found: dict[str, Tensor] = {}
        for entry in self.entries:
            for sink, value in entry.sinks.items():
                found[sink] = found[sink] + value if sink in found else value
        return {sink: found[sink] for sink in _in_order(found)}

    @property
    def imbalance(self) -> Tensor:
        """What was explained less relevance less all sinks, per row: rounding."""
        return self.explained - self.relevance - sum(self.totals().values(), torch.zeros_like(self.explained))

    def by_module(self) -> dict[str, dict[str, float]]:
        """Module path -> {"inflow", "outflow", sink ...}, means over rows of the module's own operators."""
        found: dict[str, dict[str, float]] = {}
        for entry in self.entries:
            row = found.setdefault(entry.module, {})
            for sink, value in entry.sinks.items():
                row[sink] = row.get(sink, 0.0) + float(value.mean())
            row["inflow"] = row.get("inflow", 0.0) + float(entry.inflow.mean())
            row["outflow"] = row.get("outflow", 0.0) + float(entry.outflow.mean())
        return found

    def table(self) -> str:
        """A printable table by module path, means over rows, with a last line for the whole model."""
        rows = self.by_module()
        sinks = _in_order(self.totals())
        head = ["module", "inflow", "outflow", *sinks]
        body = [[name or "(model)", *_cells(row, head[1:])] for name, row in rows.items()]
        whole = {sink: float(value.mean()) for sink, value in self.totals().items()}
        whole |= {"inflow": float(self.explained.mean()), "outflow": float(self.relevance.mean())}
        return _aligned([head, *body, ["whole model", *_cells(whole, head[1:])]])

    def __str__(self) -> str:
        """See `table`."""
        return self.table()


def _in_order(sinks: Iterable[str]) -> list[str]:
    return sorted(sinks, key=lambda sink: (SINKS.index(sink) if sink in SINKS else len(SINKS), sink))


def _cells(row: Mapping[str, float], columns: Iterable[str]) -> list[str]:
    return [f"{row[column]:.6g}" if column in row else "" for column in columns]


def _aligned(lines: list[list[str]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        line[0].ljust(widths[0])
        + "".join(f"  {cell.rjust(width)}" for cell, width in zip(line[1:], widths[1:], strict=True))
        for line in lines
    )


@dataclass
class Booking:
    """One operator's books from one pass; `Books` adds passes up."""

    inflow: Tensor
    outflow: Tensor
    sinks: dict[str, Tensor]


Books = dict[int, Booking]
"""Node index -> booking."""


def row_sum(values: Tensor, rows: int | None) -> Tensor:
    """Sum over all dimensions but the one that counts rows; one number, shaped (1,), where there is none."""
    if rows is None or rows < 0:
        return values.sum().reshape(1)
    by_row: Tensor = values.movedim(rows, 0).reshape(values.shape[rows], -1)
    return by_row.sum(1)


def flow(m: Tensor, delta: Tensor, rows: int | None) -> Tensor:
    """Relevance m·Δa per row; a zero multiplier stops an infinite value (a mask of -inf)."""
    if rows == 0 and m.shape == delta.shape and m.dtype == delta.dtype:  # makes nothing of their size, unless infinite
        total = _dot_by_row(m, delta)
        if not torch.isnan(total.sum()):
            return total
    return row_sum(torch.where(m == 0, 0.0, m * delta), rows)


def _dot_by_row(a: Tensor, b: Tensor) -> Tensor:
    if a.stride() == b.stride():  # in the order of memory nothing has to be copied to flatten a row
        order = sorted(range(1, a.ndim), key=a.stride().__getitem__, reverse=True)
        a, b = a.permute(0, *order), b.permute(0, *order)
    a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
    if a.device.type == "cpu" and a.dtype in _IN_BLAS and a.shape[1] >= _LONG_ROW:
        return torch.stack([torch.dot(x, y) for x, y in zip(a, b, strict=True)])
    total: Tensor = torch.linalg.vecdot(a, b)  # writes all products down before it adds them up
    return total


def mean_books(parts: Sequence[Books]) -> Books:
    """Mean over passes of the same rows (one per reference member)."""
    found: Books = {}
    for index in {index for books in parts for index in books}:
        bookings = [books[index] for books in parts if index in books]
        found[index] = _combine(bookings, lambda tensors: torch.stack(tensors).sum(0) / len(parts))
    return found


def member_mean(books: Books, members: int) -> Books:
    """Mean over consecutive groups of ``members`` rows."""
    return {index: _combine([b], lambda tensors: tensors[0].reshape(-1, members).mean(1)) for index, b in books.items()}


def join_books(parts: Sequence[Books]) -> Books:
    """Passes over consecutive rows, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return {
        index: _combine([books[index] for books in parts], torch.cat)
        for index in {index for books in parts for index in books}
    }


def _combine(bookings: list[Booking], combine: Callable[[list[Tensor]], Tensor]) -> Booking:
    sinks = {name for booking in bookings for name in booking.sinks}
    nothing = [torch.zeros_like(booking.inflow) for booking in bookings]
    return Booking(
        combine([b.inflow for b in bookings]),
        combine([b.outflow for b in bookings]),
        {
            name: combine([b.sinks.get(name, z) for b, z in zip(bookings, nothing, strict=True)])
            for name in sorted(sinks)
        },
    )


def entries(nodes: Iterable[Node], books: Books) -> tuple[Entry, ...]:
    """Bookings in execution order."""
    return tuple(
        Entry(node.name, node.operator.removeprefix("aten."), node.module, b.inflow, b.outflow, b.sinks)
        for node in nodes
        if (b := books.get(node.index)) is not None
    )
