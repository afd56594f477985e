"""Relevance of recurrent layers, step by step back in time; see `lrp_audit.engine.recurrent` for the operators.

Without a reference the gates are constants of the instance and only the signal carries relevance (Arras et al. 2017,
2019: LRP-all). With one, a product hands each factor the other one's midpoint and an activation its secant, so the sum
is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from lrp_audit.engine.operators.activation import sigmoid_secant, tanh_secant
from lrp_audit.engine.operators.table import Call, Multipliers, Operator, batched, register


@dataclass(frozen=True)
class Layer:
    """One call's tensors: `x` (N, T, F), `h` and (LSTM) `c` the initial states (N, H), and where rows have ended."""

    x: Tensor
    h: Tensor
    c: Tensor | None
    w_ih: Tensor
    w_hh: Tensor
    b_ih: Tensor
    b_hh: Tensor
    lengths: Tensor | None
    reverse: bool

    @classmethod
    def of(cls, call: Call, value: Callable[[str], Tensor]) -> Layer:
        """The layer at the call's input or at its reference."""
        w_ih, w_hh = value("w_ih"), value("w_hh")
        none = w_ih.new_zeros(len(w_ih))
        b_ih, b_hh = (none if call[name] is None else value(name) for name in ("b_ih", "b_hh"))
        c = value("c0") if "c0" in call.node.arguments else None
        lengths = None if call["lengths"] is None else call["lengths"].to(w_ih.device)
        return cls(value("x"), value("h0"), c, w_ih, w_hh, b_ih, b_hh, lengths, call["reverse"])

    def order(self) -> list[int]:
        """Steps in the order they are taken."""
        steps = range(self.x.shape[1])
        return list(reversed(steps)) if self.reverse else list(steps)

    def alive(self, step: int) -> Tensor | None:
        """(N, 1): rows that have not ended at this step; None where no row ends."""
        return None if self.lengths is None else (step < self.lengths)[:, None]


@dataclass(frozen=True)
class Step:
    """What one step computed: pre-activations of the gates below each other, states before it, and the new cell."""

    pre: Tensor
    h: Tensor
    gated: Tensor  # what the forget or reset gate scales: the cell before the step, what the hidden state adds
    cell: Tensor  # LSTM: the cell after the step; GRU: the hidden state after it


def lstm_steps(layer: Layer) -> Iterator[Step]:
    """The steps in order; a row that has ended keeps its state."""
    h, c = layer.h, layer.c
    assert c is not None
    inputs = layer.x @ layer.w_ih.T + (layer.b_ih + layer.b_hh)
    for t in layer.order():
        pre = inputs[:, t] + h @ layer.w_hh.T
        i, f, g, o = pre.chunk(4, 1)
        cell = f.sigmoid() * c + i.sigmoid() * g.tanh()
        yield Step(pre, h, c, cell)
        h, c = _kept(layer.alive(t), o.sigmoid() * cell.tanh(), h), _kept(layer.alive(t), cell, c)


def gru_steps(layer: Layer) -> Iterator[Step]:
    """The steps in order; a row that has ended keeps its state."""
    h = layer.h
    inputs = layer.x @ layer.w_ih.T + layer.b_ih
    for t in layer.order():
        r, z, n = inputs[:, t].chunk(3, 1)
        hidden_r, hidden_z, hidden_n = (h @ layer.w_hh.T + layer.b_hh).chunk(3, 1)
        r, z = r + hidden_r, z + hidden_z
        n = n + r.sigmoid() * hidden_n
        new = (1 - z.sigmoid()) * n.tanh() + z.sigmoid() * h
        yield Step(torch.cat([r, z, n], 1), h, hidden_n, new)
        h = _kept(layer.alive(t), new, h)


def _kept(alive: Tensor | None, new: Tensor, old: Tensor) -> Tensor:
    return new if alive is None else torch.where(alive, new, old)


@dataclass(frozen=True)
class Back:
    """Multipliers of one step: of pre-activations as input and hidden state meet them, and of the states before it."""

    of_input: Tensor
    of_hidden: Tensor
    h: Tensor
    c: Tensor | None


