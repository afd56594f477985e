"""The engine's composites by the names that the comparisons use."""

from collections.abc import Mapping

from torch import Tensor

from lrp_audit.engine import (
    LRP0,
    AlphaBeta,
    Attribution,
    Case,
    Composite,
    Epsilon,
    Flat,
    Gamma,
    Pass,
    Rule,
    WSquare,
    ZBox,
    ZPlus,
)

RULES: Mapping[str, type[Rule]] = {
    "lrp0": LRP0,
    "epsilon": Epsilon,
    "gamma": Gamma,
    "alpha-beta": AlphaBeta,
    "zplus": ZPlus,
    "flat": Flat,
    "w-square": WSquare,
    "z-box": ZBox,
    "pass": Pass,
}
POOLING = Case(Epsilon(), kind="pool")
"""zennit stabilises averages like dense layers, and so do the presets; without the case they are plain linear maps."""


def everywhere(name: str, **parameters: float) -> Composite:
    """One rule at every dense and convolutional layer."""
    return Composite((Case(RULES[name](**parameters)), POOLING))


def first_then(first: str, parameters: Mapping[str, float], rest: str) -> Composite:
    """One rule at the first layer, another one at all others."""
    return Composite((Case(RULES[first](**parameters), layer="first"), Case(RULES[rest]()), POOLING))


def by_path(rules: Mapping[str, tuple[str, Mapping[str, float]]]) -> Composite:
    """A rule for every module path."""
    return Composite(tuple(Case(RULES[name](**parameters), path=path) for path, (name, parameters) in rules.items()))


def only(attribution: Attribution) -> Tensor:
    """Relevance of the only input."""
    (values,) = attribution.relevance.values()
    return values
