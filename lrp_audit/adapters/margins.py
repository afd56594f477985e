"""From raw outputs to what is decided on: the margin of the adverse outcome, and its probability or value.

`+` is always toward the adverse outcome. A margin is a logit or logit difference, never a probability (Montavon et al.
2019, section 10.2.4: explaining a probability mixes evidence for the class with the lack of it for others).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, logit, softmax

from lrp_audit.adapters.frames import did_you_mean
from lrp_audit.errors import ConfigError
from lrp_audit.language.messages import ENGLISH, Messages

ROUNDING = 16 * np.finfo(np.float64).eps  # relative, of a probability computed in float64

FloatArray = NDArray[np.float64]
Link = Literal["logit", "softmax", "identity", "log"]
Against = Literal["runner-up", "others"]
Target = int | tuple[int, int] | Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Negative:
    """Minus output `index`: the margin of the other side of a single logit or value."""

    index: int

    def __call__(self, output: torch.Tensor) -> torch.Tensor:
        return -output[:, self.index]


@dataclass(frozen=True)
class LogOdds:
    """`z_a - log sum_{c != a} exp z_c`, the logit of softmax probability a, for raw output (N, classes)."""

    index: int

    def __call__(self, output: torch.Tensor) -> torch.Tensor:
        others = torch.cat([output[:, : self.index], output[:, self.index + 1 :]], dim=1)
        return output[:, self.index] - torch.logsumexp(others, dim=1)


@dataclass(frozen=True)
class RunnerUp:
    """`z_a - max_{c != a} z_c`: the margin over the strongest other class, which may differ by row."""

    index: int

    def __call__(self, output: torch.Tensor) -> torch.Tensor:
        others = torch.cat([output[:, : self.index], output[:, self.index + 1 :]], dim=1)
        return output[:, self.index] - torch.amax(others, dim=1)

    def pairs(self, output: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Class indices (a, b), each (N,): the margin of row n is output[n, a[n]] - output[n, b[n]]."""
        others = output.detach().clone()
        others[:, self.index] = -torch.inf
        return torch.full((len(output),), self.index, device=output.device), others.argmax(dim=1)


def margin_of(output: torch.Tensor, target: Target) -> torch.Tensor:
    """The value (N,) of a target on raw output (N, outputs)."""
    if isinstance(target, int):
        return output[:, target]
    if isinstance(target, tuple):
        return output[:, target[0]] - output[:, target[1]]
    return target(output)


class Calibrator(Protocol):
    """A monotone map from the positive class's margin to its probability."""

    def probability(self, margin: FloatArray) -> FloatArray: ...

    def margin(self, probability: float, *, last: bool = False) -> float:
        """The first margin that reaches the probability; with `last`, the last one that does not exceed it."""


@dataclass(frozen=True)
class Sigmoid:
    """Platt's `1 / (1 + exp(a T + b))`, a < 0; T is the margin or, if `on_probability`, its sigmoid."""

    a: float
    b: float
    on_probability: bool

    def probability(self, margin: FloatArray) -> FloatArray:
        score = expit(margin) if self.on_probability else margin
        return np.asarray(expit(-(self.a * score + self.b)))

    def margin(self, probability: float, *, last: bool = False) -> float:
        score = -(float(logit(min(max(probability, 0.0), 1.0))) + self.b) / self.a
        return float(logit(min(max(score, 0.0), 1.0))) if self.on_probability else score


