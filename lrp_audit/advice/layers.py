"""What a model's layers and activations mean for the choice of rules, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

Inventory = Mapping[tuple[str, str], int]  # (kind, operator) -> how often

SHOWN = (
    "linear",
    "conv",
    "recurrent",
    "activation",
    "norm",
    "softmax",
    "attention",
    "max",
    "pool",
    "product",
    "lookup",
)
RECTIFIERS = frozenset({"relu", "relu6", "hardtanh", "threshold"})


def described(parts: Inventory) -> str:
    """The parts that decide on rules, in one line."""
    found = [f"{count} {name} ({kind})" for (kind, name), count in parts.items() if kind in SHOWN]
    return ", ".join(found) or "no layers"


def advice(parts: Inventory, *, texts: bool) -> tuple[str, ...]:
    """Which rules suit such layers, and why."""
    return tuple(_advice(parts, texts))


def _advice(parts: Inventory, texts: bool) -> Iterator[str]:
    kinds = {kind for kind, _ in parts}
    activations = {name for kind, name in parts if kind == "activation"}
    if not activations and not kinds & {"attention", "softmax", "max", "recurrent"}:
        yield "Nothing but linear layers: every rule that conserves gives the same values, weight times difference."
    elif activations and activations <= RECTIFIERS:
        yield (
            "Rectifiers only: alpha-beta and z-plus were made for such layers (Bach et al. 2015), but lose or double "
            "what arrives at a unit whose contributions all have one sign; lrp0 and gamma do not."
        )
    elif activations:
        names = ", ".join(sorted(activations))
        yield (
            f"Activations of both signs or without a kink ({names}): secants carry relevance exactly (lrp0); the sign "
            "splits of alpha-beta and z-plus have no such meaning there, and gamma takes its form for signed inputs."
        )
    if kinds & {"attention", "softmax"}:
        yield (
            "Attention: attnlrp (uniform rule for products, Achtibat et al. 2024) or cp-lrp (attention weights held "
            "constant, Ali et al. 2022), from zero; references through attention are exact but unstable in practice."
        )
    if "norm" in kinds:
        yield "Norms: from zero their scale is a constant of the instance; against a reference it is carried exactly."
    if "conv" in kinds:
        yield "Convolutions: epsilon-plus (z-plus on convolutions, epsilon on dense layers) is common for images."
    if "max" in kinds:
        yield "Maxima: the winner takes all; against a reference in proportion, bounded and exact."
    if not texts:
        yield (
            "Against a population lrp0 and gamma sum to the difference from it; from zero biases keep a share that no "
            "column gets."
        )
