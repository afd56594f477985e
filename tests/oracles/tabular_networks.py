"""Architectures that people use on tables, small and untrained, each with rows that it takes.

They are chosen for operators that are hard to explain against a reference: norms, attention, products, maxima, lookups.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lrp_audit.engine import RelevanceGraph, capture

COLUMNS = 6
CODES = (4, 7, 3)
Draw = Callable[..., dict[str, Tensor]]


@dataclass(frozen=True)
class Case:
    """A network, its graph, and a source of random rows; a scale stretches the numeric columns."""

    network: nn.Module
    graph: RelevanceGraph
    draw: Draw


def numbers(n: int, scale: float = 1.0) -> dict[str, Tensor]:
    return {"x": scale * torch.randn(n, COLUMNS, dtype=torch.float64)}


def codes(n: int) -> Tensor:
    return torch.stack([torch.randint(size, (n,)) for size in CODES], dim=1)


class Tokens(nn.Module):
    """Every number becomes a token, as in FT-Transformer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(COLUMNS, width))
        self.bias = nn.Parameter(torch.randn(COLUMNS, width))

    def forward(self, x: Tensor) -> Tensor:
        return x.unsqueeze(-1) * self.weight + self.bias


class MultiheadBlock(nn.Module):
    """Layer norm before nn.MultiheadAttention and a GELU network, residual; reads out a class token."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.tokens = Tokens(width)
        self.summary = nn.Parameter(torch.randn(1, 1, width))
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.mlp = nn.Sequential(nn.Linear(width, 16), nn.GELU(), nn.Linear(16, width))
        self.head = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.cat([self.summary.expand(x.shape[0], -1, -1), self.tokens(x)], dim=1)
        a = self.norms[0](h)
        h = h + self.attention(a, a, a, need_weights=False)[0]
        h = h + self.mlp(self.norms[1](h))
        return self.head(self.norms[2](h)[:, 0])


class FusedBlock(nn.Module):
    """Scaled dot-product attention with RMSNorm and a SiLU gate, averaged over tokens."""

    def __init__(self, width: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.tokens = Tokens(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norms = nn.ModuleList(nn.RMSNorm(width, eps=1e-6) for _ in range(2))
        self.gate, self.up, self.down = nn.Linear(width, 12), nn.Linear(width, 12), nn.Linear(12, width)
        self.head = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = self.tokens(x)
        n, t, width = h.shape
        q, k, v = (
            part.view(n, t, self.heads, width // self.heads).transpose(1, 2)
            for part in self.qkv(self.norms[0](h)).chunk(3, dim=-1)
        )
        h = h + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, width))
        a = self.norms[1](h)
        h = h + self.down(F.silu(self.gate(a)) * self.up(a))
        return self.head(h.mean(1))


class Maxima(nn.Module):
    """Overlapping max pooling, a maximum over positions, and a maximum of two branches."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 5, 3, padding=1)
        self.pool = nn.MaxPool1d(3, stride=1)
        self.adaptive = nn.AdaptiveMaxPool1d(2)
        self.left, self.right = nn.Linear(10, 5), nn.Linear(5, 5)
        self.head = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = self.pool(torch.tanh(self.conv(x.unsqueeze(1))))
        return self.head(torch.maximum(self.left(self.adaptive(h).flatten(1)), self.right(h.amax(-1))))


class Gates(nn.Module):
    """A gated linear unit, a sigmoid gate, and a highway connection."""

    def __init__(self) -> None:
        super().__init__()
        self.glu = nn.Linear(COLUMNS, 16)
        self.value, self.gate = nn.Linear(8, 8), nn.Linear(8, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = F.glu(self.glu(x), dim=-1)
        g = torch.sigmoid(self.gate(h))
        return self.head(g * F.mish(self.value(h)) + (1 - g) * h)


class NormedColumns(nn.Module):
    """Batch norm on the raw columns, then blocks with batch norm and dropout, as in the tabular ResNet."""

    def __init__(self) -> None:
        super().__init__()
        self.raw = nn.BatchNorm1d(COLUMNS)
        self.first = nn.Linear(COLUMNS, 10)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.BatchNorm1d(10), nn.Linear(10, 14), nn.ReLU(), nn.Dropout(0.3), nn.Linear(14, 10))
            for _ in range(4)
        )
        self.last = nn.BatchNorm1d(10)
        self.head = nn.Linear(10, 3)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm1d):
                nn.init.normal_(module.running_mean)
                nn.init.uniform_(module.running_var, 0.2, 3.0)
                nn.init.normal_(module.weight)
                nn.init.normal_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(self.raw(x))
        for block in self.blocks:
            h = h + block(h)
        return self.head(F.relu(self.last(h)))


