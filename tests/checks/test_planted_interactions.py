"""Planted interactions: relevance, near-ties and profiles tell a product and an exclusive or from additive columns.

An interaction shows in that a column's relevance depends on more than its own value. What it must be is known in closed
form: of a product the Shapley value against one member is the difference times the mean of the other factor.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from planted_decisions import tabled
from torch import nn

from lrp_audit.adapters.tabular import adapt
from lrp_audit.aggregate.value_profiles import value_profiles
from lrp_audit.checks.near_ties import Contest, part
from lrp_audit.engine import preset
from lrp_audit.explaining.explainer import explainer
from lrp_audit.explaining.reference import Applicants, build_reference

COLUMNS = ["a", "b", "c", "d", "x", "y", "unused"]
SLOPES = np.array([1.0, -0.5, 0.75, 0.5, 0.25, 0.25, 0.0])
TOGETHER = {"c", "d", "x", "y"}


def additive() -> nn.Module:
    """Every column counts by itself, the last one not at all."""
    module = nn.Linear(len(COLUMNS), 1, bias=False)
    module.weight.data = torch.from_numpy(SLOPES[None].astype(np.float32))
    return module


class Interacting(nn.Module):
    """The first two columns count by themselves, a product of two and an exclusive or of two others together."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        a, b, c, d, x, y, _ = rows.unbind(1)
        either = torch.relu(x + y) - 2 * torch.relu(x + y - 1)
        return (a - 0.5 * b + c * d + 2 * either).unsqueeze(1)


def population(seed: int, rows: int = 1200) -> pd.DataFrame:
    """Independent columns; x and y are yes or no. Pairs of c and d, and of x and y, occur the other way round too."""
    generator = np.random.default_rng(seed)
    half = generator.normal(size=(rows // 2, 7)).round(3)
    half[:, 4:6] = generator.random((rows // 2, 2)) < 0.5
    return pd.DataFrame(np.vstack([half, half[:, [0, 1, 3, 2, 5, 4, 6]]]), columns=COLUMNS)


def ready(module: nn.Module, seed: int = 0, representation: str = "members"):
    model = adapt(module.double().eval(), columns=COLUMNS, classes=("ok", "denied"))
    frame = population(seed)
    encoded = model.encode(frame)
    asked = explainer(model, encoded, model.margin_target("denied"), preset("lrp0"), loses=False)
    applicants = Applicants(frame, encoded.inputs, asked.margin(encoded.inputs))
    reference = build_reference(applicants, model, name="all_applicants", representation=representation, members=64)
    return asked, frame, encoded.inputs, reference


def explained(module: nn.Module, seed: int = 0, representation: str = "members"):
    asked, frame, inputs, reference = ready(module, seed, representation)
    (members,) = reference.members.values()
    found = asked.attribute(inputs, reference)
    return pd.DataFrame(found.relevance, columns=COLUMNS), frame, pd.DataFrame(members.numpy(), columns=COLUMNS)


@pytest.mark.parametrize("representation", ["members", "coalitions"])
@pytest.mark.parametrize("module", [additive(), Interacting()], ids=["additive", "interacting"])
def test_additive_columns_have_the_relevance_of_their_own_value_and_unused_ones_none(module, representation):
    relevance, frame, members = explained(module, representation=representation)
    assert (relevance["unused"] == 0).all()
    alone = ["a", "b"] if isinstance(module, Interacting) else COLUMNS
    for column, slope in zip(COLUMNS, SLOPES, strict=True):
        if column in alone:
            expected = slope * (frame[column] - members[column].mean())
            np.testing.assert_allclose(relevance[column], expected, atol=1e-9)


def test_a_product_has_its_shapley_values_and_the_exclusive_or_its_sum():
    relevance, frame, members = explained(Interacting())
    for own, other in (("c", "d"), ("d", "c")):
        apart = frame[own].to_numpy()[:, None] - members[own].to_numpy()
        company = (frame[other].to_numpy()[:, None] + members[other].to_numpy()) / 2
        np.testing.assert_allclose(relevance[own], (apart * company).mean(1), atol=1e-9)
    either = 2.0 * (frame["x"] != frame["y"]) - 2.0 * (members["x"] != members["y"]).mean()
    np.testing.assert_allclose(relevance["x"] + relevance["y"], either, atol=1e-9)


def told(module: nn.Module, seed: int) -> dict[str, float]:
    """Of every column the share of the variance of its relevance that its own value does not tell; 0 without any."""
    relevance, frame, _ = explained(module, seed)
    table = tabled(relevance.to_numpy(), frame.to_numpy())
    shares = {}
    for place, column in enumerate(COLUMNS):
        cells = [cell.summary for cell in value_profiles(table) if cell.column == f"f{place}" and cell.summary]
        within = sum(cell.count * cell.standard_deviation**2 for cell in cells) / sum(cell.count for cell in cells)
        shares[column] = within / relevance[column].var() if relevance[column].any() else 0.0
    return shares


@pytest.mark.parametrize("seed", range(3))
def test_profiles_tell_the_columns_that_count_together_and_no_others(seed):
    for column, share in told(Interacting(), seed).items():
        assert share > 0.5 if column in TOGETHER else share < 0.15
    assert max(told(additive(), seed).values()) < 0.15


def compared(module: nn.Module, first: str, second: str, rows: np.ndarray):
    asked, frame, inputs, _ = ready(module)
    few = {name: value[torch.from_numpy(rows)] for name, value in inputs.items()}
    pair = (np.full(len(rows), COLUMNS.index(one)) for one in (first, second))
    return part(asked, Contest(few, *pair), inputs, np.arange(len(COLUMNS)), seed=0), frame


def test_partners_that_count_the_same_are_tied_and_all_others_part_as_they_should():
    _, frame, _, _ = ready(Interacting())
    both = np.flatnonzero((frame["x"] == 1) & (frame["y"] == 1))[:20]
    assert not compared(Interacting(), "x", "y", both)[0].clear.any()
    rows = np.arange(40)
    found, _ = compared(Interacting(), "c", "a", rows)
    own, everyone = frame.iloc[rows], frame
    of_c = (
        own["c"] * (own["d"] + everyone["d"].mean()) / 2
        - (everyone["c"].mean() * own["d"] + (everyone["c"] * everyone["d"]).mean()) / 2
    )
    expected = (of_c - (own["a"] - everyone["a"].mean())).to_numpy()
    assert (np.abs(found.difference - expected) <= 4.5 * found.standard_error).all()
    assert (np.sign(found.difference) == np.sign(expected))[found.clear].all()
    assert found.clear.mean() > 0.7


def test_what_counts_parts_from_what_is_unused():
    rows = np.arange(30)
    for module in (additive(), Interacting()):
        found, frame = compared(module, "a", "unused", rows)
        expected = frame["a"].iloc[rows] - frame["a"].mean()
        assert (np.sign(found.difference) == np.sign(expected))[found.clear].all()
        assert found.clear[np.abs(expected) > 0.5].all()
