"""All checks of a chunk of decisions, vectorised over its rows, and how each is stated in a record (CA-08, CA-09)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lrp_audit.adapters.tabular import Encoded
from lrp_audit.checks.agreement import largest
from lrp_audit.checks.direction import Direction, tested_directions
from lrp_audit.checks.putback import PutBack, put_back
from lrp_audit.explaining.explainer import Explainer
from lrp_audit.explaining.methods.choice import Attribute
from lrp_audit.explaining.reference import Reference
from lrp_audit.language.messages import Messages, message
from lrp_audit.records.record import Check
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import ChecksSection

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.intp]

PROXIES = message("Screen for proxies of protected attributes")


@dataclass(frozen=True)
class Families:
    """How columns are grouped: family names, and for every column the index of its family (C,)."""

    names: tuple[str, ...]
    of_column: IntArray

    @classmethod
    def of(cls, family: Sequence[str]) -> Families:
        """The grouping of columns given the family of each."""
        names = tuple(sorted(set(family)))
        return cls(names, np.array([names.index(name) for name in family], dtype=np.intp))

    def sums(self, relevance: FloatArray) -> FloatArray:
        """(N, C) column relevance to (N, F) family relevance."""
        return relevance @ np.eye(len(self.names))[self.of_column]

    def leading_column(self, relevance: FloatArray, family: int) -> IntArray:
        """The most adverse column of a family, per row; (N,)."""
        members = np.flatnonzero(self.of_column == family)
        return np.asarray(members[np.argmax(relevance[:, members], axis=1)])


@dataclass(frozen=True)
class Subjects:
    """The rows that are checked, N of them.

    Attributes:
        encoded: the rows as they were read, and as the network takes them.
        relevance: (N, C).
        stated: which families are the principal reasons, per row; (N, F).
    """

    encoded: Encoded
    relevance: FloatArray
    stated: BoolArray


@dataclass(frozen=True)
class Evidence:
    """What the checks found for N rows.

    Attributes:
        stated: (N,) how many families are stated.
        putback: the put-back test; None without a population to put back to.
        tested: per row, the stated families whose leading column could be tested for direction.
        directions: per row, family -> direction that the test confirmed.
        kept: (N,) how many stated families are also principal under the second reference; None without one.
    """

    stated: IntArray
    putback: PutBack | None
    tested: Sequence[Sequence[str]]
    directions: Sequence[Mapping[str, Direction]]
    kept: IntArray | None


def unmeasured(stated: BoolArray) -> Evidence:
    """What is known of rows that nothing is checked of; `stated` as in `Subjects`."""
    return Evidence(stated.sum(1), None, [()] * len(stated), [{}] * len(stated), None)


def gather(
    explainer: Explainer,
    attribute: Attribute,
    subjects: Subjects,
    families: Families,
    reference: Reference,
    second: Reference | None,
    config: AuditConfig,
) -> Evidence:
    """Run every check on a chunk of rows, against `reference` and, where there is one, a `second` population."""
    inputs = subjects.encoded.inputs
    draws, seed = config.checks.random_families, config.checks.seed
    putback = (
        put_back(explainer, inputs, reference, families.of_column, subjects.stated, draws=draws, seed=seed)
        if len(reference)
        else None
    )
    named = frozenset(name for name, column in config.columns.items() if column.values)
    codes = named | explainer.model.encoding.listed
    tested, directions = _directions(explainer, subjects, families, reference, codes)
    kept = None
    if second is not None:
        other = families.sums(attribute(inputs, second).relevance)
        kept = (subjects.stated & largest(other, config.documents.max_reasons)).sum(1)
    return Evidence(subjects.stated.sum(1), putback, tested, directions, kept)


def _directions(
    explainer: Explainer,
    subjects: Subjects,
    families: Families,
    reference: Reference,
    codes: frozenset[str],
) -> tuple[list[list[str]], list[dict[str, Direction]]]:
    """Test the leading column of every stated family; `codes` are columns whose numbers name things.

    What lies between two codes means nothing, and a model that looks its values up in a list cannot read it.
    """
    columns = explainer.model.columns
    usable = np.array([name in reference.ranges and name not in codes for name in columns])
    every = range(len(families.names))
    leading = np.column_stack([families.leading_column(subjects.relevance, family) for family in every])
    rows, family = np.nonzero(subjects.stated & usable[leading])
    results = tested_directions(
        explainer, subjects.encoded.table, subjects.encoded.inputs, rows, leading[rows, family], reference
    )
    tested: list[list[str]] = [[] for _ in subjects.stated]
    confirmed: list[dict[str, Direction]] = [{} for _ in subjects.stated]
    for row, place, direction in zip(rows.tolist(), family.tolist(), results, strict=True):
        name = families.names[place]
        tested[row].append(name)
        if direction is not None:
            confirmed[row][name] = direction
    return tested, confirmed


def state(evidence: Evidence, row: int, settings: ChecksSection, say: Messages) -> tuple[Check, ...]:
    """One row's checks as they stand in its record, those not run included."""
    stated = int(evidence.stated[row])
    return (
        _state_putback(evidence, row, say),
        _state_direction(evidence, row, stated, say),
        _state_second_reference(evidence, row, stated, settings.second_reference_overlap, say),
        Check(id="proxy-screen", title=say(PROXIES), status="not performed"),
    )


def _state_putback(evidence: Evidence, row: int, say: Messages) -> Check:
    title = say("Effect of the stated reasons, put back to the reference")
    if evidence.putback is None or not evidence.stated[row]:
        return Check(id="put-back", title=title, status="not performed")
    stated, random = float(evidence.putback.stated[row]), float(evidence.putback.random[row])
    return Check(
        id="put-back",
        title=title,
        status="performed",
        flag=stated < random,
        measured={"stated": stated, "random": random},
        statement=say("Fall of the adverse margin with the stated reasons put back, and with as many random families."),
    )


def _state_direction(evidence: Evidence, row: int, stated: int, say: Messages) -> Check:
    title = say("Direction of the stated reasons")
    tested, confirmed = len(evidence.tested[row]), len(evidence.directions[row])
    if not tested:
        return Check(id="direction", title=title, status="not performed")
    return Check(
        id="direction",
        title=title,
        status="performed",
        measured={"confirmed": confirmed, "tested": tested, "stated": stated},
        statement=say("A direction word is printed only where the model confirms it; elsewhere the factor is named."),
    )


def _state_second_reference(evidence: Evidence, row: int, stated: int, threshold: int, say: Messages) -> Check:
    title = say("Same reasons under the second reference")
    if evidence.kept is None or not stated:
        return Check(id="second-reference", title=title, status="not performed")
    kept = int(evidence.kept[row])
    return Check(
        id="second-reference",
        title=title,
        status="performed",
        flag=kept < min(threshold, stated),
        measured={"kept": kept, "stated": stated},
        threshold=float(threshold),
        statement=say("Stated families that are also principal when compared with the other population."),
    )