class Entities(nn.Module):
    """Numbers beside categories that are looked up, one table each."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, 4) for size in CODES)
        self.mlp = nn.Sequential(nn.Linear(COLUMNS + 4 * len(CODES), 12), nn.SELU(), nn.Linear(12, 3))

    def forward(self, numeric: Tensor, categories: Tensor) -> Tensor:
        looked_up = [table(categories[:, i]) for i, table in enumerate(self.tables)]
        return self.mlp(torch.cat([numeric, *looked_up], dim=1))

    @staticmethod
    def draw(n: int, scale: float = 1.0) -> dict[str, Tensor]:
        return {"numeric": scale * torch.randn(n, COLUMNS, dtype=torch.float64), "categories": codes(n)}


class OneTable(nn.Module):
    """All categories in one table, told apart by an offset for each column, and attended to."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.table = nn.Embedding(sum(CODES), width)
        self.register_buffer("offset", torch.tensor([0, CODES[0], CODES[0] + CODES[1]]))
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.head = nn.Linear(width, 3)

    def forward(self, categories: Tensor) -> Tensor:
        h = self.table(categories + self.offset)
        a = self.norm(h)
        return self.head((h + self.attention(a, a, a, need_weights=False)[0]).mean(1))

    @staticmethod
    def draw(n: int, scale: float = 1.0) -> dict[str, Tensor]:
        return {"categories": codes(n)}


class TwoInputs(nn.Module):
    """Two tables of numbers that meet in a product and in a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(3, 6), nn.Linear(4, 6)
        self.head = nn.Linear(12, 3)

    def forward(self, person: Tensor, loan: Tensor) -> Tensor:
        a, b = F.elu(self.a(person)), F.softplus(self.b(loan))
        return self.head(torch.cat([a * b, a - b], dim=1))

    @staticmethod
    def draw(n: int, scale: float = 1.0) -> dict[str, Tensor]:
        return {
            "person": scale * torch.randn(n, 3, dtype=torch.float64),
            "loan": scale * torch.randn(n, 4, dtype=torch.float64),
        }


class Crosses(nn.Module):
    """Deep & cross layers, each of which multiplies by the input again, and a factorisation machine."""

    def __init__(self) -> None:
        super().__init__()
        self.crosses = nn.ModuleList(nn.Linear(COLUMNS, COLUMNS) for _ in range(3))
        self.factors = nn.Linear(COLUMNS, 4, bias=False)
        self.head = nn.Linear(COLUMNS + 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for cross in self.crosses:
            h = x * cross(h) + h
        pairs = self.factors(x) * self.factors(x) - F.linear(x * x, self.factors.weight**2)
        return self.head(torch.cat([torch.tanh(h), 0.5 * pairs], dim=1))


class Experts(nn.Module):
    """A softmax over columns masks the input; another one mixes experts."""

    def __init__(self) -> None:
        super().__init__()
        self.mask, self.router = nn.Linear(COLUMNS, COLUMNS), nn.Linear(COLUMNS, 3)
        self.experts = nn.ModuleList(nn.Sequential(nn.Linear(COLUMNS, 5), nn.ReLU()) for _ in range(3))
        self.head = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = x * torch.softmax(self.mask(x), dim=-1)
        mixed = torch.stack([expert(h) for expert in self.experts], dim=1)
        weights = torch.softmax(self.router(x), dim=-1)
        return self.head(torch.einsum("ne,nef->nf", weights, mixed))


class Shared(nn.Module):
    """One layer used three times, group norm, and a quotient."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.again = nn.Linear(COLUMNS, 8), nn.Linear(8, 8)
        self.norm = nn.GroupNorm(2, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x)
        for _ in range(3):
            h = h + F.hardswish(self.again(self.norm(h)))
        return self.head(h / (1 + torch.exp(-self.again(h))))


CASES: Mapping[str, tuple[type[nn.Module], Draw]] = {
    "multi-head attention": (MultiheadBlock, numbers),
    "fused attention": (FusedBlock, numbers),
    "maxima": (Maxima, numbers),
    "gates": (Gates, numbers),
    "batch norm on raw columns": (NormedColumns, numbers),
    "entity embeddings": (Entities, Entities.draw),
    "one table of categories": (OneTable, OneTable.draw),
    "two inputs": (TwoInputs, TwoInputs.draw),
    "crosses": (Crosses, numbers),
    "experts": (Experts, numbers),
    "shared layer": (Shared, numbers),
}


@cache
def build(name: str) -> Case:
    """Build and capture once."""
    network_class, draw = CASES[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = network_class().double().eval()
        return Case(network, capture(network, draw(2)), draw)
