"""A model's rules and references measured side by side, with what its layers ask for and what the figures recommend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from lrp_audit.advice.layers import advice, described
from lrp_audit.advice.outcomes import Measured, as_json, digest, mean, recommend
from lrp_audit.advice.tables import Tables
from lrp_audit.advice.texts import Texts
from lrp_audit.deciding.decision_model import DecisionModel
from lrp_audit.deciding.tabular_decisions import TabularDecisions
from lrp_audit.deciding.text_decisions import TextDecisions
from lrp_audit.engine.inventory import inventory
from lrp_audit.settings.config import AuditConfig


@dataclass(frozen=True)
class Advice:
    """What was measured on how many refused rows, and what follows."""

    layers: str
    sentences: tuple[str, ...]
    measured: tuple[Measured, ...]
    recommended: Measured | None
    rows: int
    texts: bool

    @property
    def sha256(self) -> str:
        """Digest of the table."""
        return digest(self.measured)

    @property
    def evidence(self) -> str:
        """What speaks for the recommended choice, in one line."""
        best = self.recommended
        assert best is not None
        if self.texts:
            figures = f"fall without the strongest words {mean(best.faithful):.3g} above random"
        else:
            figures = f"same four as Shapley {mean(best.same):.3f}, rank correlation {best.rank:.3f}"
        return f"lrp-audit rules: {figures}, lost {best.lost:.2%}, {self.rows} rows; table {self.sha256[:16]}"

    def settings(self) -> dict[str, dict[str, str]]:
        """The recommended choice as keys of audit.toml."""
        assert self.recommended is not None
        choice = self.recommended.choice
        found = {"explanation": {"rules": choice.rules}}
        if not self.texts:
            found["reference"] = {"population": choice.population, "representation": choice.representation}
        return found

    def as_json(self) -> dict[str, object]:
        """All of it, for other programs."""
        best = self.recommended
        return {
            "layers": self.layers,
            "advice": list(self.sentences),
            "rows": self.rows,
            "table": [as_json(item) for item in self.measured],
            "table_sha256": self.sha256,
            "recommended": None if best is None else as_json(best),
        }


def with_population(config: AuditConfig) -> AuditConfig:
    """The settings with a population of real rows to compare with, by LRP."""
    reference = {"representation": "members"}
    if config.text is None and config.reference.population == "zero":
        reference["population"] = "near_cutoff"
    return config.model_copy(
        update={
            "reference": config.reference.model_copy(update=reference),
            "explanation": config.explanation.model_copy(update={"method": "lrp"}),
        }
    )


@dataclass(frozen=True)
class Advising:
    """Measurements that are ready to run, `steps` of them."""

    subject: Tables | Texts
    parts: Mapping[tuple[str, str], int]
    rows: int

    @property
    def steps(self) -> int:
        return len(self.subject.choices())

    def run(self, done: Callable[[], object] = lambda: None) -> Advice:
        """Measure, and choose."""
        texts = isinstance(self.subject, Texts)
        measured = tuple(self.subject.measure(done))
        population = measured[0].choice.population
        return Advice(
            described(self.parts),
            advice(self.parts, texts=texts),
            measured,
            recommend(measured, population, texts=texts),
            self.rows,
            texts,
        )


def prepare(model: DecisionModel, refused: pd.DataFrame) -> Advising:
    """A model with the settings of `with_population`, and rows that it refuses."""
    if isinstance(model, TabularDecisions):
        parts = inventory(model.explainer.graph)
        return Advising(
            Tables.of(model, refused, convolutions=any(kind == "conv" for kind, _ in parts)), parts, len(refused)
        )
    assert isinstance(model, TextDecisions)
    return Advising(Texts.of(model, refused), inventory(model.explainer.graph), len(refused))
