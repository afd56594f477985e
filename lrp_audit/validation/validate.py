"""One model validated: sanity checks, and the checks of audits over a sample, as a record that audits cite (CA-03)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lrp_audit.adapters.estimators import SklearnEstimator
from lrp_audit.adapters.model import TabularModel
from lrp_audit.adapters.sklearn_network import class_names
from lrp_audit.deciding.decision_model import DecisionModel, Explained, explain_all
from lrp_audit.deciding.session import Session
from lrp_audit.deciding.tabular_decisions import TabularDecisions
from lrp_audit.deciding.text_decisions import TextDecisions
from lrp_audit.errors import UnsupportedModelError
from lrp_audit.explaining.explainer import explainer
from lrp_audit.explaining.methods.choice import attribution
from lrp_audit.language.messages import for_reviewers
from lrp_audit.records.record import Addressee
from lrp_audit.report.validation_report import (
    DataUsed,
    Fit,
    LabelTest,
    LayerSimilarity,
    ParameterTest,
    ValidationReport,
)
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import ChecksSection
from lrp_audit.validation import networks
from lrp_audit.validation.labels import ExplainModel, Refitted, label_randomisation
from lrp_audit.validation.over_sample import distribution, qualities, residuals, sinks
from lrp_audit.validation.parameters import Network, Step, parameter_randomisation, steps_of
from lrp_audit.validation.references import represented
from lrp_audit.validation.refit import RefitError
from lrp_audit.validation.sample import Sample, draw_sample, labels_of
from lrp_audit.validation.similarity import Vectors

ROWS_AT_ONCE = 16  # explained between two steps of a progress bar
FITS = 2
THRESHOLDS = (
    "near_tie",
    "second_reference_overlap",
    "gradients_overlap",
    "stability_overlap",
    "curves",
    "randomised_similarity",
)


@dataclass(frozen=True)
class Wanted:
    """What a validation is asked for.

    Attributes:
        data_sha256: of the table's file.
        label: its column of labels, if it has one.
        size: of the sample.
        seed: of everything drawn.
        draws: of every set of layers.
        seconds: that fitting the model once may take.
        date: of the validation.
    """

    data_sha256: str
    label: str | None
    size: int
    seed: int
    draws: int
    seconds: float
    date: dt.date


def checking(config: AuditConfig) -> AuditConfig:
    """The settings with every check of an audit on, and no search for variations, which checks no explanation."""
    return config.model_copy(
        update={
            "checks": config.checks.model_copy(update={"level": "full"}),
            "variations": config.variations.model_copy(update={"search": False}),
            "model": config.model.model_copy(update={"validation": None, "validation_date": None}),
        }
    )


@dataclass(frozen=True)
class Validation:
    """A validation that is ready to run; everything a user may have got wrong has been found by then.

    Attributes:
        steps: calls of `done` while it runs, for a progress bar.
    """

    session: Session
    wanted: Wanted
    rows: int
    sample: Sample
    labels: np.ndarray[tuple[int], np.dtype[np.generic]] | None
    network: Network

    @property
    def steps(self) -> int:
        fits = FITS if self.labels is not None and isinstance(self.session.model, TabularDecisions) else 0
        refused = int(self.sample.adverse.sum())
        return steps_of(self.network, self.wanted.draws) + fits + -(-refused // ROWS_AT_ONCE)

    def run(self, done: Callable[[], object] = lambda: None) -> ValidationReport:
        """Run every check."""
        session, wanted, sample = self.session, self.wanted, self.sample
        checks, threshold = session.config.checks, session.config.checks.randomised_similarity
        explained = list(self._explained(done))
        found = parameter_randomisation(self.network, draws=wanted.draws, seed=wanted.seed, done=done)
        last = found.cascading[-1].similarity
        parameters = ParameterTest(
            draws=wanted.draws,
            seed=wanted.seed,
            threshold=threshold,
            flag=bool(last > threshold),
            cascading=_steps(found.cascading),
            independent=_steps(found.independent),
            smooth=_steps(found.smooth),
            complexity_rise=_known(found.rise),
        )
        return ValidationReport(
            date=wanted.date,
            model=session.model.facts,
            method=session.model.method,
            reference=explained[0].reference.model_copy(update={"mean_margin": _mean_margin(explained)}),
            data=DataUsed(
                sha256=wanted.data_sha256,
                rows=self.rows,
                usable=len(sample.usable),
                label=wanted.label,
                sample=len(sample.frame),
                refused=int(sample.adverse.sum()),
                seed=wanted.seed,
            ),
            parameters=parameters,
            labels=self._label_test(threshold, done),
            checks=qualities(explained),
            thresholds=_thresholds(checks),
            residual=residuals(explained),
            sinks=sinks(explained),
            config_sha256=session.config_sha256,
            versions=dict(session.versions),
        )

    def _explained(self, done: Callable[[], object]) -> Iterable[Explained]:
        refused = self.sample.frame[self.sample.adverse]
        for start in range(0, len(refused), ROWS_AT_ONCE):
            rows = refused.iloc[start : start + ROWS_AT_ONCE]
            yield from explain_all(self.session.model, rows, [Addressee()] * len(rows))
            done()

    def _label_test(self, threshold: float, done: Callable[[], object]) -> LabelTest:
        decisions, wanted = self.session.model, self.wanted
        test = LabelTest(seconds=wanted.seconds, seed=wanted.seed, threshold=threshold)
        say = for_reviewers(self.session.config)
        if self.labels is None:
            return test.model_copy(update={"reason": say("no label column was named")})
        if not isinstance(decisions, TabularDecisions):
            return test.model_copy(update={"reason": say("a text classifier takes too long to be trained again")})
        try:
            found = label_randomisation(
                decisions.explainer.model,
                _explain_model(decisions, self.sample.frame),
                self.sample.usable,
                self.labels,
                seconds=wanted.seconds,
                seed=wanted.seed,
                done=done,
            )
        except (RefitError, UnsupportedModelError) as problem:
            return test.model_copy(update={"reason": str(problem).rstrip(".")})
        return test.model_copy(
            update={
                "how": found.how,
                "rows": found.rows,
                "flag": bool(found.shuffled.similarity > threshold),
                "true": _fit(found.true),
                "shuffled": _fit(found.shuffled),
            }
        )


def prepare(session: Session, frame: pd.DataFrame, wanted: Wanted) -> Validation:
    """Draw the sample, read the labels and copy the network.

    Args:
        session: the model with the settings of `checking`.
        frame: the table.
        wanted: what is asked for.

    Raises:
        DataError: the table cannot be used; see `draw_sample` and `labels_of`.
        UnsupportedModelError: the network holds no weights that could be drawn.
    """
    model = session.model
    sample = draw_sample(model, frame, size=wanted.size, seed=wanted.seed)
    labels = None
    if wanted.label is not None:
        labels = labels_of(sample.usable, wanted.label, _names(model), model.columns)
    network = _network(model, sample.frame, wanted.seed)
    if not network.layers:
        raise UnsupportedModelError(
            "The network holds no weights that could be drawn anew, so there is nothing to test."
        )
    return Validation(session, wanted, len(frame), sample, labels, network)


def _network(model: DecisionModel, rows: pd.DataFrame, seed: int) -> Network:
    if isinstance(model, TabularDecisions):
        inputs = model.explainer.model.encode(rows).inputs
        return networks.of_table(model.explainer, model.config.explanation, inputs, model.reference, seed=seed)
    assert isinstance(model, TextDecisions)
    texts, tables = model.as_read(rows)
    return networks.of_texts(model.explainer, model.target, texts, tables)


def _names(model: DecisionModel) -> dict[str, int]:
    """Position of every class by its name, and by the name a scikit-learn estimator has for it."""
    found = {name: place for place, name in enumerate(model.facts.classes)}
    own = model.explainer.model.estimator if isinstance(model, TabularDecisions) else None
    if found and isinstance(own, SklearnEstimator) and own.label is None:
        found |= {name: place for place, name in enumerate(class_names(own.estimator.classes_))}
    return found


def _explain_model(decisions: TabularDecisions, rows: pd.DataFrame) -> ExplainModel:
    """Relevance by another model of the same columns, against the same people."""
    ready, settings, reference = decisions.explainer, decisions.config.explanation, decisions.reference
    adverse, against = decisions.facts.adverse, decisions.config.decision.against
    members = decisions.config.reference.members

    def explain(model: TabularModel) -> Vectors:
        encoded = model.encode(rows)
        own = explainer(model, encoded, model.margin_target(adverse, against), ready.composite, loses=ready.loses)
        people = represented(reference, model, reference.representation, members=members)
        return list(attribution(own, settings)(encoded.inputs, people).relevance)

    return explain


def _steps(steps: Sequence[Step]) -> tuple[LayerSimilarity, ...]:
    return tuple(
        LayerSimilarity(
            layer=step.layer, signed=distribution("signed", step.signed), sizes=distribution("sizes", step.sizes)
        )
        for step in steps
    )


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _fit(found: Refitted) -> Fit:
    return Fit(similarity=_known(found.similarity), right=found.right)


def _mean_margin(explained: Sequence[Explained]) -> float:
    return float(np.mean([one.reference.mean_margin for one in explained]))


def _thresholds(checks: ChecksSection) -> dict[str, float]:
    return {name: float(getattr(checks, name)) for name in THRESHOLDS}
