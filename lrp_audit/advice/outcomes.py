"""What is measured of one choice of rules and reference, and which choice the figures recommend."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import rfc8785

MOST_LOST = 0.01  # of what is explained; rules that lose more are not recommended
DIGITS = 6  # significant, of figures in the digest


@dataclass(frozen=True)
class Choice:
    """Rules with a reference; passes is the number of backward passes for one decision."""

    rules: str
    population: str
    representation: str
    passes: int


@dataclass(frozen=True)
class NodeLoss:
    """An operator at which rules lose or double relevance.

    Attributes:
        operator: with its module's path.
        decisions: share of those at which more than 1 % of what arrives is lost or doubled.
        lost: mean of what is lost or doubled over the mean of what arrives, without signs.
    """

    operator: str
    decisions: float
    lost: float


@dataclass(frozen=True)
class Measured:
    """One row of the table.

    Attributes:
        lost: mean of what reached no input over the mean of what is explained, without signs.
        faithful: by decision; tables: area of deletion, 0 chance and 1 the best order; texts: fall of the margin
            without the strongest words, less that without as many others.
        same: by decision, share of the four strongest inputs that the comparison also puts first.
        rank: mean rank correlation with the comparison (tables: Shapley values; texts: leaving out random halves).
        noise: mean relative change of relevance under noise; None where inputs are no numbers.
        cost: time, as a multiple of one forward pass of the same rows; no part of the digest.
        losses: nodes at which the rules lose or double.
        error: why the choice cannot be used on this model; nothing is measured then.
    """

    choice: Choice
    lost: float = math.nan
    faithful: tuple[float, ...] = ()
    same: tuple[float, ...] = ()
    rank: float = math.nan
    noise: float | None = None
    cost: float = math.nan
    losses: tuple[NodeLoss, ...] = ()
    error: str | None = None


def mean(values: Sequence[float]) -> float:
    """The mean of those that are known; NaN of none."""
    known = [value for value in values if math.isfinite(value)]
    return math.fsum(known) / len(known) if known else math.nan


def recommend(measured: Sequence[Measured], population: str, *, texts: bool) -> Measured | None:
    """The cheapest choice that is no worse than the best by more than one standard error; None where none conserves.

    Tables are judged by agreement with Shapley values, texts by faithfulness. Which population to compare with is a
    question of law and not of figures (RS-06), so only `population` is considered.
    """

    def score(item: Measured) -> tuple[float, ...]:
        return item.faithful if texts else item.same

    fit = [
        item
        for item in measured
        if item.error is None and item.choice.population == population and item.lost <= MOST_LOST and score(item)
    ]
    if not fit:
        return None
    best = max(fit, key=lambda item: mean(score(item)))  # the first of equals
    near = [item for item in fit if _no_worse(score(item), score(best))]
    return min(near, key=lambda item: item.choice.passes)


def _no_worse(values: tuple[float, ...], best: tuple[float, ...]) -> bool:
    apart = np.array(best) - np.array(values)
    apart = apart[np.isfinite(apart)]
    error = apart.std(ddof=1) / math.sqrt(len(apart)) if len(apart) > 1 else 0.0
    return bool(len(apart)) and float(apart.mean()) <= error


def as_json(item: Measured, *, cost: bool = True) -> dict[str, object]:
    """The row with means in place of single decisions; NaN is null."""
    found = {
        **asdict(item.choice),
        "lost": item.lost,
        "faithfulness": mean(item.faithful),
        "same_four": mean(item.same),
        "rank_correlation": item.rank,
        "noise": item.noise,
        "losses": [asdict(loss) for loss in item.losses],
        "error": item.error,
        **({"cost": item.cost} if cost else {}),
    }
    return {name: _known(value) for name, value in found.items()}


def _known(value: object) -> object:
    if isinstance(value, list):
        return [{name: _known(cell) for name, cell in row.items()} for row in value]
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def digest(measured: Sequence[Measured]) -> str:
    """SHA-256 of the table's canonical JSON, without costs, which no run repeats."""
    table: Any = [as_json(item, cost=False) for item in measured]
    return hashlib.sha256(rfc8785.dumps(table)).hexdigest()
