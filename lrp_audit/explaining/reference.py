"""Reference populations: who an applicant is compared with (12 CFR 1002, comment 9(b)(2)-5; rules RS-06, RS-07).

An attribution explains `f(x) - mean f(reference)`, so the reference is part of every answer: it has a name, a size, a
date and a hash, and only aggregates of it are ever shown (G-07).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from lrp_audit.adapters.tabular import TabularModel
from lrp_audit.errors import ReferenceDataError

MINIMUM_POPULATION = 50  # G-07
TAIL = 0.05  # of a column's values at either end, left out of its range

PopulationName = Literal["near_cutoff", "all_applicants", "zero"]
Representation = Literal["members", "centroid", "coalitions", "zero"]
MEMBERS: Mapping[Representation, int] = {"members": 64, "coalitions": 256}
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Range:
    """What a population shows of a column of numbers, without its twentieths at either end; NaN where nobody has one.

    `whole`: only whole numbers occur.
    """

    bottom: float
    median: float
    top: float
    whole: bool


@dataclass(frozen=True)
class Reference:
    """A population and the rows that represent it.

    Attributes:
        members: module inputs of the K representing rows; empty for `zero`, which compares with nobody.
        everyone: module inputs of the whole population; empty for `zero`.
        frame: the population's rows as the user's table gives them, from which typical values are taken.
        sha256: digest of the whole population's encoded rows and of which of them are members.
    """

    name: PopulationName
    representation: Representation
    members: Mapping[str, Tensor]
    frame: pd.DataFrame
    seed: int
    date: dt.date | None
    sha256: str
    everyone: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def population(self) -> int:
        """How many people stand behind the reference."""
        return len(self.frame)

    def __len__(self) -> int:
        """K, the number of rows an attribution is averaged over."""
        return len(next(iter(self.members.values()))) if self.members else 0

    @cached_property
    def ranges(self) -> Mapping[str, Range]:
        """Columns of numbers, with what the population shows of each."""
        return {str(name): _range(values) for name, values in self.frame.items() if _is_number(values)}

    def typical(self, column: str) -> object:
        """The population's typical value of a column: the median of numbers, the most frequent of anything else."""
        if column not in self.frame:
            return None
        values = self.frame[column].dropna()
        if values.empty:
            return None
        if _is_number(values):
            return float(values.median())
        return values.value_counts(sort=True).sort_index(kind="stable").idxmax()

    def quantiles(self, column: str, levels: Sequence[float]) -> tuple[int, FloatArray] | None:
        """How many people have a value of a column of numbers, and its quantiles; None for anything else.

        G-07: None where fewer than 50 people have a value.
        """
        values = self.frame[column].dropna() if column in self.frame else pd.Series(dtype=float)
        if len(values) < MINIMUM_POPULATION or not _is_number(values):
            return None
        return len(values), np.quantile(values.to_numpy(np.float64), levels)


def _range(values: pd.Series[Any]) -> Range:
    known = values.dropna().to_numpy(np.float64)
    bottom, median, top = np.quantile(known, [TAIL, 0.5, 1 - TAIL]) if len(known) else [np.nan] * 3
    return Range(float(bottom), float(median), float(top), bool((known % 1 == 0).all()))


def _is_number(values: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


@dataclass(frozen=True)
class Applicants:
    """Scored rows a reference is drawn from: `margin` is measured from the cutoff, `> = 0` meaning refused; (N,)."""

    frame: pd.DataFrame
    inputs: Mapping[str, Tensor]
    margin: FloatArray

    def take(self, rows: npt.NDArray[np.intp]) -> Applicants:
        index = torch.from_numpy(rows)
        return Applicants(
            self.frame.iloc[rows], {name: value[index] for name, value in self.inputs.items()}, self.margin[rows]
        )


def build_reference(
    applicants: Applicants,
    model: TabularModel,
    *,
    name: PopulationName,
    representation: Literal["members", "centroid", "coalitions"] = "members",
    size: int = 200,
    members: int | None = None,
    seed: int = 0,
    date: dt.date | None = None,
) -> Reference:
    """The named population among `applicants`, represented by up to `members` of its rows or by their mean.

    Args:
        applicants: scored rows, N of them.
        model: the model that encoded them; a centroid needs all its inputs to be floating point.
        name: `near_cutoff` takes the `size` approved rows closest to the cutoff, `all_applicants` all rows, `zero`
            compares with nobody.
        representation: `members` averages over a seeded sample without replacement, `coalitions` corrects that by
            states mixed with some of it; `centroid` is the population's mean row. The latter two need
            floating-point inputs.
        size: of the near-cutoff population, in people.
        members: K; by default `MEMBERS` of the representation.
        seed: of the sample.
        date: of the applicants' data.

    Raises:
        ReferenceDataError: fewer than 50 people, or integer codes where values are to be averaged or mixed.
    """
    if name == "zero":
        return Reference("zero", "zero", {}, applicants.frame.iloc[:0], seed, date, hashlib.sha256(b"zero").hexdigest())
    population = applicants.take(_nearest_approved(applicants.margin, size)) if name == "near_cutoff" else applicants
    if len(population.frame) < MINIMUM_POPULATION:
        raise ReferenceDataError(_too_few(name, len(population.frame)))
    if representation != "members":
        _require_numbers(population.inputs, model)
    if representation == "centroid":
        rows = np.arange(len(population.frame))
        chosen = {name: value.mean(0, keepdim=True) for name, value in population.inputs.items()}
    else:
        rows = _sample(len(population.frame), members or MEMBERS[representation], seed)
        chosen = dict(population.take(rows).inputs)
    digest = _digest(population.inputs, rows)
    return Reference(name, representation, chosen, population.frame, seed, date, digest, population.inputs)


def _nearest_approved(margin: FloatArray, size: int) -> npt.NDArray[np.intp]:
    """Positions of the approved rows closest below the cutoff; ties go to the earlier row."""
    approved = np.flatnonzero(margin < 0)
    return np.sort(approved[np.argsort(-margin[approved], kind="stable")][:size])


def _sample(population: int, members: int, seed: int) -> npt.NDArray[np.intp]:
    if members >= population:
        return np.arange(population)
    return np.sort(np.random.default_rng(seed).choice(population, members, replace=False))


def _require_numbers(inputs: Mapping[str, Tensor], model: TabularModel) -> None:
    codes = [name for name, value in inputs.items() if not value.is_floating_point()]
    if codes:
        raise ReferenceDataError(
            f"Rows of {model.kind} cannot be averaged or mixed since input {codes[0]!r} holds integer codes; "
            "set reference.representation to 'members'."
        )


def _too_few(name: PopulationName, found: int) -> str:
    problem = f"The reference population {name!r} has {found} people where at least {MINIMUM_POPULATION} are needed"
    advice = "give more rows in reference.data"
    if name == "near_cutoff":
        advice += ", or set reference.population to 'all_applicants'"
    return f"{problem}; {advice}."


def _digest(inputs: Mapping[str, Tensor], rows: npt.NDArray[np.intp]) -> str:
    hasher = hashlib.sha256()
    for name in sorted(inputs):
        value = inputs[name].contiguous()
        hasher.update(f"{name}\0{value.dtype}\0{tuple(value.shape)}\0".encode())
        hasher.update(value.numpy().tobytes())
    hasher.update(rows.astype("<i8").tobytes())
    return hasher.hexdigest()
