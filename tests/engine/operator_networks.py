"""Small networks, one per operator or idiom, that the engine's tests run over."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH = 6


class Function(nn.Module):
    """A dense layer, the function, a dense layer; so that relevance arrives with mixed signs and leaves with them."""

    def __init__(self, function: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> None:
        super().__init__()
        self.function = function
        self.shape = shape
        width = 1
        for size in shape:
            width *= size
        self.first = nn.Linear(WIDTH, width)
        with torch.no_grad():
            found = function(torch.ones(2, *shape))
        self.last = nn.Linear(found.flatten(1).shape[1], 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.function(self.first(x).unflatten(1, self.shape)).flatten(1))


class OwnLayer(nn.Module):
    """As `Function`, for a function with weights of its own."""

    def __init__(self, layer: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.layer = layer.eval()
        self.net = Function(self.layer, shape)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def in_place(x: Tensor) -> Tensor:
    filled = torch.zeros(x.shape[0], 8)
    filled = filled.to(x.dtype)
    filled[:, 0] = x[:, 1]
    filled[:, 1:3] += x[:, 2:4]
    copied = x.clone()
    copied[:, 3:] *= 2
    return torch.cat([filled, copied], 1)


def root_mean_square(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)


def standardised(x: Tensor) -> Tensor:
    centred = x - x.mean(-1, keepdim=True)
    return centred / torch.sqrt(x.var(-1, keepdim=True, unbiased=False) + 1e-5)


def unit_deviation(x: Tensor) -> Tensor:
    return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-5)


def no_gradient_part(x: Tensor) -> Tensor:
    with torch.no_grad():
        doubled = x * 2
    return doubled + x


def self_attention(x: Tensor, **options: object) -> Tensor:
    return F.scaled_dot_product_attention(x, x * 0.5, x.flip(-1), **options)


def grouped_attention(x: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(x, x[:, :1] * 0.5, x[:, 1:2], enable_gqa=True)


def attention_by_hand(x: Tensor) -> Tensor:
    scores = x @ x.transpose(-1, -2) / 2.0
    mask = torch.ones(x.shape[-2], x.shape[-2], dtype=torch.bool).tril()
    return scores.masked_fill(~mask, torch.finfo(x.dtype).min).softmax(-1) @ x


FLAT = (5,)
IMAGE = (2, 6, 6)
SEQUENCE = (2, 6)
HEADS = (2, 3, 4)

ACTIVATIONS: Mapping[str, nn.Module] = {
    "relu": nn.ReLU(),
    "relu in place": nn.ReLU(inplace=True),
    "leaky relu": nn.LeakyReLU(0.1),
    "prelu": nn.PReLU(5, init=0.3),
    "elu": nn.ELU(1.3),
    "selu": nn.SELU(),
    "celu": nn.CELU(0.7),
    "gelu": nn.GELU(),
    "gelu tanh": nn.GELU("tanh"),
    "silu": nn.SiLU(),
    "mish": nn.Mish(),
    "tanh": nn.Tanh(),
    "sigmoid": nn.Sigmoid(),
    "softplus": nn.Softplus(2.0),
    "logsigmoid": nn.LogSigmoid(),
    "relu6": nn.ReLU6(),
    "hardtanh": nn.Hardtanh(-0.5, 0.7),
    "hardsigmoid": nn.Hardsigmoid(),
    "hardswish": nn.Hardswish(),
    "softsign": nn.Softsign(),
    "tanhshrink": nn.Tanhshrink(),
}
FUNCTIONS: Mapping[str, tuple[Callable[[Tensor], Tensor], tuple[int, ...]]] = {
    "exp": (torch.exp, FLAT),
    "expm1": (torch.expm1, FLAT),
    "log1p of a square": (lambda x: torch.log1p(x.square()), FLAT),
    "sin": (torch.sin, FLAT),
    "cos": (torch.cos, FLAT),
    "erf": (torch.erf, FLAT),
    "abs": (torch.abs, FLAT),
    "square": (torch.square, FLAT),
    "cube": (lambda x: x**3, FLAT),
    "sqrt": (lambda x: (x.square() + 1).sqrt(), FLAT),
    "clamp": (lambda x: x.clamp(-0.3, 0.4), FLAT),
    "clamp above": (lambda x: x.clamp(max=0.2), FLAT),
    "add and subtract": (lambda x: 3 - (x + 2 * x.flip(1)) - torch.sub(x, x.tanh(), alpha=0.3), FLAT),
    "residual": (lambda x: x + F.gelu(x), FLAT),
    "product": (lambda x: x * x.flip(1).tanh(), FLAT),
    "gate": (lambda x: F.glu(x, 1), (6,)),
    "broadcast product": (lambda x: x * x[:, :1], FLAT),
    "constant factor": (lambda x: x * torch.arange(5) / 3, FLAT),
    "addcmul": (lambda x: torch.addcmul(x, x, x.flip(1), value=0.5), FLAT),
    "matmul": (lambda x: x @ x.transpose(1, 2), SEQUENCE),
    "bmm": (lambda x: torch.bmm(x, x.transpose(1, 2)), SEQUENCE),
    "einsum": (lambda x: torch.einsum("nci,ncj->nij", x, x.tanh()), SEQUENCE),
    "constant matmul": (lambda x: x @ torch.ones(6, 3, dtype=x.dtype), SEQUENCE),
    "constant matmul from the left": (lambda x: torch.ones(3, 2, dtype=x.dtype) @ x, SEQUENCE),
    "cosine similarity": (lambda x: x + F.cosine_similarity(x, x.flip(1) + 2).unsqueeze(1), FLAT),
    "l2 normalised": (lambda x: F.normalize(x, dim=1), FLAT),
    "root mean square": (root_mean_square, FLAT),
    "standardised": (standardised, FLAT),
    "unit deviation": (unit_deviation, FLAT),
    "mean": (lambda x: x.mean((2,)), SEQUENCE),
    "sum": (lambda x: x.sum(1, keepdim=True), SEQUENCE),
    "cumsum": (lambda x: x.cumsum(1), FLAT),
    "variance": (lambda x: x.var(2), SEQUENCE),
    "softmax": (lambda x: x.softmax(1), FLAT),
    "softmin": (lambda x: F.softmin(x, 1), FLAT),
    "log softmax": (lambda x: x.log_softmax(1), FLAT),
    "logsumexp": (lambda x: x.logsumexp(2), SEQUENCE),
    "logaddexp": (lambda x: torch.logaddexp(x, x.flip(1)), FLAT),
    "attention": (self_attention, HEADS),
    "causal attention": (lambda x: self_attention(x, is_causal=True), HEADS),
    "scaled attention": (lambda x: self_attention(x, scale=0.3), HEADS),
    "masked attention": (lambda x: self_attention(x, attn_mask=torch.ones(3, 3, dtype=torch.bool).tril()), HEADS),
    "grouped attention": (grouped_attention, HEADS),
    "attention by hand": (attention_by_hand, HEADS),
    "max": (lambda x: x.max(2).values, SEQUENCE),
    "amax": (lambda x: x.amax((1, 2)).unsqueeze(1), SEQUENCE),
    "min": (lambda x: x.min(1, keepdim=True).values, SEQUENCE),
    "maximum": (lambda x: torch.maximum(x, x.flip(1)), FLAT),
    "minimum with a constant": (lambda x: torch.minimum(x, torch.full((), 0.1, dtype=x.dtype)), FLAT),
    "max pool 1d": (lambda x: F.max_pool1d(x, 2), SEQUENCE),
    "max pool 2d": (lambda x: F.max_pool2d(x, 3, 2, 1), IMAGE),
    "max pool 3d": (lambda x: F.max_pool3d(x, 2), (1, 2, 4, 4)),
    "adaptive max pool": (lambda x: F.adaptive_max_pool2d(x, 2), IMAGE),
    "average pool 1d": (lambda x: F.avg_pool1d(x, 2), SEQUENCE),
    "average pool 2d": (lambda x: F.avg_pool2d(x, 3, 2, 1), IMAGE),
    "adaptive average pool": (lambda x: F.adaptive_avg_pool2d(x, (2, 3)), IMAGE),
    "upsample": (lambda x: F.interpolate(x, scale_factor=2), IMAGE),
    "cat": (lambda x: torch.cat([x, x * 2, torch.ones_like(x)], 1), FLAT),
    "stack": (lambda x: torch.stack([x, x.tanh()], 1), FLAT),
    "split": (lambda x: torch.cat([part * i for i, part in enumerate(x.split([2, 4], 1), 1)], 1), (6,)),
    "chunk with an unused part": (lambda x: x.chunk(3, 1)[1], (6,)),
    "unbind": (lambda x: x.unbind(1)[0] * x.unbind(1)[1], SEQUENCE),
    "slice and select": (lambda x: torch.cat([x[:, :, 1::2].flatten(1), x[:, 0, -2:], x[..., 1]], 1), SEQUENCE),
    "index": (lambda x: x[:, torch.tensor([0, 2, 2])], FLAT),
    "gather": (lambda x: x.gather(1, torch.zeros(x.shape[0], 2, dtype=torch.long)), FLAT),
    "index select": (lambda x: x.index_select(1, torch.tensor([3, 1])), FLAT),
    "where on a constant": (lambda x: torch.where(torch.arange(5) > 2, x, 0.5), FLAT),
    "masked fill": (lambda x: x.masked_fill(torch.arange(5) > 2, 0.5), FLAT),
    "views": (lambda x: x.permute(0, 2, 1).reshape(-1, 12).unsqueeze(1).expand(-1, 3, -1).movedim(1, 2), SEQUENCE),
    "repeat": (lambda x: x.repeat(1, 2).roll(1, 1).flip(1), FLAT),
    "repeat interleave": (lambda x: x.repeat_interleave(2, 1), FLAT),
    "pad": (lambda x: F.pad(x, (1, 2), value=0.7), FLAT),
    "reflection pad": (lambda x: F.pad(x, (1, 1), mode="reflect"), SEQUENCE),
    "casts": (lambda x: x.to(torch.float64).type_as(x).contiguous(), FLAT),
    "in place": (in_place, FLAT),
    "detached": (lambda x: x.detach(), FLAT),
    "no gradient": (no_gradient_part, FLAT),
    "top k of constants' order": (lambda x: (x + 100 * torch.arange(5)).topk(2, 1).values, FLAT),
}
LAYERS: Mapping[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "conv1d": (lambda: nn.Conv1d(2, 3, 3, padding=1), SEQUENCE),
    "conv1d same": (lambda: nn.Conv1d(2, 3, 3, padding="same", dilation=2), SEQUENCE),
    "conv2d": (lambda: nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2), IMAGE),
    "conv3d": (lambda: nn.Conv3d(1, 2, 2), (1, 2, 4, 4)),
    "transposed conv1d": (lambda: nn.ConvTranspose1d(2, 3, 3), SEQUENCE),
    "transposed conv2d": (lambda: nn.ConvTranspose2d(2, 3, 3, stride=2, output_padding=1), IMAGE),
    "layer norm": (lambda: nn.LayerNorm(6), SEQUENCE),
    "layer norm of two dimensions": (lambda: nn.LayerNorm((2, 6)), SEQUENCE),
    "rms norm": (lambda: nn.RMSNorm(6), SEQUENCE),
    "group norm": (lambda: nn.GroupNorm(2, 4), (4, 3)),
    "instance norm": (lambda: nn.InstanceNorm1d(2, affine=True), SEQUENCE),
    "instance norm with statistics": (lambda: nn.InstanceNorm1d(2, track_running_stats=True), SEQUENCE),
    "batch norm folded": (lambda: nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4)), FLAT),
    "batch norm alone": (lambda: nn.Sequential(nn.Tanh(), nn.BatchNorm1d(5)), FLAT),
    "conv and batch norm": (lambda: nn.Sequential(nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3)), IMAGE),
    "dropout": (lambda: nn.Dropout(0.5), FLAT),
    "multihead attention": (lambda: Attention(), SEQUENCE),  # noqa: PLW0108 - defined below
    "transformer layer": (lambda: nn.TransformerEncoderLayer(6, 2, 8, batch_first=True), SEQUENCE),
    "weight norm": (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(5, 3)), FLAT),
}


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(6, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x, x, x)[0]


DETACHED = "outside the gradient"
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "activations": tuple(ACTIVATIONS),
    "elementwise": tuple(FUNCTIONS)[: list(FUNCTIONS).index("matmul")],
    "products": ("matmul", "bmm", "einsum", "constant matmul", "constant matmul from the left"),
    "norms by hand": ("cosine similarity", "l2 normalised", "root mean square", "standardised", "unit deviation"),
    "reductions": ("mean", "sum", "cumsum", "variance"),
    "softmax": ("softmax", "softmin", "log softmax", "logsumexp", "logaddexp"),
    "attention": tuple(name for name in FUNCTIONS if "attention" in name),
    "extrema": ("max", "amax", "min", "maximum", "minimum with a constant", "top k of constants' order"),
    "pooling": (*tuple(name for name in FUNCTIONS if "pool" in name), "upsample"),
    "structure": tuple(FUNCTIONS)[list(FUNCTIONS).index("cat") : list(FUNCTIONS).index("detached")],
    DETACHED: ("detached", "no gradient"),
    "layers": tuple(name for name in LAYERS if "multihead" not in name and "transformer" not in name),
    "rows behind another dimension": ("multihead attention", "transformer layer"),
}


class Family(nn.Module):
    """Several networks side by side: one capture, and the ledger still says which operator fails."""

    def __init__(self, members: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleDict({name.replace(" ", "_"): member for name, member in members.items()})

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([member(x) for member in self.members.values()]).sum(0)


def networks() -> dict[str, Callable[[], nn.Module]]:
    """Name -> a new network with one operator or idiom."""
    found: dict[str, Callable[[], nn.Module]] = {}
    found |= {n: (lambda layer=layer: OwnLayer(layer, FLAT)) for n, layer in ACTIVATIONS.items()}
    found |= {n: (lambda spec=spec: Function(*spec)) for n, spec in FUNCTIONS.items()}
    found |= {n: (lambda spec=spec: OwnLayer(spec[0](), spec[1])) for n, spec in LAYERS.items()}
    return found


def build(*names: str, seed: int = 0) -> nn.Module:
    """A float64 network in evaluation mode with random weights and statistics."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        makers = networks()
        network = Family({name: makers[name]() for name in names})
        for part in network.modules():
            if "Norm" in type(part).__name__:
                randomise(part)
    return network.double().eval().requires_grad_(False)


def randomise(norm: nn.Module) -> None:
    if getattr(norm, "running_mean", None) is not None:
        nn.init.normal_(norm.running_mean)
        nn.init.uniform_(norm.running_var, 0.5, 2)
    if getattr(norm, "weight", None) is not None:
        nn.init.uniform_(norm.weight, 0.5, 1.5)
    if getattr(norm, "bias", None) is not None:
        nn.init.normal_(norm.bias)
