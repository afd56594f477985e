"""What counted in which group of decisions, as shades that lie on a table of means.

The shades are those of a text's heatmap, nine bins on one symmetric scale, each for twice the relevance of the one
before. Red cells are underlined and count against; blue cells have no line. Equal strengths are equally light, so that
a copy in greys shows strength by shade and side by line; the table's numbers carry their sign besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from lrp_audit.report.charts import symmetric_scale
from lrp_audit.report.heatmap import bin_of, style
from lrp_audit.report.svg import opening, path, pt

SHADES: Mapping[str, str] = MappingProxyType({  # as in heatmap/heatmap.css
    "a1": "#fde9e7", "a2": "#fac8c2", "a3": "#f49f96", "a4": "#ec7468",
    "f1": "#e6effa", "f2": "#c0d8f2", "f3": "#93bce8", "f4": "#639edb",
})  # fmt: skip
_LINE = "#7d1a14"

FloatArray = npt.NDArray[np.float64]


def aggregate_heatmap(means: FloatArray, title: str, *, width: float, row: float, limit: float | None = None) -> Markup:
    """Shades for a table of means, a row of the drawing for each of its rows.

    Args:
        means: (rows, columns) of the table, `+` toward the adverse outcome.
        title: the sentence that says what the drawing shows.
        width: of all columns together, which are equally wide.
        row: height of a table row.
        limit: the mean of the darkest shade; the largest one if None.
    """
    limit = limit or symmetric_scale([float(np.abs(means).max(initial=0.0))])
    cell = width / max(1, means.shape[1])
    shapes, lines = dict.fromkeys(SHADES, ""), ""
    for (line, place), mean in np.ndenumerate(means):
        if not (shade := style(bin_of(float(mean), limit))):
            continue
        left, top = place * cell, line * row
        shapes[shade] += f"M{pt(left)} {pt(top)}h{pt(cell)}v{pt(row)}h{pt(-cell)}z"
        if mean > 0:
            lines += f"M{pt(left + 2)} {pt(top + row - 1.5)}h{pt(cell - 4)}"
    parts = [
        opening(title, width, row * len(means)),
        *(path(shape, f'fill="{SHADES[shade]}"') for shade, shape in shapes.items()),
        path(lines, f'stroke="{_LINE}" stroke-width=".8" fill="none"'),
        "</svg>",
    ]
    return Markup("".join(parts))
