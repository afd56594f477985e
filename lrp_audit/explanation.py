"""`lrp_audit.explain`: a model and a table in, explanations out that can be read, plotted, and written as documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from lrp_audit import figures, report
from lrp_audit.adapters.formats import open_model
from lrp_audit.adapters.text import TextModel
from lrp_audit.deciding.decisions import Decision, decide
from lrp_audit.deciding.facts import text_columns
from lrp_audit.deciding.session import adapted, decision_model, new_session
from lrp_audit.errors import ConfigError, DataError, ReportError
from lrp_audit.files import write_bytes
from lrp_audit.history.reviews import review_refusal
from lrp_audit.records.record import Reason, Record, digest
from lrp_audit.settings.config import AuditConfig, load
from lrp_audit.settings.sections import DecisionSection, FactsSection, ModelSection, ReferenceSection
from lrp_audit.settings.text_config import TextSection
from lrp_audit.tables import read_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

UNKEYED = bytes(32)  # without an audit.toml there is no secret; pseudonyms then hide nothing
SHOWN = 10  # rows and columns of an HTML preview

ReferenceName = Literal["near_cutoff", "all_applicants", "zero"]


@dataclass(frozen=True)
class Explanation:
    """One explained decision; `record` holds everything a document states about it."""

    decision: Decision
    config: AuditConfig

    @property
    def id(self) -> str:
        """The decision's id, as the data give it."""
        return self.record.decision.id

    @property
    def record(self) -> Record:
        """The canonical record."""
        return self.decision.record

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical record."""
        return digest(self.record)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The principal reasons, strongest first."""
        return self.record.reasons

    @property
    def relevance(self) -> pd.Series[float]:
        """Relevance by input column, most adverse first."""
        found = {item.column: item.relevance for item in self.record.contributions}
        return pd.Series(found, name="relevance", dtype=float)

    def letter(self, path: str | Path, *, draft: bool = False) -> Path:
        """Write the letter to the applicant as PDF.

        Raises:
            ReportError: the decision is refused, or a review is required, and `draft` is false; or the file cannot be
                written.
        """
        pending = None if draft else review_refusal(self.record, (), self.config)
        if pending is not None:
            raise ReportError(f"{pending.state}: {pending.evidence} `lrp-audit letter` writes reviewed letters.")
        return write_bytes(
            Path(path), report.letter_pdf(self.record, self.decision.addressee, self.config, draft=draft)
        )

    def audit(self, path: str | Path) -> Path:
        """Write the internal decision audit as PDF, the canonical record attached."""
        return write_bytes(Path(path), report.audit_pdf(self.record, self.config))

    def plot(self, axes: Axes | None = None, *, top: int = SHOWN) -> Axes:
        """Draw the strongest columns as signed bars with matplotlib (extra `plot`), on `axes` or a figure of their own.

        Raises:
            ReportError: matplotlib is not installed.
        """
        return figures.plot(self.record, summary(self.record), top, axes)

    def _repr_html_(self) -> str:
        return figures.bars_html(self.record, summary(self.record), SHOWN)


@dataclass(frozen=True)
class Explanations:
    """The explained decisions of a table, in its order; indexed by id or by position."""

    items: tuple[Explanation, ...]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Explanation]:
        return iter(self.items)

    def __getitem__(self, key: str | int) -> Explanation:
        if isinstance(key, int):
            return self.items[key]
        for item in self.items:
            if item.id == key:
                return item
        raise KeyError(f"no decision with id {key!r}")

    def to_frame(self) -> pd.DataFrame:
        """One row per decision: score, margin, outcome, state, then the relevance of every input column."""
        return pd.DataFrame([_row(item) for item in self.items]).set_index("id")

    def _repr_html_(self) -> str:
        return str(self.to_frame().head(SHOWN).to_html())


