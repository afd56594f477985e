"""Against AttnLRP and CP-LRP in terms of relevance (explicit_attention.py), on a block with one attention head."""

import explicit_attention as explicit
import pytest
import torch
from engine_rules import only
from oracle_networks import assert_same, finished, rows
from torch import Tensor, nn
from torch.nn import functional as F

from lrp_audit import relevance

TARGET = 1


class Block(nn.Module):
    """Layer norm, one head, a residual connection, a SiLU gate or a GELU network, the mean over positions, a head."""

    def __init__(self, *, gate: bool, bias: bool, width: int = 6) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, bias=bias)
        self.q, self.k, self.v, self.o = (nn.Linear(width, width, bias=bias) for _ in range(4))
        self.gate = nn.Linear(width, 10, bias=bias) if gate else None
        self.up, self.down = nn.Linear(width, 10, bias=bias), nn.Linear(10, width, bias=bias)
        self.head = nn.Linear(width, 3, bias=bias)
        nn.init.uniform_(self.norm.weight, 0.5, 1.5)

    def forward(self, x: Tensor) -> Tensor:
        a = self.norm(x)
        h = x + self.o(F.scaled_dot_product_attention(self.q(a), self.k(a), self.v(a)))
        up = self.up(h)
        inner = F.gelu(up) if self.gate is None else F.silu(self.gate(h)) * up
        return self.head((h + self.down(inner)).mean(1))


def by_hand(block: Block, x: Tensor, *, weights_are_constant: bool) -> Tensor:
    """The block's forward pass, then its relevance step by step; an activation hands on what it gets."""
    a = block.norm(x)
    q, k, v = block.q(a), block.k(a), block.v(a)
    mixed = F.scaled_dot_product_attention(q, k, v)
    attended = block.o(mixed)
    h = x + attended
    up = block.up(h)
    gate = None if block.gate is None else block.gate(h)
    inner = F.gelu(up) if gate is None else F.silu(gate) * up
    down = block.down(inner)
    pooled = (h + down).mean(1)
    output = block.head(pooled)

    R = torch.where(torch.arange(3) == TARGET, output, 0.0)
    R = explicit.linear(pooled, block.head.weight, output, R)
    R_h, R = explicit.add(h, down, explicit.mean(h + down, R))
    R = explicit.linear(inner, block.down.weight, down, R)
    if gate is not None:
        R = R / 2
        R_h = R_h + explicit.linear(h, block.gate.weight, gate, R)
    R_h = R_h + explicit.linear(h, block.up.weight, up, R)
    R_x, R = explicit.add(x, attended, R_h)
    R = explicit.linear(mixed, block.o.weight, attended, R)
    parts = explicit.attention(q, k, v, R, weights_are_constant=weights_are_constant)
    layers = zip((block.q, block.k, block.v), (q, k, v), parts, strict=True)
    R_a = sum(explicit.linear(a, layer.weight, z, part) for layer, z, part in layers)
    return (R_x + explicit.layer_norm(x, block.norm.weight, a, block.norm.eps, R_a)).detach()


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("gate", [True, False], ids=["gate", "no gate"])
def test_attnlrp(gate: bool, bias: bool) -> None:
    block, x = finished(Block(gate=gate, bias=bias)), rows(4, 5, 6)
    ours = only(relevance(block, x, target=TARGET, rules="attnlrp"))
    assert_same(ours, by_hand(block, x, weights_are_constant=False))


@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no bias"])
def test_cp_lrp(bias: bool) -> None:
    block, x = finished(Block(gate=False, bias=bias)), rows(4, 5, 6)
    ours = only(relevance(block, x, target=TARGET, rules="cp-lrp"))
    assert_same(ours, by_hand(block, x, weights_are_constant=True))


@pytest.mark.parametrize("gate", [True, False], ids=["gate", "no gate"])
def test_cp_lrp_adds_up_without_biases(gate: bool) -> None:
    block, x = finished(Block(gate=gate, bias=False)), rows(4, 5, 6)
    ours = relevance(block, x, target=TARGET, rules="cp-lrp")
    torch.testing.assert_close(only(ours).flatten(1).sum(1), block(x)[:, TARGET].detach(), rtol=1e-7, atol=1e-9)
