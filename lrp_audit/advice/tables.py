"""Rules and references measured on a model of a table."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from lrp_audit.advice.losses import losses
from lrp_audit.advice.outcomes import Choice, Measured, NodeLoss
from lrp_audit.checks.agreement import agreement, largest
from lrp_audit.checks.curves import curves
from lrp_audit.checks.putback import hybrids
from lrp_audit.deciding.tabular_decisions import TabularDecisions
from lrp_audit.engine import Population, preset, propagate
from lrp_audit.errors import EngineError, ReferenceDataError
from lrp_audit.explaining.coalitions import PAIRS
from lrp_audit.explaining.explainer import Explainer
from lrp_audit.explaining.methods.shapley import shapley_values
from lrp_audit.explaining.reference import Reference, Representation
from lrp_audit.validation.references import represented

RULES = ("lrp0", "epsilon", "gamma", "alpha-beta", "zplus")
CONVOLUTIONS = "epsilon-plus"
COMPARED = 40  # decisions that Shapley values are taken of
PERMUTATIONS = 2  # pairs of opposite ones for each member
REASONS = 4
MOST_MEMBERS = 200  # of a population, that Shapley values are taken over
BOOKED = 50  # decisions whose books are opened, operator by operator
CURVE_MEMBERS, CURVE_ORDERS = 2, 5
NOISE, NOISES = 0.01, 2  # of each input's standard deviation
TIMED = 3  # times, the least of which counts

FloatArray = npt.NDArray[np.float64]
Inputs = Mapping[str, Tensor]


@dataclass(frozen=True)
class Tables:
    """Choices for one model, and the rows they are measured on: refused ones, encoded."""

    decisions: TabularDecisions
    inputs: Inputs
    convolutions: bool

    @classmethod
    def of(cls, decisions: TabularDecisions, rows: pd.DataFrame, *, convolutions: bool) -> Tables:
        return cls(decisions, decisions.explainer.model.encode(rows).inputs, convolutions)

    def choices(self) -> list[tuple[Choice, Reference]]:
        """All rules against the population and from zero; `lrp0` against its other forms and the other population."""
        rules = (*RULES, CONVOLUTIONS) if self.convolutions else RULES
        own = self.decisions.reference
        zero, members = self._as(own, "zero"), self._as(own, "members")
        forms = [("lrp0", self._as(own, "centroid")), ("lrp0", self._as(own, "coalitions"))]
        other = [] if self.decisions.second is None else [("lrp0", self.decisions.second)]
        listed = [*((name, members) for name in rules), *forms, *other, *((name, zero) for name in rules[1:])]
        return [(_choice(name, reference), reference) for name, reference in listed if reference is not None]

    def _as(self, people: Reference, form: Representation) -> Reference | None:
        """The same people in another form; None where codes can be neither averaged nor mixed."""
        members = self.decisions.config.reference.members
        try:
            return represented(people, self.decisions.explainer.model, form, members=members)
        except ReferenceDataError:
            return None

    def measure(self, done: Callable[[], object]) -> Iterator[Measured]:
        """One row of the table after the other."""
        compare = _Shapley(self.decisions, self.inputs)
        for choice, reference in self.choices():
            yield self._measured(choice, reference, compare)
            done()

    def _measured(self, choice: Choice, reference: Reference, compare: _Shapley) -> Measured:
        ready = replace(self.decisions.explainer, composite=preset(choice.rules), loses=choice.rules != "lrp0")
        try:
            found = ready.attribute(self.inputs, reference)
        except EngineError as error:
            return Measured(choice, error=str(error))
        relevance, explained = found.relevance, found.explained
        same, rank = compare.agreement(relevance, reference)
        return Measured(
            choice,
            lost=float(np.abs(explained - relevance.sum(1)).mean() / np.abs(explained).mean()),
            faithful=self._faithful(relevance),
            same=same,
            rank=rank,
            noise=self._noise(ready, relevance, reference),
            cost=self._cost(ready, reference),
            losses=self._losses(ready, reference),
        )

    def _faithful(self, relevance: FloatArray) -> tuple[float, ...]:
        explainer, own = self.decisions.explainer, self.decisions.reference

        def put_back(back: npt.NDArray[np.bool_]) -> FloatArray:
            return hybrids(explainer, self.inputs, own, range(min(CURVE_MEMBERS, len(own))), back)

        deletion, _ = curves(put_back, relevance, draws=CURVE_ORDERS, seed=0)
        return tuple(map(float, deletion.normalised))

    def _noise(self, ready: Explainer, relevance: FloatArray, reference: Reference) -> float | None:
        if not any(value.is_floating_point() for value in self.inputs.values()):
            return None
        generator, changes = torch.Generator().manual_seed(0), []
        for _ in range(NOISES):
            moved = ready.attribute(_noisy(self.inputs, generator), reference).relevance
            changes.append(np.linalg.norm(moved - relevance, axis=1).sum() / np.linalg.norm(relevance, axis=1).sum())
        return float(np.mean(changes))

    def _cost(self, ready: Explainer, reference: Reference) -> float:
        forward = min(_seconds(lambda: ready.margin(self.inputs)) for _ in range(TIMED))
        return min(_seconds(lambda: ready.attribute(self.inputs, reference)) for _ in range(TIMED)) / forward

    def _losses(self, ready: Explainer, reference: Reference) -> tuple[NodeLoss, ...]:
        """By the books of the first rows."""
        if not ready.loses or reference.representation == "coalitions":
            return ()
        rows = {name: value[:BOOKED] for name, value in self.inputs.items()}
        base = Population(dict(reference.members)) if len(reference) else None
        target = ready.target_of(rows)
        books = propagate(ready.graph, rows, target=target, composite=ready.composite, reference=base, ledger=True)
        assert books.ledger is not None
        return losses(books.ledger)


class _Shapley:
    """Shapley values of the first rows over a population, taken once for each."""

    def __init__(self, decisions: TabularDecisions, inputs: Inputs) -> None:
        self._decisions = decisions
        self._inputs = {name: value[:COMPARED] for name, value in inputs.items()}
        self._known: dict[str, FloatArray] = {}

    def agreement(self, relevance: FloatArray, reference: Reference) -> tuple[tuple[float, ...], float]:
        """Share of the four strongest that both name, by decision, and the mean rank correlation."""
        own = self._decisions.second if self._of_other(reference) else self._decisions.reference
        assert own is not None
        truth = self._values(represented(own, self._decisions.explainer.model, "members", members=MOST_MEMBERS))
        found = relevance[: len(truth)]
        stated = largest(found, REASONS)
        result = agreement(found, truth, stated)
        same = result.kept / np.maximum(stated.sum(1), 1)
        return tuple(map(float, same)), float(np.nanmean(result.rank_correlation))

    def _of_other(self, reference: Reference) -> bool:
        second = self._decisions.second
        return second is not None and reference.name == second.name

    def _values(self, reference: Reference) -> FloatArray:
        if reference.name not in self._known:
            found = shapley_values(
                self._decisions.explainer, self._inputs, reference, permutations=PERMUTATIONS, seed=0
            )
            self._known[reference.name] = found.columns.relevance
        return self._known[reference.name]


def _choice(rules: str, reference: Reference) -> Choice:
    passes = {"centroid": 1, "zero": 1, "coalitions": len(reference) + 3 * PAIRS}.get(
        reference.representation, len(reference)
    )
    return Choice(rules, reference.name, reference.representation, passes)


def _noisy(inputs: Inputs, generator: torch.Generator) -> dict[str, Tensor]:
    moved = {}
    for name, value in inputs.items():
        if value.is_floating_point():
            drawn = torch.randn(value.shape, generator=generator, dtype=value.dtype)
            moved[name] = value + NOISE * value.std(0, correction=0) * drawn
        else:
            moved[name] = value
    return moved


def _seconds(run: Callable[[], object]) -> float:
    began = time.process_time()
    run()
    return max(time.process_time() - began, 1e-9)
