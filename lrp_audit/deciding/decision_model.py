"""What every kind of model offers to a decision: which rows it cannot read, scores, and explanations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

import pandas as pd

from lrp_audit.deciding.validation_record import cited
from lrp_audit.deciding.weighed import Weighed
from lrp_audit.errors import ConfigError
from lrp_audit.judging.case import Faithfulness
from lrp_audit.records.record import (
    Addressee,
    Check,
    Conservation,
    MethodFacts,
    ModelFacts,
    Outcome,
    ReferenceFacts,
    Refusal,
    TieBreak,
    Variations,
)
from lrp_audit.records.text_record import TextEvidence
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import DecisionSection


@dataclass(frozen=True)
class Explained:
    """What explaining one row adds to its record.

    Attributes:
        columns: their relevance, and that of their families.
        directions: family -> direction that a test confirmed (RS-11).
        faithfulness: the put-back test; None where it was not run.
        texts: the row's texts, masked, if the model reads any.
        refusals: what the explanation itself stands against.
        flags: sentences for the reviewer, on what the explanation showed.
        variations: other values that decide otherwise; None where none were searched for.
        tie: what sampling found of a near-tie at the last place; None where none was sampled.
    """

    columns: Weighed
    conservation: Conservation
    checks: tuple[Check, ...]
    reference: ReferenceFacts
    directions: Mapping[str, Literal["low", "high"]] = field(default_factory=dict)
    faithfulness: Faithfulness | None = None
    texts: tuple[TextEvidence, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    flags: tuple[str, ...] = ()
    variations: Variations | None = None
    tie: TieBreak | None = None


Found_co = TypeVar("Found_co", covariant=True)


class Answers(Protocol[Found_co]):
    """What a model answers of rows, each made when it is asked for."""

    def get(self, row: int, /) -> Found_co | None:
        """The answer for a row of the frame; None for one that was not asked about."""


@dataclass(frozen=True)
class Asked:
    """The rows of a frame that a model is asked about, and how many rows it is asked about at a time."""

    rows: Sequence[int]
    size: int

    def filled(self) -> list[int]:
        """`size` rows, those asked about in their own places, and the first of them in all others."""
        filled = [self.rows[0]] * max(self.size, self.rows[-1] + 1)
        for row in self.rows:
            filled[row] = row
        return filled


class DecisionModel(Protocol):
    """A model with its settings and its reference, ready to be asked about rows of a table."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table that the model reads."""

    @property
    def explained(self) -> tuple[str, ...]:
        """Those that relevance is given for: numbers, codes, and texts as a whole."""

    @property
    def facts(self) -> ModelFacts:
        """Provenance, as it stands in records."""

    @property
    def method(self) -> MethodFacts:
        """How relevance is computed, as it stands in records."""

    @property
    def tolerance(self) -> float:
        """Relative agreement promised between the explained graph and the user's own model."""

    def problems(self, frame: pd.DataFrame) -> dict[int, str]:
        """Row position -> why the row cannot be scored; names the column."""

    def explain(self, frame: pd.DataFrame, asked: Asked, addressees: Sequence[Addressee]) -> Answers[Explained]:
        """Why rows that have no problem got their score.

        `addressees`, one for every row of the frame, are people whose names texts must not show.
        """

    def score(self, frame: pd.DataFrame, asked: Asked, explained: Answers[Explained]) -> Answers[Outcome]:
        """Score and outcome of rows that have no problem, `explained` as far as they are."""


def score_all(model: DecisionModel, frame: pd.DataFrame) -> list[Outcome]:
    """Score and outcome of rows none of which has a problem."""
    unexplained: dict[int, Explained] = {}
    return _all(model.score(frame, Asked(range(len(frame)), len(frame)), unexplained), frame)


def explain_all(model: DecisionModel, frame: pd.DataFrame, addressees: Sequence[Addressee]) -> list[Explained]:
    """Why rows got their score, none of which has a problem."""
    return _all(model.explain(frame, Asked(range(len(frame)), len(frame)), addressees), frame)


def _all(answers: Answers[Found_co], frame: pd.DataFrame) -> list[Found_co]:
    return [found for row in range(len(frame)) if (found := answers.get(row)) is not None]


@dataclass(frozen=True)
class Cutoff:
    """Where the line runs: `value` on its own scale and `margin` on the scale that is explained."""

    value: float
    margin: float


def cutoff(decision: DecisionSection, classes: Sequence[str], margin_of_score: Callable[[float], float]) -> Cutoff:
    """The cutoff of audit.toml on both scales.

    Args:
        decision: the settings.
        classes: the model's class names; none for a regressor.
        margin_of_score: from a probability (or predicted value) to the adverse margin.

    Raises:
        ConfigError: the cutoff does not fit the model or the margin.
    """
    if decision.cutoff_on == "margin":
        value = decision.cutoff or 0.0
        return Cutoff(value, value)
    if decision.cutoff_on == "probability" and decision.against == "runner-up" and len(classes) > 2:
        if decision.cutoff is None:
            return Cutoff(0.0, 0.0)
        raise ConfigError(
            "decision.cutoff on a probability does not fit decision.against = 'runner-up', which compares two classes; "
            "set decision.cutoff_on to 'margin', or decision.against to 'others'."
        )
    if decision.cutoff is None and not classes:
        raise ConfigError("decision.cutoff is not set: say at which predicted value an application is refused.")
    value = 0.5 if decision.cutoff is None else decision.cutoff
    return Cutoff(value, margin_of_score(value))


def adverse_class(decision: DecisionSection, classes: Sequence[str]) -> str:
    """The outcome that is a refusal.

    Raises:
        ConfigError: audit.toml does not say.
    """
    if decision.adverse is not None:
        return decision.adverse
    choices = ", ".join(repr(name) for name in classes or ("above", "below"))
    raise ConfigError(f"decision.adverse is not set: say which outcome is a refusal, one of {choices}.")


class Hashed(Protocol):
    """A model that knows its own provenance."""

    @property
    def kind(self) -> str: ...
    @property
    def weights_sha256(self) -> str: ...
    @property
    def preprocessing_sha256(self) -> str | None: ...
    @property
    def classes(self) -> tuple[str, ...]: ...


def model_facts(config: AuditConfig, model: Hashed, adverse: str, file_sha256: str | None) -> ModelFacts:
    """CA-03: what is known of a model, from itself and from audit.toml."""
    section = config.model
    validation = cited(config, model.weights_sha256, model.preprocessing_sha256)
    return ModelFacts(
        kind=model.kind,
        name=section.name,
        version=section.version,
        file_sha256=file_sha256,
        weights_sha256=model.weights_sha256,
        preprocessing_sha256=model.preprocessing_sha256,
        classes=model.classes,
        adverse=adverse,
        owner=section.owner,
        intended_use=section.intended_use,
        known_limits=section.known_limits,
        validation_date=section.validation_date if validation is None else validation.date,
        validation=validation,
    )


def rules_in_words(rules: str, epsilon: float | None) -> str:
    """A preset with its parameter."""
    return rules if epsilon is None else f"{rules} (epsilon {epsilon:g})"
