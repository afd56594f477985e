"""BA-04: which versions were in use, and from when until when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pyarrow as pa

from lrp_audit.report.batch_report import Kind, RunFacts, Use

_PARTS: dict[Kind, tuple[str, ...]] = {  # the columns that tell versions of a kind apart
    "model": ("model_version", "weights_sha256"),
    "reference": ("reference_sha256",),
    "settings": ("config_sha256",),
    "texts": ("language", "texts_version"),
}
_SHOWN = 12  # digits of a digest


@dataclass
class _Dated:
    count: int = 0
    first: dt.date | None = None
    last: dt.date | None = None

    def add(self, count: int, first: dt.date | None, last: dt.date | None) -> None:
        self.count += count
        self.first = min((date for date in (self.first, first) if date is not None), default=None)
        self.last = max((date for date in (self.last, last) if date is not None), default=None)


@dataclass
class VersionsTally:
    columns: ClassVar[tuple[str, ...]] = ("decision_date", *(name for names in _PARTS.values() for name in names))
    run: RunFacts
    known: dict[tuple[Kind, str], _Dated] = field(default_factory=dict)
    period: _Dated = field(default_factory=_Dated)

    def add(self, part: pa.Table) -> None:
        for kind, names in _PARTS.items():
            sums = [("decision_date", "min"), ("decision_date", "max"), ([], "count_all")]
            for found in part.group_by(list(names)).aggregate(sums).to_pylist():
                count, first, last = (found[name] for name in ("count_all", "decision_date_min", "decision_date_max"))
                if label := " ".join(self._label(kind, [found[name] for name in names])):
                    self.known.setdefault((kind, label), _Dated()).add(count, first, last)
                if kind == "settings":
                    self.period.add(count, first, last)

    @property
    def first(self) -> dt.date | None:
        return self.period.first

    @property
    def last(self) -> dt.date | None:
        return self.period.last

    def uses(self) -> tuple[Use, ...]:
        ordered = sorted(self.known.items(), key=lambda item: (item[0][0], item[1].first or dt.date.min, item[0][1]))
        return tuple(
            Use(kind=kind, version=label, decisions=dated.count, first=dated.first, last=dated.last)
            for (kind, label), dated in ordered
        )

    def _label(self, kind: Kind, values: list[Any]) -> Iterator[str]:
        """The words of a version; none where the decision has none of this kind."""
        if values[-1] is None and kind != "texts":
            return
        yield from filter(None, (self.run.names.get(kind),))
        for name, value in zip(_PARTS[kind], values, strict=True):
            if value is not None:
                yield value[:_SHOWN] if name.endswith("_sha256") else value
