"""BA-07: what the checks measured, check by check, and the error of conservation."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lrp_audit.report.batch_report import Distribution, Quality
from lrp_audit.report.counting.parts import Spread


@dataclass
class _Checked:
    title: str
    performed: int = 0
    not_performed: int = 0
    flagged: int = 0
    measured: dict[str, Spread] = field(default_factory=lambda: defaultdict(Spread))


@dataclass
class QualityTally:
    columns: ClassVar[tuple[str, ...]] = ("checks", "residual")
    checks: dict[str, _Checked] = field(default_factory=dict)
    residuals: Spread = field(default_factory=Spread)

    def add(self, part: pa.Table) -> None:
        self.residuals.add(np.abs(part["residual"].drop_null().to_numpy()))
        found = pc.list_flatten(part["checks"])
        if not len(found):
            return
        names = pc.dictionary_encode(pc.struct_field(found, "id")).combine_chunks()
        performed = pc.equal(pc.struct_field(found, "status"), "performed").to_numpy()
        flagged = pc.struct_field(found, "flag").to_numpy()
        titles, codes = pc.struct_field(found, "title"), names.indices.to_numpy()
        for code, name in enumerate(names.dictionary.to_pylist()):
            mine = codes == code
            checked = self.checks.setdefault(name, _Checked(titles[int(mine.argmax())].as_py()))
            checked.performed += int((mine & performed).sum())
            checked.not_performed += int((mine & ~performed).sum())
            checked.flagged += int((mine & performed & flagged).sum())
        self._add_measured(pc.struct_field(found, "measured"), np.where(performed, codes, -1), names.dictionary)

    def _add_measured(self, measured: pa.ChunkedArray, codes: Any, names: pa.Array) -> None:
        """What every performed check measured, by its id and the quantity's name."""
        maps = measured.combine_chunks()
        counts = pc.fill_null(pc.list_value_length(maps.cast(pa.list_(maps.type.field(0)))), 0).to_numpy()
        quantities = pc.dictionary_encode(maps.keys)
        owners = np.repeat(codes, counts)
        values = maps.items.to_numpy(zero_copy_only=False)
        width = max(1, len(quantities.dictionary))
        keys = owners * width + quantities.indices.to_numpy()
        order = np.argsort(keys, kind="stable")
        ends = np.flatnonzero(np.diff(keys[order])) + 1
        for places in np.split(order, ends):
            if len(places) and owners[places[0]] >= 0:
                check, quantity = divmod(int(keys[places[0]]), width)
                spreads = self.checks[names[check].as_py()].measured
                spreads[quantities.dictionary[quantity].as_py()].add(values[places])

    def found(self) -> tuple[Quality, ...]:
        return tuple(
            Quality(
                id=name,
                title=checked.title,
                performed=checked.performed,
                not_performed=checked.not_performed,
                flagged=checked.flagged,
                measured=tuple(
                    item
                    for quantity, spread in sorted(checked.measured.items())
                    if (item := spread.distribution(quantity)) is not None
                ),
            )
            for name, checked in sorted(self.checks.items())
        )

    def residual(self) -> Distribution | None:
        return self.residuals.distribution("residual")
