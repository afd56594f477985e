"""What audit.toml says about verified variations: other values of this person's data that decide otherwise.

[columns.loan_amount]
mutable = true                   # the person can change it; no other column is varied
vary = "down"                    # only to lower values
step = 500                       # only multiples of this
minimum = 1000                   # of the values tried
maximum = 50000

[variations]
max_changes = 2                  # columns that are changed together
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from lrp_audit.settings.section import Section
from lrp_audit.settings.toml_errors import Key, dotted


class VariableSection(Section):
    """How far a column may be varied."""

    mutable: bool | None = None  # the person can change it: only such columns are varied; a protected one never is
    vary: Literal["any", "up", "down"] = "any"  # from the person's own value
    step: float | None = Field(None, gt=0)  # amounts tried are its multiples; default: round ones for their size
    minimum: float | None = None  # of the values tried; they never leave the population's 1 % to 99 % range
    maximum: float | None = None


class VariationsSection(Section):
    """The search for verified variations (EU-06, CA-10)."""

    search: bool | None = None  # default: yes, but of a text only for letters that state variations (EU and UK)
    max_changes: int = Field(3, ge=1, le=3)  # of columns, or of sentences left out, at once
    most: int = Field(3, ge=1, le=10)  # kept of those found, the smallest first


def contradictions(columns: Mapping[str, VariableSection]) -> Iterator[tuple[Key, str]]:
    """Limits that no value keeps, or that limit nothing: key and sentence."""
    for name, column in columns.items():
        limits = sorted(column.model_fields_set & {"vary", "step", "minimum", "maximum"})
        if limits and column.mutable is not True:
            key: Key = ("columns", name, limits[0])
            yield key, f"{dotted(key)} has no effect, since {dotted(('columns', name))} is not mutable = true."
        if column.minimum is not None and column.maximum is not None and column.minimum > column.maximum:
            key = ("columns", name, "minimum")
            yield key, f"{dotted(key)} must not be above the maximum, {column.maximum:g}, but is {column.minimum:g}."
