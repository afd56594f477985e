"""The columns of an explained row where they are few, and made one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from lrp_audit.judging.case import from_report
from lrp_audit.judging.reasons import group
from lrp_audit.records import canonical
from lrp_audit.records.record import ColumnContribution, FamilyContribution


@dataclass(frozen=True)
class Listed:
    """A `Weighed` of columns that are made already.

    Attributes:
        labels: names of families for reviewers.
        texts: relevance of whole texts, by their column.
    """

    columns: tuple[ColumnContribution, ...]
    labels: Mapping[str, str]
    texts: Mapping[str, float]

    def __iter__(self) -> Iterator[ColumnContribution]:
        """See `Weighed`."""
        return iter(self.columns)

    @property
    def protected(self) -> tuple[ColumnContribution, ...]:
        """See `Weighed`."""
        return tuple(item for item in self.columns if item.protected != "no")

    @property
    def reported(self) -> tuple[ColumnContribution, ...]:
        """See `Weighed`."""
        return tuple(item for item in self.columns if from_report(item.source))

    @cached_property
    def families(self) -> tuple[FamilyContribution, ...]:
        """See `Weighed`."""
        return group(self.columns, self.labels)

    def contributions(self) -> tuple[ColumnContribution, ...]:
        """See `Weighed`."""
        return self.columns

    def grouped(self) -> tuple[FamilyContribution, ...]:
        """See `Weighed`."""
        return self.families

    def written(self) -> tuple[str, str]:
        """See `Weighed`."""
        columns = canonical.text([item.model_dump(mode="json") for item in self.columns])
        return columns, canonical.text([item.model_dump(mode="json") for item in self.families])

    def by_input(self, inputs: Sequence[str]) -> list[float | None]:
        """See `Weighed`."""
        found = {item.column: item.relevance for item in self.columns} | dict(self.texts)
        return [found.get(name) for name in inputs]
