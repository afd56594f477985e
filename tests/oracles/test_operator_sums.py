"""Against plain forward passes, operator by operator: relevance adds up, or the engine says why it cannot.

Every operator stands between a dense layer and a weighted sum. Many share one graph, with an output for each.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lrp_audit import Population, relevance
from lrp_audit.engine import RelevanceGraph, capture
from lrp_audit.errors import InputError, UnsupportedOperatorError

WIDTH = 8
ROWS = 5
Operator = Callable[[Tensor], Tensor]

MASK = torch.tensor([True, False, True, True, False, True, False, True])
ORDER = torch.tensor([3, 1, 0, 2])


def heads(h: Tensor, count: int = 1) -> Tensor:
    """As queries of `count` heads: (N, heads, 4, width)."""
    return h.view(-1, 4, count, WIDTH // (4 * count)).transpose(1, 2)


def attention(h: Tensor, **options: object) -> Tensor:
    return F.scaled_dot_product_attention(heads(h), heads(1.5 * h), heads(h), **options)


def image(h: Tensor, *sizes: int) -> Tensor:
    return h.view(-1, 1, *sizes)


def assigned(h: Tensor) -> Tensor:
    result = torch.zeros_like(h)
    result[:, :4] = h[:, 4:]
    return result


class SequenceFirst(nn.Module):
    """Attention that keeps the rows in the second dimension."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(2, 1)

    def forward(self, h: Tensor) -> Tensor:
        steps = h.view(-1, 4, 2).transpose(0, 1)
        return self.attention(steps, steps, steps, need_weights=False)[0].transpose(0, 1)


class Recurrent(nn.Module):
    """The last state and all outputs of a recurrent layer over four steps."""

    def __init__(self, layer: type[nn.RNNBase], **options: bool) -> None:
        super().__init__()
        self.layer = layer(2, 3, **options)
        self.rows_first = bool(options.get("batch_first"))

    def forward(self, h: Tensor) -> Tensor:
        steps = h.view(-1, 4, 2)
        output = self.layer(steps if self.rows_first else steps.transpose(0, 1))[0]
        return output if self.rows_first else output.transpose(0, 1)