@dataclass(frozen=True)
class Isotonic:
    """Isotonic regression: linear between thresholds (x, y), constant outside, flat in places."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    on_probability: bool

    def probability(self, margin: FloatArray) -> FloatArray:
        return np.asarray(np.interp(expit(margin) if self.on_probability else margin, self.x, self.y))

    def margin(self, probability: float, *, last: bool = False) -> float:
        i = int(np.searchsorted(self.y, probability, side="right" if last else "left"))
        if i == 0:
            return -np.inf
        if i == len(self.y):
            return np.inf
        share = (probability - self.y[i - 1]) / (self.y[i] - self.y[i - 1])
        score = self.x[i - 1] + share * (self.x[i] - self.x[i - 1])
        return float(logit(min(max(score, 0.0), 1.0))) if self.on_probability else score


@dataclass(frozen=True)
class OutputScale:
    """What a model's raw output means: its classes, link and calibrator."""

    classes: tuple[str, ...]
    link: Link
    calibrator: Calibrator | None = None

    @property
    def single(self) -> bool:
        """One raw output: a value, or the margin of the second class."""
        return not self.classes or (len(self.classes) == 2 and self.link != "softmax")

    def index(self, adverse: str) -> int:
        """Position of the adverse class; for a regressor 1 for 'above', 0 for 'below'.

        Raises:
            ConfigError: no such class.
        """
        known = self.classes or ("below", "above")
        if adverse in known:
            return known.index(adverse)
        what = "is no class of the model" if self.classes else "is no side of a regressor's cutoff"
        names = ", ".join(f"'{one}'" for one in known)
        raise ConfigError(f"decision.adverse = '{adverse}' {what} ({names}){did_you_mean(adverse, known)}.")

    def target(self, adverse: str, against: Against) -> Target:
        """The adverse margin as a target on the raw output.

        Raises:
            ConfigError: no such class, or no such comparison.
        """
        index = self.index(adverse)
        if self.single:
            return 0 if index == 1 else Negative(0)
        if len(self.classes) == 2:
            return (index, 1 - index)
        if against == "runner-up":
            return RunnerUp(index)
        if self.link != "softmax":
            raise ConfigError("This model has decision values, not probabilities; set decision.against to 'runner-up'.")
        return LogOdds(index)

    def describe(self, adverse: str, against: Against, say: Messages = ENGLISH) -> str:
        """The target in words."""
        index = self.index(adverse)
        if not self.classes:
            what = say("logarithm of the predicted value") if self.link == "log" else say("predicted value")
            return what if index == 1 else say("minus the {what}", what=what)
        what = say("decision value") if self.link == "identity" else say("logit")
        if len(self.classes) == 2:
            return say(
                "{what} of '{adverse}' over '{other}'", what=what, adverse=adverse, other=self.classes[1 - index]
            )
        if against == "runner-up":
            return say("{what} of '{adverse}' over the strongest other class", what=what, adverse=adverse)
        return say("{what} of '{adverse}' over all other classes", what=what, adverse=adverse)

    def probability(self, margin: FloatArray, adverse: str, against: Against) -> FloatArray:
        """Adverse probability (for a regressor the value) at a margin.

        Raises:
            ConfigError: the model's margin has no probability.
        """
        index = self.index(adverse)
        self._check_probability(against)
        margin = np.asarray(margin, dtype=np.float64)
        if self.calibrator is not None:
            positive = self.calibrator.probability(margin if index == 1 else -margin)
            return positive if index == 1 else 1 - positive
        if self.classes:
            return np.asarray(expit(margin))
        raw = margin if index == 1 else -margin
        return np.asarray(np.exp(raw)) if self.link == "log" else raw

    def scores(self, output: FloatArray) -> FloatArray:
        """What the model itself returns for raw output (N, outputs): probabilities, decision values or values."""
        if not self.classes:
            return np.exp(output[:, 0]) if self.link == "log" else output[:, 0]
        if self.link == "identity":
            return output[:, 0] if self.single else output
        if self.link == "softmax":
            return np.asarray(softmax(output, axis=1))
        margin = output[:, 0]
        if self.calibrator is not None:
            positive = self.calibrator.probability(margin)
            return np.stack([1 - positive, positive], axis=1)
        return np.asarray(np.stack([expit(-margin), expit(margin)], axis=1))

    def margins(self, score: FloatArray, adverse: str, against: Against, *, last: bool = False) -> FloatArray:
        """The inverse of `probability`, elementwise: the first margin that reaches a score.

        Where several margins give one score (a flat stretch of an isotonic calibrator, a probability rounded to 0 or
        1) `last` gives the largest of them. Infinite where no input can reach the score, or none can stay below.

        Raises:
            ConfigError: the model's margin has no probability.
        """
        index = self.index(adverse)
        self._check_probability(against)
        score = np.asarray(score, dtype=np.float64)
        if self.calibrator is not None:
            of = self.calibrator.margin
            flat = [of(one, last=last) if index == 1 else -of(1 - one, last=not last) for one in score.ravel()]
            return np.array(flat).reshape(score.shape)
        if self.classes:
            return _logit(score, last)
        raw = np.log(score) if self.link == "log" else score
        return np.asarray(raw if index == 1 else -raw)

    def estimated(self, estimate: FloatArray, margin: FloatArray, adverse: str, against: Against) -> FloatArray:
        """The adverse margin behind an estimator's probabilities (N, classes) or values (N,).

        Args:
            estimate: What the estimator itself returned.
            margin: The graph's own margin (N,). Where several margins give the estimator's probability to rounding,
                the one nearest to it is meant.
            adverse: Adverse class or side.
            against: What several classes are compared with.
        """
        index = self.index(adverse)
        if self.classes and not self.single:
            value = estimate if self.link == "identity" else np.log(np.maximum(estimate, np.finfo(np.float64).tiny))
            others = np.delete(value, index, axis=1)
            best = others.max(axis=1)
            if against == "others" and self.link == "softmax":
                best = best + np.log(np.exp(others - best[:, None]).sum(axis=1))
            return np.asarray(value[:, index] - best)
        sign = 1 if index == 1 else -1
        if self.link in ("identity", "log"):
            return np.asarray(sign * (np.log(estimate) if self.link == "log" else estimate))
        positive = estimate[:, 1]
        low = self.margins(positive * (1 - ROUNDING), self.classes[1], against)
        high = self.margins(positive * (1 + ROUNDING), self.classes[1], against, last=True)
        return np.asarray(sign * np.clip(sign * margin, low, high))

    def check_cutoff(self, score: FloatArray) -> None:
        """Raise ConfigError where a score cannot be a cutoff."""
        if self.classes and not np.all((score > 0) & (score < 1)):
            raise ConfigError(f"decision.cutoff = {score.ravel()[0]:g} is not between 0 and 1.")
        if not self.classes and self.link == "log" and not np.all(score > 0):
            raise ConfigError(
                f"decision.cutoff = {score.ravel()[0]:g} is out of reach: the model's values are positive."
            )

    def _check_probability(self, against: Against) -> None:
        if self.classes and self.link == "identity":
            raise ConfigError("This model has decision values, not probabilities; set decision.cutoff_on to 'margin'.")
        if against == "runner-up" and len(self.classes) > 2:
            raise ConfigError(
                "The margin over the runner-up is not a function of one probability; set decision.cutoff_on to "
                "'margin', or decision.against to 'others'."
            )


def _logit(probability: FloatArray, last: bool) -> FloatArray:
    """Logit; the margins whose probability rounds to 0 or 1 run to infinity, `last` being their far end."""
    edge = 1 - np.finfo(np.float64).eps
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = logit(np.clip(probability, 0, edge))
    if last:
        lowest = np.log(np.finfo(np.float64).tiny)
        return np.where(probability >= edge, np.inf, np.maximum(inside, lowest))
    return np.asarray(inside)
