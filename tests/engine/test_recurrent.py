"""LSTM and GRU: values of the library's own layers, relevance by Arras et al., exact sums with a reference."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lrp_audit.engine import Population, capture, propagate
from lrp_audit.engine.recurrent import with_leaf_operators
from lrp_audit.errors import UnsupportedOperatorError

FEATURES, UNITS = 5, 4
LENGTHS = torch.tensor([3, 9, 1, 7, 9])


class Classifier(nn.Module):
    def __init__(self, kind, *, packed, batch_first=True, layers=2, bidirectional=True, bias=True):
        super().__init__()
        self.layer = kind(FEATURES, UNITS, layers, bias=bias, batch_first=batch_first, bidirectional=bidirectional)
        self.head = nn.Linear(UNITS * (2 if bidirectional else 1), 3, bias=bias)
        self.packed, self.batch_first = packed, batch_first

    def forward(self, x, lengths):
        x = x if self.batch_first else x.transpose(0, 1)
        if self.packed:
            x = pack_padded_sequence(x, lengths.cpu(), batch_first=self.batch_first, enforce_sorted=False)
        states, last = self.layer(x)
        if self.packed:
            states, _ = pad_packed_sequence(states, batch_first=self.batch_first)
        last = last[0] if isinstance(last, tuple) else last
        ends = torch.cat([last[-2], last[-1]], 1) if self.layer.bidirectional else last[-1]
        return self.head(ends) + self.head(states.sum(1 if self.batch_first else 0))


def make(kind, **options) -> nn.Module:
    torch.manual_seed(0)
    return Classifier(kind, **options).double().eval()


def sequences(rows: int, steps: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(rows, steps, FEATURES, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def graph_of(model: nn.Module):
    return capture(model, {"x": sequences(3, 6), "lengths": torch.tensor([6, 2, 4])})


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_values_are_the_models_own_at_unseen_rows_and_steps_and_the_books_balance(kind, packed, batch_first):
    model = make(kind, packed=packed, batch_first=batch_first)
    x = sequences(5, 9)
    found = propagate(graph_of(model), {"x": x, "lengths": LENGTHS}, target=1, composite="epsilon", ledger=True)
    torch.testing.assert_close(found.output, model(x, LENGTHS))
    assert found.ledger.imbalance.abs().max() < 1e-12
    if packed:
        padding = torch.arange(9) >= LENGTHS[:, None]
        assert found.relevance["x"][padding].abs().max() == 0


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_relevance_from_a_population_sums_to_the_difference(kind, packed):
    model = make(kind, packed=packed)
    x, r = sequences(4, 7), sequences(3, 7, seed=2)
    lengths = torch.full((4,), 7)
    members = Population({"x": r, "lengths": lengths[:3]})
    found = propagate(
        graph_of(model), {"x": x, "lengths": lengths}, target=2, composite="lrp0", reference=members, ledger=True
    )
    difference = model(x, lengths)[:, 2] - model(r, lengths[:3])[:, 2].mean()
    torch.testing.assert_close(found.relevance["x"].sum((1, 2)), difference, rtol=0, atol=1e-13)
    assert found.ledger.imbalance.abs().max() < 1e-13


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_without_biases_relevance_sums_to_the_output(kind):
    model = make(kind, packed=True, bias=False)
    x = sequences(5, 9)
    found = propagate(graph_of(model), {"x": x, "lengths": LENGTHS}, target=0, composite="lrp0")
    torch.testing.assert_close(found.relevance["x"].sum((1, 2)), found.explained)


def factor(f, x: torch.Tensor) -> torch.Tensor:
    """f(x) as x times a constant."""
    return x * (f(x) / x).detach()


def arras_lstm(layer: nn.LSTM, x: torch.Tensor) -> torch.Tensor:
    h = c = x.new_zeros(len(x), UNITS)
    for t in range(x.shape[1]):
        pre = x[:, t] @ layer.weight_ih_l0.T + layer.bias_ih_l0 + h @ layer.weight_hh_l0.T + layer.bias_hh_l0
        i, f, g, o = pre.chunk(4, 1)
        c = f.sigmoid().detach() * c + i.sigmoid().detach() * factor(torch.tanh, g)
        h = o.sigmoid().detach() * factor(torch.tanh, c)
    return h


def arras_gru(layer: nn.GRU, x: torch.Tensor) -> torch.Tensor:
    h = x.new_zeros(len(x), UNITS)
    for t in range(x.shape[1]):
        r, z, n = (x[:, t] @ layer.weight_ih_l0.T + layer.bias_ih_l0).chunk(3, 1)
        h_r, h_z, h_n = (h @ layer.weight_hh_l0.T + layer.bias_hh_l0).chunk(3, 1)
        r, z = (r + h_r).sigmoid().detach(), (z + h_z).sigmoid().detach()
        h = (1 - z) * factor(torch.tanh, n + r * h_n) + z * h
    return h


@pytest.mark.parametrize(("kind", "arras"), [(nn.LSTM, arras_lstm), (nn.GRU, arras_gru)])
def test_relevance_is_that_of_constant_gates_written_out_by_hand(kind, arras):
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = kind(FEATURES, UNITS, batch_first=True)
            self.head = nn.Linear(UNITS, 2)

        def forward(self, x):
            return self.head(self.layer(x)[0][:, -1])

    torch.manual_seed(3)
    model = Last().double().eval()
    x = sequences(4, 6)
    found = propagate(capture(model, {"x": sequences(2, 3)}), {"x": x}, target=1, composite="lrp0")
    leaf = x.clone().requires_grad_()
    output = model.head(arras(model.layer, leaf))
    (gradient,) = torch.autograd.grad(output[:, 1].sum(), leaf)
    torch.testing.assert_close(output, model(x))
    torch.testing.assert_close(found.relevance["x"], gradient * x)


def test_the_model_is_left_as_it_is_and_its_tensors_are_shared():
    model = make(nn.LSTM, packed=False)
    other = with_leaf_operators(model)
    assert type(model.layer) is nn.LSTM
    assert type(other.layer) is not nn.LSTM
    assert {id(p) for p in model.parameters()} == {id(p) for p in other.parameters()}
    assert {name for name, _ in model.named_parameters()} == {name for name, _ in other.named_parameters()}
    plain = nn.Linear(2, 2)
    assert with_leaf_operators(plain) is plain


def test_projections_are_refused_by_name():
    with pytest.raises(UnsupportedOperatorError, match="proj_size"):
        with_leaf_operators(nn.LSTM(3, 4, proj_size=2))
