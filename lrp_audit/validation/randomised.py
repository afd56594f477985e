"""Layers of a network from the top down, and the same network with some of them drawn anew (Adebayo et al. 2018).

Matrices are drawn from a normal distribution around zero with the size of their own entries, so that a drawn network
is as strong as the trained one; vectors (biases, scales of norms) are shuffled. Both leave no trace of training but
size.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

MOST_LAYERS = 24  # of a deeper network, blocks are drawn instead of their layers


@dataclass(frozen=True)
class Layer:
    """Part of a network: its module path, and the names of its parameters."""

    name: str
    parameters: tuple[str, ...]


def layers(module: nn.Module, example: Mapping[str, Tensor]) -> tuple[Layer, ...]:
    """The parts of a network that hold weights, the last to be run first; at most 24, else blocks of them."""
    owners = _in_order_of_use(module, example)
    names = {name: ".".join(name.split(".")[:-1]) for name, _ in module.named_parameters()}
    deepest = max((owner.count(".") + 1 for owner in owners), default=1)
    for depth in range(deepest, 0, -1):
        parts = list(dict.fromkeys(_cut(owner, depth) for owner in owners))
        if len(parts) <= MOST_LAYERS:
            break
    return tuple(
        Layer(part, tuple(name for name, owner in names.items() if _cut(owner, depth) == part))
        for part in reversed(parts)
    )


def _cut(owner: str, depth: int) -> str:
    return ".".join(owner.split(".")[:depth])


def _in_order_of_use(module: nn.Module, example: Mapping[str, Tensor]) -> list[str]:
    """Paths of modules with weights of their own: as they are first called, those never called as they stand."""
    owners = [path for path, part in module.named_modules() if any(True for _ in part.parameters(recurse=False))]
    called: list[str] = []
    watched = copy.deepcopy(module)

    def note(path: str) -> Any:
        return lambda *_: called.append(path)

    for path in owners:
        watched.get_submodule(path).register_forward_pre_hook(note(path))
    with torch.no_grad():
        watched(**example)
    first = list(dict.fromkeys(called))
    return sorted(owners, key=first.index) if len(first) == len(owners) else owners


def draw(module: nn.Module, chosen: Iterable[Layer], seed: Sequence[int]) -> dict[str, Tensor]:
    """New values for the parameters of some layers. A layer's values depend on `seed` and its name alone."""
    parameters, found = dict(module.named_parameters()), {}
    for layer in chosen:
        generator = torch.Generator().manual_seed(_seed((*seed, *layer.name.encode())))
        for name in layer.parameters:
            found[name] = _drawn(parameters[name].detach().cpu(), generator)
    return found


def _drawn(value: Tensor, generator: torch.Generator) -> Tensor:
    if not value.is_floating_point():
        return value
    if value.ndim < 2:
        return value.reshape(-1)[torch.randperm(value.numel(), generator=generator)].reshape(value.shape)
    size = value.double().square().mean().sqrt()
    return (size * torch.randn(value.shape, generator=generator, dtype=torch.float64)).to(value.dtype)


def _seed(parts: Iterable[int]) -> int:
    """One number of several; equal on every machine."""
    total = 0
    for part in parts:
        total = (total * 1_000_003 + part + 1) % (2**63 - 1)
    return total


def write(module: nn.Module, values: Mapping[str, Tensor]) -> None:
    """Set parameters of a module that belongs to the caller."""
    parameters = dict(module.named_parameters())
    with torch.no_grad():
        for name, value in values.items():
            parameters[name].copy_(value)
