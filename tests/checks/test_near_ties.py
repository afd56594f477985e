"""Near-ties: sampling agrees with exact Shapley differences, parts what differs and calls equal what is equal."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_coalitions import Ignoring, made_ready, shapley
from test_methods import FRAME, records
from torch import nn

from lrp_audit.checks import near_ties
from lrp_audit.checks.near_ties import DRAWS, ROUND, Contest, part

pytestmark = pytest.mark.rule("RS-09")
EVERY = np.arange(5)


class Twins(nn.Module):
    """The first two columns count the same, in company of the third."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        a, b, c, *_ = rows.unbind(1)
        return (torch.tanh(a + b + c) + 0.5 * c).unsqueeze(1)


def contest(inputs, first, second, rows):
    few = {name: value[:rows] for name, value in inputs.items()}
    return Contest(few, np.full(rows, first), np.full(rows, second))


@pytest.mark.parametrize("seed", range(3))
def test_a_difference_lies_within_its_error_of_the_difference_of_exact_values(seed):
    ready, inputs, _ = made_ready(Ignoring(seed), seed=seed)
    few = {name: value[:6] for name, value in inputs.items()}
    truth = shapley(ready, few, inputs)
    for first, second in ((1, 2), (3, 4), (2, 0)):
        found = part(ready, contest(inputs, first, second, 6), inputs, EVERY, seed=seed)
        expected = truth[:, first] - truth[:, second]
        assert (np.abs(found.difference - expected) <= 4.5 * found.standard_error + 1e-12).all()
        assert (np.sign(found.difference) == np.sign(expected))[found.clear].all()
        assert found.clear.any()
        assert set(found.draws[found.clear]) <= set(range(ROUND, DRAWS + 1, ROUND))


def test_families_of_columns_are_compared_as_families():
    ready, inputs, _ = made_ready(Ignoring(5))
    ((name, everyone),) = inputs.items()
    found = part(ready, contest(inputs, 1, 2, 4), inputs, np.array([0, 1, 1, 2, 2]), seed=0)

    def worth(*columns):
        mask = torch.tensor([column in columns for column in range(5)])
        return np.array([ready.margin({name: torch.where(mask, row, everyone)}).mean() for row in everyone[:4]])

    expected = (
        worth(1, 2) - worth(3, 4) + worth(0, 1, 2) - worth(0, 3, 4)
    ) / 2  # alone, and in the other one's company
    assert (np.abs(found.difference - expected) <= 4.5 * found.standard_error).all()


def test_what_counts_the_same_is_a_tie_and_seldom_uses_the_budget_up():
    ready, inputs, _ = made_ready(Twins())
    ((name, values),) = inputs.items()
    same = values.clone()
    same[:, 1] = same[:, 0]  # of applicants and of everybody they are compared with
    found = part(ready, contest({name: same}, 0, 1, 20), {name: same}, EVERY, seed=0)
    assert not found.clear.any()
    assert np.abs(found.difference).max() < 1e-12
    apart = values.clone()
    apart[:, 1] = apart[:, 0] + 0.01 * torch.randn(len(values), generator=torch.Generator().manual_seed(0))
    mixed = part(ready, contest({name: apart}, 0, 1, 20), {name: values}, EVERY, seed=0)
    assert 1 - mixed.clear.mean() >= 0.8
    assert mixed.draws[~mixed.clear].mean() < 0.6 * DRAWS


def test_giving_up_early_loses_few_that_more_draws_would_part(monkeypatch):
    parted, kept = 0, 0
    for seed in range(4):
        ready, inputs, _ = made_ready(Ignoring(seed), seed=seed)
        for first, second in ((1, 2), (3, 4), (2, 0), (1, 4)):
            asked = contest(inputs, first, second, len(next(iter(inputs.values()))))
            early = part(ready, asked, inputs, EVERY, seed=seed)
            with monkeypatch.context() as patient:
                patient.setattr(near_ties, "HOPE", np.inf)
                late = part(ready, asked, inputs, EVERY, seed=seed)
            parted += int(late.clear.sum())
            kept += int(early.clear[late.clear].sum())
            assert not early.clear[~late.clear].any()
    assert parted > 100
    assert kept >= 0.93 * parted


def test_a_row_does_not_depend_on_its_neighbours():
    ready, inputs, _ = made_ready(Ignoring(1))
    together = part(ready, contest(inputs, 1, 2, 8), inputs, EVERY, seed=3)
    alone = part(ready, contest(inputs, 1, 2, 8).of(np.array([5])), inputs, EVERY, seed=3)
    assert alone.difference == together.difference[5]
    assert alone.standard_error == together.standard_error[5]
    assert alone.draws == together.draws[5]


@pytest.mark.parametrize("representation", ["members", "coalitions"])
def test_the_record_says_what_was_sampled_and_states_what_counts_more(representation):
    settings = {"checks": {"near_tie": 0.5}, "documents": {"max_reasons": 2}}
    found = records(FRAME, reference={"representation": representation}, **settings)
    outcomes = set()
    for record in found:
        tie, stated = record.ranking.sampled, [reason.family for reason in record.reasons]
        assert (tie is not None) is record.ranking.near_tie
        if tie is None:
            continue
        outcomes.add(tie.outcome)
        last, left_out = (tie.second, tie.first) if tie.outcome == "exchanged" else (tie.first, tie.second)
        assert stated[-1] == last
        assert record.ranking.next_family == left_out
        assert (tie.difference < 0) is (tie.outcome == "exchanged") or tie.outcome == "tied"
    assert "kept" in outcomes


def test_other_quantities_than_shapley_values_are_not_decided_by_them():
    settings = {"checks": {"near_tie": 0.5}, "documents": {"max_reasons": 2}}
    for record in records(FRAME, explanation={"method": "integrated-gradients"}, **settings):
        assert record.ranking.sampled is None
