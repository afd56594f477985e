"""Approval rates and their ratios against fairlearn."""

import numpy as np
import pytest
from planted_decisions import additive, groups

from lrp_audit.aggregate.gather import gather
from lrp_audit.aggregate.groups import compare
from lrp_audit.aggregate.membership import grouping

pytestmark = pytest.mark.oracle


def test_rates_and_ratio_are_those_of_fairlearn() -> None:
    metrics = pytest.importorskip("fairlearn.metrics")
    table = additive(600, shift=0.3)
    labels = np.random.default_rng(2).choice(["a", "b", "c"], 600, p=[0.5, 0.3, 0.2])
    approved = (~table.adverse).to_numpy()
    frame = metrics.MetricFrame(
        metrics=metrics.selection_rate, y_true=approved, y_pred=approved, sensitive_features=labels
    )
    best = str(frame.by_group.idxmax())
    by = grouping(groups(table, labels), "group")
    found = compare(gather([table], [by]), by, reference=best, resamples=20)
    assert {item.group: item.approval_rate for item in found.outcomes} == pytest.approx(dict(frame.by_group))
    least = min(item.approval_ratio for item in found.outcomes)
    expected = metrics.demographic_parity_ratio(approved, approved, sensitive_features=labels)
    assert least == pytest.approx(expected)
