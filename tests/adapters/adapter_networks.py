"""Torch networks of the kinds people train on tables."""

from typing import Any

import torch
from torch import Tensor, nn


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module with weights and statistics drawn anew, the same every time."""
    source = generator(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=source) * 0.4)
        for name, buffer in module.named_buffers():
            if name.endswith("running_var"):
                buffer.copy_(1 + torch.rand(buffer.shape, generator=source))
            elif name.endswith("running_mean"):
                buffer.copy_(torch.randn(buffer.shape, generator=source))
    return module


class Residual(nn.Module):
    """Batch normalisation, dropout, a residual block and layer normalisation; one logit as (N,)."""

    def __init__(self, width: int = 4, hidden: int = 8) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.enter = nn.Linear(width, hidden)
        self.block = nn.Sequential(nn.Linear(hidden, hidden), nn.SiLU(), nn.Dropout(0.5), nn.Linear(hidden, hidden))
        self.close = nn.LayerNorm(hidden)
        self.leave = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.enter(self.norm(x)))
        return self.leave(self.close(h + self.block(h))).squeeze(-1)


class Entities(nn.Module):
    """Embeddings of two code columns beside numbers; as many outputs as asked."""

    def __init__(self, sizes: tuple[int, ...] = (6, 2), numbers: int = 3, outputs: int = 2) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(size, 3) for size in sizes)
        self.layers = nn.Sequential(nn.Linear(3 * len(sizes) + numbers, 8), nn.Tanh(), nn.Linear(8, outputs))

    def forward(self, codes: Tensor, numbers: Tensor) -> Tensor:
        vectors = [table(codes[:, i]) for i, table in enumerate(self.tables)]
        return self.layers(torch.cat([*vectors, numbers], dim=1))


class Casting(nn.Module):
    """Casts its input to single precision, so that it cannot simply be made double."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.layer = nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.float()) + torch.zeros(1, dtype=torch.float32)


class EndsInProbability(nn.Module):
    """Ends in a function call that makes probabilities."""

    def __init__(self, ending: Any, outputs: int = 1, width: int = 4) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, 6), nn.ReLU(), nn.Linear(6, outputs))
        self.ending = ending

    def forward(self, x: Tensor) -> Tensor:
        return self.ending(self.layers(x))
