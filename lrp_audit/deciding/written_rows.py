"""Contributions and families of the rows of a table as canonical JSON, put together from pieces written by column."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lrp_audit.deciding.cells import written_cells
from lrp_audit.records import canonical

if TYPE_CHECKING:
    from lrp_audit.deciding.weighed import WeighedTable


@dataclass(frozen=True)
class WrittenRows:
    """The rows of a table, written."""

    table: WeighedTable

    def contributions(self, row: int) -> str:
        """The columns of a row, most adverse first."""
        pieces = self._columns
        ordered = [pieces[j] for j in self.table.order[row]]
        return canonical.listed([f"{before[row]}{number[row]}{after[row]}" for before, number, after in ordered])

    def families(self, row: int) -> str:
        """The families of a row, most adverse first."""
        table, pieces, found = self.table, self._families, []
        for f in table.family_order[row]:
            column, names, numbers = pieces[f]
            columns = column or canonical.text(table.family_columns(row, f))
            found.append(f'{{"columns":{columns},{names},"relevance":{numbers[row]}}}')
        return canonical.listed(found)

    @cached_property
    def _relevance(self) -> list[list[str]]:
        """Of every column its relevance in each row."""
        return [canonical.numbers(column) for column in self.table.relevance.T.tolist()]

    @cached_property
    def _columns(self) -> list[tuple[list[str], list[str], list[str]]]:
        """Of every column what stands before its relevance in each row, that number, and what stands behind it."""
        table, found = self.table, []
        for j, (column, seen) in enumerate(zip(table.columns, table.transformed, strict=True)):
            missing, imputed = table.encoded.missing[:, j], table.encoded.imputed[:, j]
            before, after = written_cells(column, table.encoded.table[column.name], seen, missing, imputed)
            found.append((before, self._relevance[j], after))
        return found

    @cached_property
    def _families(self) -> list[tuple[str, str, list[str]]]:
        """Of every family its column, if it has one, what it is called, and its sum in each row."""
        table, found = self.table, []
        for f, ((name, label), own) in enumerate(zip(table.named_families, table.members, strict=True)):
            column = canonical.text(table.alone[f]) if len(own) == 1 else ""
            numbers = self._relevance[own[0]] if column else canonical.numbers(table.sums[:, f].tolist())
            found.append((column, f'"family":{canonical.text(name)},"label":{canonical.text(label)}', numbers))
        return found
