"""Parameter randomisation: does an explanation change when the network forgets what it learned?

Adebayo et al. 2018: layers are drawn anew from the top down, one more at a time (cascading) or each alone
(independent), and the explanation is held against that of the trained network. One that stays the same says nothing
about the network. Hedström et al. 2024 add two steadier or cheaper forms: the same with explanations averaged over
noisy inputs (smooth), and the rise of an explanation's complexity from the trained to the fully drawn network
(efficient).

The signs of a network drawn around zero are as likely one way as the other, so that the expected rank correlation of
signed relevance with the trained network's is zero. Sizes without signs stay alike to a degree for any method that
multiplies with the input, so their similarity is reported beside it, and nothing is concluded from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from lrp_audit.validation.randomised import Layer, draw, write
from lrp_audit.validation.similarity import Vectors, complexity_rise, rank_similarity

Explain = Callable[[nn.Module], Vectors]  # a network of the model's form -> relevance of every decision of the sample


@dataclass(frozen=True)
class Network:
    """A network that may be written to, and how decisions by it are explained.

    Attributes:
        module: a copy of the model's own network.
        layers: its parts, from the top down.
        explain: plain explanations.
        smooth: explanations averaged over noisy inputs; None where inputs are no numbers.
    """

    module: nn.Module
    layers: tuple[Layer, ...]
    explain: Explain
    smooth: Explain | None = None


@dataclass(frozen=True)
class Step:
    """Similarity to the trained network's explanations once `layer` has been drawn anew, draw by draw."""

    layer: str
    signed: tuple[float, ...]
    sizes: tuple[float, ...]

    @property
    def similarity(self) -> float:
        """Mean of the signed similarity over draws; NaN where no draw has one."""
        known = [value for value in self.signed if np.isfinite(value)]
        return float(np.mean(known)) if known else float("nan")


@dataclass(frozen=True)
class Randomisation:
    """Steps from the top down: the last of `cascading` is the fully drawn network. `rise` is that of complexity."""

    cascading: tuple[Step, ...]
    independent: tuple[Step, ...]
    smooth: tuple[Step, ...]
    rise: float


def steps_of(network: Network, draws: int) -> int:
    """How many networks `parameter_randomisation` explains."""
    return draws * (len(network.layers) * (2 if network.smooth is None else 3) - 1)


def parameter_randomisation(
    network: Network, *, draws: int, seed: int, done: Callable[[], object] = lambda: None
) -> Randomisation:
    """Run the test in all its forms. The network's weights are those it came with again afterwards.

    Args:
        network: what is asked.
        draws: how often each set of layers is drawn.
        seed: of the draws.
        done: called after every network that was explained.
    """
    trained = {name: value.detach().clone() for name, value in network.module.named_parameters()}
    plain = network.explain(network.module)
    full: list[float] = []

    def drawn(chosen: Sequence[Layer], number: int, explain: Explain) -> Vectors:
        write(network.module, {**trained, **draw(network.module, chosen, (seed, number))})
        try:
            return explain(network.module)
        finally:
            write(network.module, trained)
            done()

    def cascade(explain: Explain, original: Vectors) -> Iterator[Step]:
        for depth in range(1, len(network.layers) + 1):
            found = [drawn(network.layers[:depth], number, explain) for number in range(draws)]
            if depth == len(network.layers) and explain is network.explain:
                full.extend(complexity_rise(original, vectors) for vectors in found)
            yield _step(network.layers[depth - 1], original, found)

    cascading = tuple(cascade(network.explain, plain))
    alone = cascading[:1] + tuple(
        _step(layer, plain, [drawn([layer], number, network.explain) for number in range(draws)])
        for layer in network.layers[1:]
    )
    smooth = () if network.smooth is None else tuple(cascade(network.smooth, network.smooth(network.module)))
    return Randomisation(cascading, alone, smooth, float(np.mean(full)) if full else float("nan"))


def _step(layer: Layer, original: Vectors, found: Sequence[Vectors]) -> Step:
    return Step(
        layer.name,
        tuple(rank_similarity(original, vectors) for vectors in found),
        tuple(rank_similarity(original, vectors, sizes=True) for vectors in found),
    )
