"""From arrays to the typed parts of a record: contributions, reference and conservation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from lrp_audit.explaining.explainer import ColumnRelevance
from lrp_audit.explaining.reference import Reference
from lrp_audit.language.display import plain, show
from lrp_audit.language.messages import Messages, for_applicants
from lrp_audit.records.record import ColumnContribution, Conservation, ReferenceFacts, Spread
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import ColumnSection

Protection = Literal["no", "prohibited", "special", "age"]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ColumnFacts:
    """What is the same for a column in every record."""

    name: str
    label: str
    family: str
    settings: ColumnSection
    reference_display: str
    spread: Spread | None
    say: Messages  # the applicants' language

    @cached_property
    def judged(self) -> tuple[str, str, str, Protection, str | None]:
        """What is judged of the column besides its relevance: name, label, family, protection and source."""
        return self.name, self.label, self.family, self.settings.protected, self.settings.source


def column_facts(columns: Sequence[str], config: AuditConfig, reference: Reference) -> tuple[ColumnFacts, ...]:
    """Labels, families and typical values of the model's columns, in its order."""
    say, found = for_applicants(config), []
    for name in columns:
        settings = config.columns.get(name, ColumnSection())
        typical = reference.typical(name)
        found.append(
            ColumnFacts(
                name=name,
                label=settings.label or name,
                family=settings.family or name,
                settings=settings,
                reference_display="" if typical is None else show(typical, settings, say),
                spread=_spread(reference, name, settings),
                say=say,
            )
        )
    return tuple(found)


def _spread(reference: Reference, column: str, settings: ColumnSection) -> Spread | None:
    """Quantiles of a column of numbers; codes, which `values` puts in words, have none."""
    found = None if settings.values else reference.quantiles(column, (0.1, 0.25, 0.5, 0.75, 0.9))
    if found is None:
        return None
    people, levels = found
    tenth, quarter, median, three_quarters, nine_tenths = map(float, levels)
    return Spread(
        people=people,
        tenth=tenth,
        quarter=quarter,
        median=median,
        three_quarters=three_quarters,
        nine_tenths=nine_tenths,
    )


def contribution(
    column: ColumnFacts, cell: object, seen: FloatArray, relevance: float, *, missing: bool, imputed: bool
) -> ColumnContribution:
    """One column of one row: its cell as given, what the network saw of it, and its relevance."""
    settings = column.settings
    return ColumnContribution(
        column=column.name,
        label=column.label,
        family=column.family,
        relevance=relevance,
        value=plain(cell),
        display=show(cell, settings, column.say),
        reference_display=column.reference_display,
        spread=column.spread,
        transformed=tuple(np.atleast_1d(seen).tolist()),
        missing=missing,
        imputed=imputed,
        source=settings.source,
        mutable=settings.mutable,
        protected=settings.protected,
    )


def conservation(relevance: ColumnRelevance, row: int) -> Conservation:
    """One row's books: explained = attributed + sinks + residual."""
    return Conservation(
        explained=float(relevance.explained[row]),
        attributed=float(relevance.attributed[row]),
        moved=float(relevance.moved[row]) if relevance.moved is not None else 0.0,
        sinks={name: float(values[row]) for name, values in relevance.sinks.items()},
        residual=float(relevance.residual[row]),
        tolerance=float(relevance.tolerance[row]),
    )


def reference_facts(reference: Reference, mean_margin: float) -> ReferenceFacts:
    """RS-07: name, size, date and hash of the comparison."""
    return ReferenceFacts(
        name=reference.name,
        representation=reference.representation,
        population=reference.population,
        members=len(reference),
        seed=reference.seed,
        date=reference.date,
        sha256=reference.sha256,
        mean_margin=mean_margin,
    )