def lstm_back(step: Step, ref: Step | None, m_h: Tensor, m_c: Tensor) -> Back:
    """`c' = f c + i g`, `h' = o tanh(c')`."""
    (i, f, g, o), (i_r, f_r, g_r, o_r) = (s.pre.chunk(4, 1) for s in (step, ref or step))
    cell_r = None if ref is None else ref.cell
    m_c = m_c + m_h * _middle(o.sigmoid(), o_r.sigmoid()) * _tanh(step.cell, cell_r)
    m_g = m_c * _middle(i.sigmoid(), i_r.sigmoid()) * _tanh(g, None if ref is None else g_r)
    before = m_c * _middle(f.sigmoid(), f_r.sigmoid())
    if ref is None:
        nothing = torch.zeros_like(m_g)
        pre = torch.cat([nothing, nothing, m_g, nothing], 1)
    else:
        m_i = m_c * _middle(g.tanh(), g_r.tanh()) * sigmoid_secant(i, i_r)
        m_f = m_c * _middle(step.gated, ref.gated) * sigmoid_secant(f, f_r)
        m_o = m_h * _middle(step.cell.tanh(), ref.cell.tanh()) * sigmoid_secant(o, o_r)
        pre = torch.cat([m_i, m_f, m_g, m_o], 1)
    return Back(pre, pre, torch.zeros_like(m_h), before)


def gru_back(step: Step, ref: Step | None, m_h: Tensor, m_c: Tensor) -> Back:
    """`n = tanh(x_n + r q)`, `h' = (1 - z) n + z h`, with q what the hidden state adds before the reset gate."""
    (r, z, n), (r_r, z_r, n_r) = (s.pre.chunk(3, 1) for s in (step, ref or step))
    z_mid = _middle(z.sigmoid(), z_r.sigmoid())
    m_n = m_h * (1 - z_mid) * _tanh(n, None if ref is None else n_r)
    m_q = m_n * _middle(r.sigmoid(), r_r.sigmoid())
    if ref is None:
        m_r = m_z = torch.zeros_like(m_n)
    else:
        m_r = m_n * _middle(step.gated, ref.gated) * sigmoid_secant(r, r_r)
        m_z = m_h * (_middle(step.h, ref.h) - _middle(n.tanh(), n_r.tanh())) * sigmoid_secant(z, z_r)
    return Back(torch.cat([m_r, m_z, m_n], 1), torch.cat([m_r, m_z, m_q], 1), m_h * z_mid, None)


def _middle(a: Tensor, b: Tensor) -> Tensor:
    return (a + b) * 0.5


def _tanh(x: Tensor, r: Tensor | None) -> Tensor:
    return tanh_secant(x, torch.zeros_like(x) if r is None else r)


@dataclass(frozen=True)
class Cell:
    """How one kind of layer steps forward and back."""

    steps: Callable[[Layer], Iterator[Step]]
    back: Callable[[Step, Step | None, Tensor, Tensor], Back]

    def pullback(self, call: Call, m: dict[int, Tensor]) -> Multipliers:
        """Multipliers of the input and of the initial states."""
        found, _ = self._sweep(call, m)
        return {name: multiplier for name, multiplier in found.items() if call.wants(name)}

    def books(self, call: Call, m: dict[int, Tensor]) -> dict[str, Tensor]:
        """What the biases take without a reference; (N,)."""
        return {"bias": self._sweep(call, m)[1]}

    def _sweep(self, call: Call, m: dict[int, Tensor]) -> tuple[Multipliers, Tensor]:
        layer = Layer.of(call, call.__getitem__)
        steps = list(self.steps(layer))
        ref: list[Step | None] = [None] * len(steps)
        if call.reference is not None:
            ref = list(self.steps(Layer.of(call, call.ref)))
        rows = next(iter(m.values())).shape[0]
        nothing = layer.x.new_zeros(rows, layer.h.shape[1])
        m_h, m_c = m.get(1, nothing), m.get(2, nothing)
        of_states = m.get(0)
        of_x = layer.x.new_zeros(rows, layer.x.shape[1], layer.x.shape[2])
        bias = layer.x.new_zeros(rows)
        for t, step, other in reversed(list(zip(layer.order(), steps, ref, strict=True))):
            alive = layer.alive(t)
            arriving = m_h if of_states is None else m_h + of_states[:, t]
            back = self.back(step, other, arriving, m_c)
            before_h = back.h + back.of_hidden @ layer.w_hh
            before_c = m_c if back.c is None else back.c
            found = back.of_input @ layer.w_ih
            taken = back.of_input @ layer.b_ih + back.of_hidden @ layer.b_hh
            of_x[:, t] = found if alive is None else found * alive
            bias = bias + (taken if alive is None else taken * alive[:, 0])
            m_h, m_c = _kept(alive, before_h, m_h), _kept(alive, before_c, m_c)
        return {"x": of_x, "h0": m_h, "c0": m_c}, bias


LSTM = Cell(lstm_steps, lstm_back)
GRU = Cell(gru_steps, gru_back)

for _name, _cell in (("lrp_audit.lstm.default", LSTM), ("lrp_audit.gru.default", GRU)):
    register(_name, Operator(_cell.pullback, "recurrent", batched, books=_cell.books))
