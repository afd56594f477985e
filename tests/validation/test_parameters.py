"""Parameter randomisation on planted truth: explanations that use the weights, and such as do not."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lrp_audit.engine import Population, propagate, record
from lrp_audit.validation.parameters import Network, Vectors, parameter_randomisation, steps_of
from lrp_audit.validation.randomised import draw, layers, write
from lrp_audit.validation.similarity import complexity, complexity_rise, rank_similarity

COLUMNS = 12


def trained(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(COLUMNS, 16), nn.ReLU(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 1))
    return module.double().eval().requires_grad_(False)


def network(module: nn.Module, seed: int = 0) -> Network:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(30, COLUMNS, generator=generator, dtype=torch.float64)
    members = torch.randn(8, COLUMNS, generator=generator, dtype=torch.float64)
    recording = record(module, rows[:2])

    def explain(drawn: nn.Module) -> Vectors:
        assert drawn is module
        found = propagate(recording.graph(), rows, target=0, composite="lrp0", reference=Population(members))
        return list(found.relevance["input"].numpy())

    return Network(module, layers(module, {"input": rows[:2]}), explain)


def test_layers_come_from_the_top_down() -> None:
    assert [layer.name for layer in network(trained()).layers] == ["4", "2", "0"]


def test_layers_follow_use_and_not_registration() -> None:
    class Crossed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head, self.trunk = nn.Linear(4, 1), nn.Linear(3, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(torch.relu(self.trunk(x)))

    assert [layer.name for layer in layers(Crossed(), {"x": torch.zeros(2, 3)})] == ["head", "trunk"]


def test_deep_networks_are_drawn_by_blocks() -> None:
    blocks = [nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)) for _ in range(20)]
    found = layers(nn.Sequential(*blocks), {"input": torch.zeros(2, 2)})
    assert len(found) == 20
    assert sum(len(layer.parameters) for layer in found) == 80


def test_drawing_keeps_sizes_and_depends_on_seed_and_layer_alone() -> None:
    module = trained()
    every = layers(module, {"input": torch.zeros(2, COLUMNS, dtype=torch.float64)})
    whole, alone = draw(module, every, (3, 1)), draw(module, every[1:2], (3, 1))
    assert all(torch.equal(whole[name], value) for name, value in alone.items())
    assert not torch.equal(whole["0.weight"], draw(module, every, (3, 2))["0.weight"])
    old = dict(module.named_parameters())
    assert torch.equal(whole["0.bias"].sort().values, old["0.bias"].sort().values)
    ratio = float(whole["0.weight"].square().mean() / old["0.weight"].square().mean())
    assert 0.7 < ratio < 1.4


def test_relevance_that_uses_the_weights_loses_its_order_and_the_weights_come_back() -> None:
    module = trained()
    before = {name: value.clone() for name, value in module.named_parameters()}
    counted: list[int] = []
    ready = network(module)
    found = parameter_randomisation(ready, draws=6, seed=0, done=lambda: counted.append(1))
    assert [step.layer for step in found.cascading] == [step.layer for step in found.independent] == ["4", "2", "0"]
    assert abs(found.cascading[-1].similarity) < 0.35
    assert len(counted) == steps_of(ready, 6)
    assert all(torch.equal(before[name], value) for name, value in module.named_parameters())


def test_an_explanation_that_ignores_the_weights_is_shown_as_insensitive() -> None:
    rows = list(np.random.default_rng(0).normal(size=(30, COLUMNS)))
    fake = replace(network(trained()), explain=lambda drawn: [3.0 * row for row in rows])  # input x constant
    found = parameter_randomisation(fake, draws=3, seed=0)
    assert all(step.similarity == pytest.approx(1) for step in (*found.cascading, *found.independent))
    assert found.rise == 0


@pytest.mark.slow
def test_honest_relevance_is_hardly_ever_called_insensitive() -> None:
    """200 networks that were never trained on the same: what the threshold of 0.5 would flag by mistake."""
    ready, similar = network(trained()), []
    for seed in range(200):
        write(ready.module, dict(trained(seed).named_parameters()))
        similar.append(parameter_randomisation(ready, draws=5, seed=seed).cascading[-1].similarity)
    print(f"fully drawn: mean {np.mean(similar):+.3f}, largest {np.max(similar):.3f}")
    assert abs(np.mean(similar)) < 0.05
    assert np.mean(np.array(similar) > 0.5) <= 0.01


def test_similarity_is_spearman_and_leaves_out_what_has_no_order() -> None:
    a, b = np.array([1.0, 2.0, 3.0, 4.0]), np.array([10.0, 20.0, 40.0, 30.0])
    assert rank_similarity([a, np.zeros(4)], [b, b]) == pytest.approx(0.8)
    assert rank_similarity([a], [-a]) == -1
    assert rank_similarity([a], [-a], sizes=True) == 1
    assert np.isnan(rank_similarity([np.zeros(3)], [np.ones(3)]))


def test_complexity_is_the_entropy_of_shares() -> None:
    assert complexity(np.array([0.0, -5.0, 0.0])) == 0
    assert complexity(np.array([1.0, -1.0, 1.0, 1.0])) == pytest.approx(np.log(4))
    assert complexity_rise([np.array([3.0, 1.0])], [np.array([1.0, 1.0])]) > 0


def test_write_sets_parameters() -> None:
    module = trained()
    write(module, {"4.bias": torch.tensor([7.0], dtype=torch.float64)})
    assert float(module.get_parameter("4.bias")) == 7