def explain(
    model: Any,
    frame: pd.DataFrame,
    *,
    reference: ReferenceName | pd.DataFrame | None = None,
    adverse: str | None = None,
    config: AuditConfig | str | Path | None = None,
    text: str | None = None,
    trust_model: bool = False,
) -> Explanations:
    """Explain every row of a table.

    Args:
        model: a scikit-learn estimator or pipeline, a torch module, a text classifier with its
            tokenizer as a pair or a pipeline, or the path of a model file or directory.
        frame: the decisions, one row each.
        reference: the population applicants are compared with, by name, or a table of applicants of which those near
            the cutoff are taken. Default: the configuration's, else `near_cutoff` within `frame`.
        adverse: the class that means refusal. Default: the configuration's, else the model's last class.
        config: an audit.toml or its content.
        text: for a text classifier without a [text] section, the column it reads; default: the only one of text.
        trust_model: open model files that could run code.

    Raises:
        LrpAuditError: something given cannot be used; the message says what, and what to do.

    Examples:
        >>> explanations = lrp_audit.explain(pipeline, applications, adverse="denied")  # doctest: +SKIP
        >>> explanations["A-1017"].relevance.head()  # doctest: +SKIP
    """
    if frame.empty:
        raise DataError("The table to explain has no rows.")
    settings = load(config) if isinstance(config, (str, Path)) else config or _bare(model, frame)
    if isinstance(model, (str, Path)):
        model = open_model(Path(model), trust=trust_model, code=settings.model.code)
    ready = adapted(settings, model)
    settings = _with_choices(settings, reference, adverse or settings.decision.adverse or _last(ready.classes))
    if isinstance(ready, TextModel) and settings.text is None:
        settings = settings.model_copy(update={"text": TextSection(column=text or _only_text(frame))})
    population = reference if isinstance(reference, pd.DataFrame) else _population(config, settings, frame)
    session = new_session(settings, decision_model(settings, ready, population), UNKEYED)
    return Explanations(tuple(Explanation(decision, settings) for decision in decide(session, frame)))


def summary(record: Record) -> str:
    """One line on a decision: outcome, score against cutoff, what the difference is measured from."""
    if record.outcome is None:
        return f"{record.decision.id}: not scored"
    outcome = record.outcome
    words = f"{record.decision.id}: {'adverse' if outcome.adverse else 'not adverse'}"
    words += f", {outcome.cutoff_on} {outcome.score:.4g} against cutoff {outcome.cutoff:.4g}"
    if record.reference is not None:
        words += f", compared with {record.reference.name} ({record.reference.population} people)"
    return words


def _bare(model: Any, frame: pd.DataFrame) -> AuditConfig:
    """Settings where there are none; a column named `id` then holds the ids."""
    name = str(model) if isinstance(model, (str, Path)) else type(model).__name__
    return AuditConfig(model=ModelSection(file=name), facts=FactsSection(id="id" if "id" in frame else None))


def _last(classes: Sequence[str]) -> str:
    if not classes:
        raise ConfigError("A regressor needs a [decision] with adverse = 'above' or 'below', and a cutoff.")
    return classes[-1]


def _only_text(frame: pd.DataFrame) -> str:
    """The one column that holds text."""
    found = [str(name) for name in frame if pd.api.types.is_string_dtype(frame[name]) and name != "id"]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(found) or "none"
    raise DataError(f"Say which column holds the text to explain (text=, --text); columns of text are: {listed}.")


def _with_choices(config: AuditConfig, reference: ReferenceName | pd.DataFrame | None, adverse: str) -> AuditConfig:
    """The configuration with the arguments of `explain` in place of what it says."""
    decision = {**config.decision.model_dump(), "adverse": adverse}
    population = {**config.reference.model_dump(), **({"population": reference} if isinstance(reference, str) else {})}
    return config.model_copy(
        update={
            "decision": DecisionSection.model_validate(decision),
            "reference": ReferenceSection.model_validate(population),
        }
    )


def _population(config: AuditConfig | str | Path | None, settings: AuditConfig, frame: pd.DataFrame) -> pd.DataFrame:
    """The table that `[reference] data` names, else the explained one itself."""
    if settings.reference.data is None:
        return frame
    folder = Path(config).parent if isinstance(config, (str, Path)) else Path()
    return read_table(folder / settings.reference.data, text=text_columns(settings.facts))


def _row(item: Explanation) -> dict[str, object]:
    record = item.record
    outcome, refusal = record.outcome, record.refusal
    return {
        "id": item.id,
        "score": None if outcome is None else outcome.score,
        "margin": None if outcome is None else outcome.margin,
        "adverse": None if outcome is None else outcome.adverse,
        "state": "READY_FOR_REVIEW" if refusal is None else refusal.state,
        **dict(sorted((entry.column, entry.relevance) for entry in record.contributions)),
    }
