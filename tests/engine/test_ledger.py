"""The books: every sink by its closed form, a table by module, rows kept apart."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lrp_audit.engine import Case, Composite, Constant, Population, capture, propagate, relevance
from lrp_audit.engine.ledger import flow


def rows(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64)


class Block(nn.Module):
    """Everything that keeps relevance back: biases, a constant addend, softmax, a stabiliser."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4)
        self.project = nn.Linear(4, 4)
        self.head = nn.Linear(4, 2)
        self.register_buffer("positions", torch.randn(3, 4))
        nn.init.normal_(self.norm.bias)

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(x + self.positions)
        h = h + F.scaled_dot_product_attention(h, self.project(h), h)
        return self.head(torch.sigmoid(h).mean(1))


@pytest.fixture
def block() -> Block:
    return Block().double().eval()


def test_sinks_by_name_and_by_module(block: Block) -> None:
    ledger = relevance(block, rows(5, 3, 4), target=0, rules="epsilon", ledger=True).ledger
    assert list(ledger.totals()) == ["bias", "constant", "taylor", "stabiliser"]
    assert set(ledger.by_module()) == {"", "norm", "project", "head"}
    assert ledger.imbalance.abs().max() < 1e-13
    for entry in ledger.entries:
        assert entry.imbalance.abs().max() < 1e-13, entry.name
        assert entry.inflow.shape == (5,)
    by_operator = {entry.operator: set(entry.sinks) for entry in ledger.entries}
    assert by_operator["layer_norm.default"] == {"bias"}
    assert by_operator["sigmoid.default"] == {"bias"}
    assert by_operator["scaled_dot_product_attention.default"] == {"taylor"}
    assert by_operator["linear.default"] == {"bias", "stabiliser"}
    assert by_operator["add.Tensor"] in (set(), {"constant"})


def test_bias_sinks_are_multiplier_times_bias() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).double().eval()
    x = rows(6, 3)
    ledger = relevance(network, x, target=1, rules="lrp0", ledger=True).ledger
    leaves = [network[0].bias, network[2].bias]
    for i in range(6):
        gradients = torch.autograd.grad(network(x[i : i + 1])[0, 1], leaves)
        shares = sum((g * b).sum() for g, b in zip(gradients, leaves, strict=True))
        assert ledger.totals()["bias"][i].item() == pytest.approx(shares.item(), abs=1e-12)


def test_table_reads_like_a_balance(block: Block) -> None:
    text = str(relevance(block, rows(5, 3, 4), target=0, ledger=True).ledger)
    lines = text.splitlines()
    assert lines[0].split() == ["module", "inflow", "outflow", "bias", "constant", "taylor", "stabiliser"]
    assert lines[-1].startswith("whole model")
    assert len({len(line) for line in lines}) == 1


def test_constant_attention_weights_leave_no_taylor_constant(block: Block) -> None:
    rules = Composite((Case(Constant(), kind="attention"),))
    ledger = relevance(block, rows(5, 3, 4), target=0, rules=rules, ledger=True).ledger
    assert "taylor" not in ledger.totals()
    assert ledger.imbalance.abs().max() < 1e-13


def test_nothing_is_kept_back_with_a_reference(block: Block) -> None:
    x, members = rows(5, 3, 4), rows(4, 3, 4)
    for reference in (members[:1], Population({"x": members})):
        ledger = relevance(block, x, target=0, reference=reference, ledger=True).ledger
        assert ledger.totals() == {}
        assert ledger.imbalance.abs().max() < 1e-12


