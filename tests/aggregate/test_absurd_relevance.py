"""The largest relevance that an input which is let through can have: reports hold numbers, and none warns."""

import numpy as np
import pandas as pd
from planted_decisions import additive, tabled

from lrp_audit.adapters.encoding import LARGEST
from lrp_audit.aggregate.analysis import aggregate_report, group_report
from lrp_audit.aggregate.gather import gather
from lrp_audit.aggregate.membership import grouping
from lrp_audit.aggregate.tables import tables_of


def test_every_chapter_is_made_of_finite_numbers() -> None:
    rows = additive(600).array.copy()
    rows[[5, 9, 500], [3, 2, 0]] = LARGEST, -LARGEST, 0.3 * LARGEST
    table = tabled(rows, rows)
    groups = (grouping(pd.DataFrame({"id": table.ids, "group": np.where(np.arange(600) % 2, "a", "b")}), "group"),)
    found = gather([table], groups)
    report = aggregate_report(found, name="batch.csv")
    assert group_report(found, groups, name="batch.csv").attributes
    for title, frame in tables_of(report).items():
        numbers = frame.select_dtypes("number").to_numpy(dtype=np.float64)
        assert not np.isinf(numbers).any(), title
