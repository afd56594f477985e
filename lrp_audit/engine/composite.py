"""Which rule for which operator: presets, and composites of one's own in a few lines.

Example:
    >>> from lrp_audit.engine import Case, Composite, Epsilon, Gamma, ZPlus
    >>> first, convolutions = Case(Gamma(0.1), layer="first"), Case(ZPlus(), kind="conv")
    >>> rules = Composite((first, convolutions, Case(Epsilon(1e-3), path="head.*")))
"""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from lrp_audit.engine.graph import Node
from lrp_audit.engine.rules import (
    LRP0,
    AlphaBeta,
    Constant,
    Epsilon,
    Flat,
    Gamma,
    Pass,
    Rule,
    WSquare,
    ZBox,
    Zero,
    ZPlus,
)
from lrp_audit.errors import RuleError

LINEAR_KINDS = ("linear", "conv")
_WEIGHT_RULES = (Gamma, AlphaBeta, Flat, WSquare, ZBox)


@dataclass(frozen=True)
class Case:
    """One rule and the operators it is for; every condition given must hold.

    Attributes:
        rule: the rule.
        kind: "linear" (dense), "conv", "pool" (average), "activation", "norm", "softmax", "attention", "max", "sum",
            "product" ...; by default dense and convolutional layers, and every operator for `Zero` and `Constant`.
        operator: glob on the operator's name without prefix, as "conv2d*" or "softmax.int".
        path: glob on the module path, as "encoder.layers.*".
        layer: "first" (fed by a source through nothing but reshaping) or "last" (no dense or convolutional layer
            after it).
    """

    rule: Rule
    kind: str | None = None
    operator: str | None = None
    path: str | None = None
    layer: Literal["first", "last"] | None = None

    def matches(self, node: Node, kind: str, place: frozenset[str]) -> bool:
        """Whether the case is for this node."""
        name = node.operator.removeprefix("aten.")
        wanted_kinds = LINEAR_KINDS if self.kind is None and self.is_layer_rule else (self.kind or kind,)
        return (
            kind in wanted_kinds
            and (self.operator is None or fnmatch.fnmatch(name, self.operator))
            and (self.path is None or fnmatch.fnmatch(node.module, self.path))
            and (self.layer is None or self.layer in place)
        )

    @property
    def is_layer_rule(self) -> bool:
        """Whether the rule means dense and convolutional layers unless a kind or operator is named."""
        return self.operator is None and not isinstance(self.rule, Zero | Constant)

    def describe(self) -> str:
        """The conditions in words."""
        given = {"kind": self.kind, "operator": self.operator, "path": self.path, "layer": self.layer}
        return f"{self.rule} for " + (", ".join(f"{k}={v!r}" for k, v in given.items() if v) or "every layer")


@dataclass(frozen=True)
class Composite:
    """Cases in order of precedence: the first that matches decides, and without a match LRP-0 does.

    A case that names a module path, an operator or a place and matches nothing raises `RuleError`: a rule without
    effect is a mistake.
    """

    cases: tuple[Case, ...] = ()

    def __post_init__(self) -> None:
        """Check that there are only cases."""
        object.__setattr__(self, "cases", tuple(self.cases))
        for case in self.cases:
            if not isinstance(case, Case):
                raise RuleError(f"A composite is made of Case(...), not {type(case).__name__}.")

    def rule(self, node: Node, kind: str, place: frozenset[str]) -> tuple[Rule, int | None]:
        """The rule for a node, and the position of the case that decided."""
        for position, case in enumerate(self.cases):
            if case.matches(node, kind, place):
                return case.rule, position
        return LRP0(), None

    def require_used(self, used: set[int]) -> None:
        """Raise `RuleError` for a case about a path, an operator or a place that matched nothing."""
        for position, case in enumerate(self.cases):
            if position not in used and (case.path or case.operator or case.layer):
                raise RuleError(f"The composite's case {case.describe()} matches no operator of this model.")


def require_fit(rule: Rule, node: Node, kind: str, is_first: bool, has_reference: bool) -> None:
    """Raise `RuleError` if the rule cannot be used on this node."""
    is_linear = kind in (*LINEAR_KINDS, "pool")
    if isinstance(rule, LRP0 | Zero | Constant):
        return
    if isinstance(rule, Pass) and kind == "activation" and not has_reference:
        return
    if not is_linear or (kind == "pool" and isinstance(rule, _WEIGHT_RULES)):
        raise RuleError(f"{rule} does not fit {node.describe()}.")
    if rule.delivers and has_reference:
        raise RuleError(f"{type(rule).__name__} has no form with a reference; use LRP0 or Gamma.")
    if rule.delivers and not is_first:
        raise RuleError(f"{type(rule).__name__} fits only the first layer after a source, not {node.describe()}.")


def _layers(rule: Rule) -> tuple[Case, ...]:
    """The rule on dense and convolutional layers; averages get ε, as a stabilised share of their output."""
    return Case(rule, kind="linear"), Case(rule, kind="conv"), Case(Epsilon(), kind="pool")


def _lrp0() -> Composite:
    return Composite()


def _epsilon(epsilon: float = 1e-6, relative: bool = False) -> Composite:
    return Composite(_layers(Epsilon(epsilon, relative)))


def _epsilon_plus(epsilon: float = 1e-6, relative: bool = False) -> Composite:
    conv, pool = Case(ZPlus(), kind="conv"), Case(Epsilon(), kind="pool")
    return Composite((conv, Case(Epsilon(epsilon, relative), kind="linear"), pool))


def _epsilon_gamma_box(low: Any = None, high: Any = None, epsilon: float = 1e-6, gamma: float = 0.25) -> Composite:
    if low is None or high is None:
        raise RuleError(
            "The preset 'epsilon-gamma-box' needs low and high, the lowest and highest possible input values."
        )
    box = Case(ZBox(low=low, high=high), layer="first")
    dense, conv = Case(Epsilon(epsilon), kind="linear"), Case(Gamma(gamma), kind="conv")
    return Composite((box, conv, dense, Case(Epsilon(), kind="pool")))


def _cp_lrp() -> Composite:
    return Composite((Case(Constant(), kind="softmax"), Case(Constant(), kind="attention")))


PRESETS: dict[str, Callable[..., Composite]] = {
    "lrp0": _lrp0,
    "epsilon": _epsilon,
    "gamma": lambda gamma=0.25: Composite(_layers(Gamma(gamma))),
    "alpha-beta": lambda alpha=2.0, beta=1.0: Composite(_layers(AlphaBeta(alpha, beta))),
    "zplus": lambda: Composite(_layers(ZPlus())),
    "epsilon-plus": _epsilon_plus,
    "epsilon-gamma-box": _epsilon_gamma_box,
    "attnlrp": _lrp0,
    "cp-lrp": _cp_lrp,
}
"""Name -> function of the preset's parameters. ``attnlrp`` is LRP-0 with the uniform rule for products and the Taylor
rule for softmax (Achtibat et al. 2024); ``cp-lrp`` holds attention weights constant (Ali et al. 2022)."""


def preset(name: str, **parameters: Any) -> Composite:
    """The named composite.

    Raises:
        RuleError: unknown name (with the nearest known one), or a parameter the preset does not have.
    """
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise RuleError(f"Unknown preset {name!r} (known: {', '.join(PRESETS)}){hint}")
    try:
        return PRESETS[name](**parameters)
    except TypeError as error:
        raise RuleError(f"The preset {name!r} does not take {', '.join(parameters)}.") from error