def test_rows_are_kept_apart_where_they_are_merged_with_another_dimension() -> None:
    class Merged(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.head = nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            inner = torch.tanh(self.first(x.reshape(-1, 4)))
            return self.head(inner.reshape(x.shape).transpose(0, 1).sum(0))

    network = Merged().double().eval()
    graph, x = capture(network, rows(2, 3, 4)), rows(5, 3, 4)
    together = propagate(graph, x, target=0, composite="lrp0", ledger=True)
    assert together.ledger.imbalance.abs().max() < 1e-12
    for i in range(5):
        alone = propagate(graph, x[i : i + 1], target=0, composite="lrp0", ledger=True).ledger
        for ours, theirs in zip(together.ledger.entries, alone.entries, strict=True):
            torch.testing.assert_close(ours.inflow[i : i + 1], theirs.inflow, rtol=1e-10, atol=1e-12)
    members = rows(3, 3, 4)
    over = propagate(graph, x, target=0, composite="lrp0", reference=Population({"x": members}), ledger=True)
    assert over.ledger.imbalance.abs().max() < 1e-12


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("width", [3, 300])
def test_relevance_that_flows_is_the_sum_of_products_in_any_order_of_memory(dtype: torch.dtype, width: int) -> None:
    m, delta = (torch.randn(5, 40, width, dtype=dtype) for _ in range(2))
    expected = (m.double() * delta.double()).sum((1, 2)).to(dtype)
    tolerance = {"rtol": 0, "atol": 1e4 * torch.finfo(dtype).eps}
    torch.testing.assert_close(flow(m, delta, 0), expected, **tolerance)
    torch.testing.assert_close(flow(m.mT, delta.mT, 0), expected, **tolerance)
    torch.testing.assert_close(flow(m.mT.contiguous(), delta.mT, 0), expected, **tolerance)
    m[2, 7, 1], delta[2, 7, 1] = 0, -torch.inf
    expected[2] = (m[2] * delta[2].nan_to_num(neginf=0)).sum()
    torch.testing.assert_close(flow(m, delta, 0), expected, **tolerance)


def test_a_constant_that_rows_do_not_share_is_booked_for_each() -> None:
    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.head = nn.Linear(4, 5), nn.Linear(5, 2)

        def forward(self, x: Tensor, kept: Tensor) -> Tensor:
            return self.head(torch.sigmoid(self.first(x)) + kept)

    network, x = Shifted().double().eval(), rows(6, 4)
    kept = torch.tensor([True, False, True, True, False, False])[:, None]
    ledger = relevance(network, (x, kept), target=0, rules="lrp0", ledger=True).ledger
    for entry in ledger.entries:
        assert entry.imbalance.abs().max() < 1e-13, entry.name
    shared = network.head.weight[0].sum() * kept[:, 0]
    torch.testing.assert_close(ledger.totals()["constant"], shared.detach(), rtol=1e-12, atol=1e-14)


def test_several_outputs_of_one_operator_are_one_entry() -> None:
    class Split(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.head = nn.Linear(4, 4), nn.Linear(2, 1)

        def forward(self, x: Tensor) -> Tensor:
            a, b = self.first(x).chunk(2, 1)
            return self.head(a * b.sigmoid())

    found = relevance(Split().double().eval(), rows(5, 4), target=0, rules="lrp0", ledger=True)
    assert found.ledger.imbalance.abs().max() < 1e-13
    split = next(entry for entry in found.ledger.entries if entry.operator.startswith("split"))
    torch.testing.assert_close(split.inflow, split.outflow, rtol=1e-12, atol=1e-14)


def test_without_being_asked_there_is_no_ledger(block: Block) -> None:
    assert relevance(block, rows(2, 3, 4), target=0).ledger is None


def test_a_norm_alone_is_explained_and_not_taken_for_a_scale() -> None:
    class Size(nn.Module):
        def __init__(self, factor: float) -> None:
            super().__init__()
            self.first, self.other, self.factor = nn.Linear(4, 5), nn.Linear(4, 1, bias=False), factor

        def forward(self, x: Tensor) -> Tensor:
            return self.factor * self.first(x).norm(dim=1, keepdim=True) * self.other(x)

    network, x = Size(3.0).double().eval(), rows(5, 4)
    found = relevance(network, x, target=0, rules="lrp0", ledger=True)
    network.factor = 1.0
    once = relevance(network, x, target=0, rules="lrp0")
    torch.testing.assert_close(found.relevance["x"], 3 * once.relevance["x"], rtol=1e-12, atol=1e-14)
    assert set(found.ledger.totals()) == {"bias"}