ELEMENTWISE: Mapping[str, Operator] = {
    "relu": F.relu,
    "relu6": F.relu6,
    "leaky relu": F.leaky_relu,
    "prelu": nn.PReLU(WIDTH),
    "elu": F.elu,
    "celu": F.celu,
    "selu": F.selu,
    "gelu": F.gelu,
    "gelu tanh": lambda h: F.gelu(h, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": F.softplus,
    "softplus beta": lambda h: F.softplus(h, beta=3.0),
    "softsign": F.softsign,
    "hardtanh": F.hardtanh,
    "hardsigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
    "glu": F.glu,
    "exp": torch.exp,
    "sqrt": lambda h: torch.sqrt(1 + h * h),
    "abs": torch.abs,
    "square": lambda h: h**2,
    "clamp": lambda h: h.clamp(-0.5, 0.5),
    "product": lambda h: h * h.flip(1),
    "addcmul": lambda h: torch.addcmul(h, h, h),
    "in place": lambda h: h.clone().mul_(2).add_(1).relu_(),
}
REDUCING: Mapping[str, Operator] = {
    "softmax": lambda h: torch.softmax(h, -1),
    "sharp softmax": lambda h: torch.softmax(20 * h, -1),
    "log-softmax": lambda h: torch.log_softmax(h, -1),
    "log-sum-exp": lambda h: torch.logsumexp(h, -1, keepdim=True),
    "layer norm": lambda h: F.layer_norm(h, (WIDTH,)),
    "group norm": lambda h: F.group_norm(h, 4),
    "rms norm": lambda h: F.rms_norm(h, (WIDTH,)),
    "batch norm": nn.BatchNorm1d(WIDTH),
    "mean": lambda h: h.mean(1, keepdim=True),
    "sum": lambda h: h.sum(1, keepdim=True),
    "cumulative sum": lambda h: h.cumsum(1),
    "max": lambda h: h.max(1, keepdim=True).values,
    "min": lambda h: h.min(1, keepdim=True).values,
    "amax": lambda h: h.amax(1, keepdim=True),
    "maximum": lambda h: torch.maximum(h[:, :4], h[:, 4:]),
    "minimum": lambda h: torch.minimum(h[:, :4], h[:, 4:]),
    "maximum of equals": lambda h: torch.maximum(h, h),
    "max pooling": lambda h: F.max_pool1d(image(h, 8), 2),
    "max pooling of zeros": lambda h: F.max_pool1d(F.relu(image(h, 8)), 3, stride=1, padding=1),
    "max pooling with gaps": lambda h: F.max_pool1d(image(h, 8), 2, dilation=3, stride=1),
    "max pooling 2d": lambda h: F.max_pool2d(F.relu(image(h, 2, 4)), 2, stride=1),
    "max pooling 3d": lambda h: F.max_pool3d(image(h, 2, 2, 2), 2),
    "adaptive max pooling": lambda h: F.adaptive_max_pool1d(image(h, 8), 3),
    "average pooling": lambda h: F.avg_pool1d(image(h, 8), 3, stride=2, padding=1),
    "average pooling without padding": lambda h: F.avg_pool2d(image(h, 2, 4), 2, padding=1, count_include_pad=False),
    "adaptive average pooling": lambda h: F.adaptive_avg_pool1d(image(h, 8), 3),
}
MULTIPLYING: Mapping[str, Operator] = {
    "conv1d": lambda h: F.conv1d(image(h, 8), torch.linspace(-1, 1, 9, dtype=h.dtype).view(3, 1, 3), stride=2),
    "matmul": lambda h: h.view(-1, 2, 4) @ h.view(-1, 4, 2),
    "bmm": lambda h: torch.bmm(h.view(-1, 2, 4), h.view(-1, 4, 2)),
    "einsum": lambda h: torch.einsum("ni,nj->nij", h, h),
    "attention": attention,
    "causal attention": lambda h: attention(h, is_causal=True),
    "masked attention": lambda h: attention(h, attn_mask=MASK[:4].expand(4, 4)),
    "biased attention": lambda h: attention(h, attn_mask=torch.linspace(-1, 1, 16, dtype=h.dtype).view(4, 4)),
    "grouped-query attention": lambda h: F.scaled_dot_product_attention(
        heads(h, 2), heads(h, 2)[:, :1], heads(h, 2)[:, 1:], enable_gqa=True
    ),
    "attention, rows second": SequenceFirst(),
    "attention with a scale": lambda h: attention(h, scale=5.0),
}
MOVING: Mapping[str, Operator] = {
    "where": lambda h: torch.where(MASK, h, h * h),
    "masked fill": lambda h: h.masked_fill(MASK, 2.0),
    "gather": lambda h: h.gather(1, ORDER.expand(h.shape[0], -1)),
    "index": lambda h: h[:, ORDER],
    "index select": lambda h: h.index_select(1, ORDER),
    "assignment": assigned,
    "flip": lambda h: h.flip(1),
    "roll": lambda h: h.roll(2, 1),
    "pad": lambda h: F.pad(h, (1, 2), value=3.0),
    "repeat": lambda h: h.repeat(1, 2),
    "expand": lambda h: h.unsqueeze(1).expand(-1, 3, -1),
    "split": lambda h: torch.cat(h.split([3, 5], 1)[::-1], 1),
    "chunk": lambda h: h.chunk(2, 1)[1],
    "stack": lambda h: torch.stack(h.unbind(1)[::2], 1),
    "permute": lambda h: h.view(-1, 2, 4).permute(0, 2, 1).reshape(-1, 8),
    "unfold": lambda h: h.unfold(1, 3, 2),
    "rows last": lambda h: torch.tanh(h.t()).t(),
    "rows merged": lambda h: torch.tanh(h.reshape(-1, 2)).reshape(-1, 8),
}
RECURRENT: Mapping[str, Operator] = {
    "LSTM": Recurrent(nn.LSTM, batch_first=True),
    "LSTM, rows second": Recurrent(nn.LSTM),
    "LSTM in both directions": Recurrent(nn.LSTM, batch_first=True, bidirectional=True),
    "GRU": Recurrent(nn.GRU, batch_first=True),
}
NO_ZERO: Mapping[str, Operator] = {
    "log": lambda h: torch.log(1 + h * h),
    "quotient": lambda h: h / (1 + h.abs()),
    "constant over path": lambda h: 3 / (2 + h * h),
    "unit length": lambda h: F.normalize(h, dim=-1),
}
"""Operators on the way to these have no finite value at zero, so they need a reference."""

CONDITIONAL: Mapping[str, Operator] = {
    "where on the path": lambda h: torch.where(h > 0, h, 0.1 * h),
    "gate of zeros and ones": lambda h: h * (h > 0),
    "step": lambda h: (h > 0).to(h.dtype),
    "hard shrink": F.hardshrink,
    "one-hot of the largest": lambda h: F.one_hot(h.argmax(1), WIDTH).to(h.dtype) * h,
    "gather by order": lambda h: h.gather(1, h.argsort(1)),
    "top k": lambda h: h.topk(3, 1).values,
    "softplus with a jump": lambda h: F.softplus(h, threshold=0.5),
    "centred over rows": lambda h: h - h.mean(0, keepdim=True),
    "softmax over rows": lambda h: torch.softmax(h, 0),
}
UNUSUAL: Mapping[str, Operator] = {
    "sine": torch.sin,
    "error function": torch.erf,
    "arctangent": torch.atan,
    "sign": torch.sign,
    "round": torch.round,
    "cube": lambda h: h**3,
    "log1p": lambda h: torch.log1p(h * h),
    "rsqrt": lambda h: torch.rsqrt(1 + h * h),
    "threshold": lambda h: F.threshold(h, 0.1, -3.0),
    "soft shrink": F.softshrink,
    "lerp": lambda h: torch.lerp(h, h * h, 0.3),
    "standard deviation": lambda h: h.std(1, keepdim=True),
    "product over a dimension": lambda h: h.prod(1, keepdim=True),
    "cumulative product": lambda h: h.cumprod(1),
    "norm": lambda h: h.norm(dim=1, keepdim=True),
    "cosine": lambda h: F.cosine_similarity(h[:, :4], h[:, 4:]).unsqueeze(1),
    "distance": lambda h: torch.cdist(h.view(-1, 2, 4), h.view(-1, 2, 4)),
    "median": lambda h: h.median(1, keepdim=True).values,
    "remainder": lambda h: h % 2,
    "triangle": lambda h: torch.triu(h.unsqueeze(1) * h.unsqueeze(2)),
    "difference": lambda h: h.diff(dim=1),
    "linear interpolation": lambda h: F.interpolate(image(h, 8), size=13, mode="linear"),
    "instance norm": lambda h: F.instance_norm(h.view(-1, 2, 4)),
    "attention with a mask from the path": lambda h: attention(h, attn_mask=h[:, :4].view(-1, 1, 1, 4)),
}
ONE_GRAPH = {
    "elementwise": ELEMENTWISE,
    "reducing": REDUCING,
    "multiplying": MULTIPLYING,
    "moving": MOVING,
    "recurrent": RECURRENT,
}
A_GRAPH_EACH = {"no zero": NO_ZERO, "conditional": CONDITIONAL, "unusual": UNUSUAL}
"""The engine refuses a whole graph for one operator, so those that it may refuse stand alone."""


def listed(*families: Mapping[str, Operator]) -> list[str]:
    return [name for family in families for name in family]


class Sampler(nn.Module):
    """One output for every operator: a weighted sum of what it makes of the hidden layer."""

    def __init__(self, operators: Mapping[str, Operator]) -> None:
        super().__init__()
        self.hidden = nn.Linear(6, WIDTH)
        self.operators = list(operators.values())
        self.modules_among_them = nn.ModuleList(op for op in self.operators if isinstance(op, nn.Module))
        self.register_buffer("readout", torch.randn(100))

    def forward(self, x: Tensor) -> Tensor:
        h = self.hidden(x)
        results = [op(h).flatten(1) for op in self.operators]
        return torch.stack([(r * self.readout[: r.shape[1]]).sum(1) for r in results], dim=1)


@dataclass(frozen=True)
class Subject:
    network: nn.Module
    graph: RelevanceGraph
    outputs: tuple[str, ...]


@cache
def subject(*outputs: str) -> Subject:
    known = {name: op for family in (ONE_GRAPH | A_GRAPH_EACH).values() for name, op in family.items()}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Sampler({name: known[name] for name in outputs}).double().eval()
        return Subject(network, capture(network, rows(2)), outputs)


def subject_with(name: str) -> Subject:
    shared = next((tuple(family) for family in ONE_GRAPH.values() if name in family), (name,))
    return subject(*shared)


def rows(n: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(n, 6, dtype=torch.float64)


def error(case: Subject, name: str, x: Tensor, reference: Tensor | Population) -> float:
    """|ΣR - (f(x) - mean f(reference))| / (1 + Σ|R|), the largest over rows."""
    target = case.outputs.index(name)
    with torch.no_grad():
        members = reference.inputs["x"] if isinstance(reference, Population) else reference
        base = case.network(members)[:, target]
        difference = case.network(x)[:, target] - (base.mean() if isinstance(reference, Population) else base)
    found = relevance(case.graph, x, target=target, rules="lrp0", reference=reference)
    R = found.relevance["x"]
    off = torch.maximum((R.sum(1) - difference).abs(), (found.explained - difference).abs())
    return (off / (1 + R.abs().sum(1))).max().item()


def all_errors(case: Subject, name: str) -> dict[str, float]:
    x, reference = rows(ROWS), rows(ROWS)
    return {
        "a reference each": error(case, name, x, reference),
        "a shared reference": error(case, name, x, reference[:1]),
        "few members": error(case, name, x, Population({"x": rows(3)})),
        "many members": error(case, name, x, Population({"x": rows(8)})),
        "far away": error(case, name, 50 * x, 50 * reference),
        "almost there": error(case, name, reference + 1e-9 * x, reference),
        "there": error(case, name, x, x),
    }


@pytest.mark.parametrize("name", listed(*ONE_GRAPH.values(), NO_ZERO))
def test_adds_up(name: str) -> None:
    errors = all_errors(subject_with(name), name)
    assert max(errors.values()) <= 1e-9, errors


@pytest.mark.parametrize("against", ["each", "shared", "population"])
@pytest.mark.parametrize("name", listed(CONDITIONAL, UNUSUAL))
def test_adds_up_or_refuses(name: str, against: str) -> None:
    case, x, reference = subject_with(name), rows(ROWS), rows(ROWS)
    references = {"each": reference, "shared": reference[:1], "population": Population({"x": reference})}
    try:
        found = error(case, name, x, references[against])
    except (InputError, UnsupportedOperatorError):
        return
    assert found <= 1e-9


@pytest.mark.parametrize("rules", ["epsilon", "attnlrp"])
@pytest.mark.parametrize("name", listed(*ONE_GRAPH.values()))
def test_without_a_reference_the_books_close(name: str, rules: str) -> None:
    assert_books_close(subject_with(name), name, rules)


@pytest.mark.parametrize("rules", ["epsilon", "attnlrp"])
@pytest.mark.parametrize("name", listed(*A_GRAPH_EACH.values()))
def test_without_a_reference_the_books_close_or_it_refuses(name: str, rules: str) -> None:
    with suppress(InputError, UnsupportedOperatorError):
        assert_books_close(subject_with(name), name, rules)


class Length(nn.Module):
    """A multiple of the length of a linear map's result."""

    def __init__(self, factor: float | None) -> None:
        super().__init__()
        self.map = nn.Linear(6, WIDTH, bias=False)
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        length = self.map(x).norm(dim=1, keepdim=True)
        return length if self.factor is None else self.factor * length


def test_a_multiple_of_an_output_has_that_multiple_of_relevance() -> None:
    """A length is not the scale of a norm because something constant is multiplied by it."""
    once, thrice = Length(None).double().eval(), Length(3.0).double().eval()
    thrice.load_state_dict(once.state_dict())
    x = rows(ROWS)
    expected = 3.0 * relevance(once, x, target=0, rules="lrp0").relevance["x"]
    torch.testing.assert_close(relevance(thrice, x, target=0, rules="lrp0").relevance["x"], expected)


def assert_books_close(case: Subject, name: str, rules: str) -> None:
    """What does not reach the inputs is in a named sink."""
    x, target = rows(ROWS), case.outputs.index(name)
    found = relevance(case.graph, x, target=target, rules=rules, ledger=True)
    sinks = found.ledger.totals()
    accounted = found.relevance["x"].sum(1) + sum(sinks.values())
    scale = 1 + found.relevance["x"].abs().sum(1) + sum(sink.abs() for sink in sinks.values())
    with torch.no_grad():
        output = case.network(x)[:, target]
    assert ((accounted - output).abs() <= 1e-9 * scale).all()
