"""Decisions by a model of texts, alone or beside columns of a table: scored, explained from zero, and checked."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from lrp_audit.adapters.margins import OutputScale, Target, margin_of
from lrp_audit.adapters.text import TextModel
from lrp_audit.adapters.windows import Text
from lrp_audit.adapters.word_relevance import TextExplainer, TextRelevance, explainer
from lrp_audit.checks import variations
from lrp_audit.checks.absorbed import absorbed, warnings
from lrp_audit.checks.full import FullEvidence
from lrp_audit.checks.full_statements import TEXTS, state_full
from lrp_audit.checks.leave_out import leave_out
from lrp_audit.checks.plausible import Plausible
from lrp_audit.checks.text_full import Explained as ExplainedTexts
from lrp_audit.checks.text_full import gather_text_full
from lrp_audit.checks.text_variations import TextSearcher
from lrp_audit.checks.variations import Searcher, plausible_columns
from lrp_audit.deciding.decision_model import (
    Answers,
    Asked,
    Cutoff,
    Explained,
    adverse_class,
    cutoff,
    model_facts,
    rules_in_words,
)
from lrp_audit.deciding.listed import Listed
from lrp_audit.deciding.text_evidence import JudgedText, TextReader, special_content_refusal, text_reader
from lrp_audit.engine import preset
from lrp_audit.errors import ConfigError, DataError
from lrp_audit.judging import reasons
from lrp_audit.judging.case import Faithfulness
from lrp_audit.judging.ready import ready
from lrp_audit.judging.text_reasons import LabelledSpan, rankable, read_spans
from lrp_audit.language.display import plain, show
from lrp_audit.language.messages import Messages, for_applicants, for_reviewers
from lrp_audit.records.record import (
    Addressee,
    Check,
    ColumnContribution,
    Conservation,
    MethodFacts,
    ModelFacts,
    Outcome,
    ReferenceFacts,
    Refusal,
    Variations,
)
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import ColumnSection
from lrp_audit.settings.text_config import TextSection

CHOICES = 64  # of values beside a text that are run together in a search for variations, for one decision
PRECISION = 1e-5  # relative, of float32 logits
CONSERVATION = 1e-4  # relative, of float32 relevance over many layers

FloatArray = npt.NDArray[np.float64]
_Given = tuple[
    Sequence[TextRelevance],
    Sequence[tuple[JudgedText, ...]],
    Sequence[tuple[ColumnContribution, ...]],
    Sequence[set[str]],
]


@dataclass(frozen=True)
class TextDecisions:
    """A `DecisionModel` over a column of texts, a pair of them, and the columns of any tables the model also takes."""

    config: AuditConfig
    section: TextSection
    explainer: TextExplainer
    target: Target
    scale: OutputScale
    cutoff: Cutoff
    reader: TextReader
    variable: tuple[Plausible, ...]  # columns of the tables that variations may change
    facts: ModelFacts
    method: MethodFacts

    @property
    def model(self) -> TextModel:
        """The text classifier."""
        return self.explainer.model

    @property
    def tolerance(self) -> float:
        """See `DecisionModel`."""
        return PRECISION

    @property
    def table_columns(self) -> tuple[str, ...]:
        """Columns of the float tables, in the order the model takes them."""
        return tuple(column for columns in self.config.model.inputs.values() for column in columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """See `DecisionModel`."""
        section = self.section
        named = (section.column, section.pair, section.spans, section.date)
        return (*(column for column in named if column is not None), *self.table_columns)

    @property
    def explained(self) -> tuple[str, ...]:
        """See `DecisionModel`."""
        texts = (self.section.column, self.section.pair)
        return (*(column for column in texts if column is not None), *self.table_columns)

    def problems(self, frame: pd.DataFrame) -> dict[int, str]:
        """See `DecisionModel`.

        Raises:
            DataError: a column is missing.
        """
        missing = [column for column in self.columns if column not in frame]
        if missing:
            raise DataError(f"The data lack the column '{missing[0]}', which the model or [text] needs.")
        found = {}
        for row in range(len(frame)):
            try:
                self._read_row(frame.iloc[[row]])
            except DataError as error:
                found[row] = str(error)
        return found

    def _read_row(self, row: pd.DataFrame) -> None:
        """Raise DataError, naming the column, unless the model can read the row."""
        self._tables(row)
        (text,), _, _ = self._texts(row), self._spans(row), self._dates(row)
        try:
            self.model.encode([text])
        except DataError as error:
            raise DataError(f"column '{self.section.column}': {error}") from None

    def explain(self, frame: pd.DataFrame, asked: Asked, addressees: Sequence[Addressee]) -> dict[int, Explained]:
        """See `DecisionModel`."""
        if not asked.rows:
            return {}
        found = self._explained(frame.iloc[list(asked.rows)], [addressees[row] for row in asked.rows])
        return dict(zip(asked.rows, found, strict=True))

    def score(self, frame: pd.DataFrame, asked: Asked, explained: Answers[Explained]) -> dict[int, Outcome]:
        """See `DecisionModel`; texts are batched by their length, whatever the size of a chunk.

        To explain a text the model has read it: from zero, all of the margin is explained.
        """
        known = {row: item.conservation.explained for row in asked.rows if (item := explained.get(row)) is not None}
        unread = [row for row in asked.rows if row not in known]
        if unread:
            known |= zip(unread, self._margins_of(frame.iloc[unread]).tolist(), strict=True)
        margins = np.array([known[row] for row in asked.rows])
        return dict(zip(asked.rows, self._outcomes(margins), strict=True))

    def _outcomes(self, margin: FloatArray) -> list[Outcome]:
        """Scores and outcomes of margins."""
        decision = self.config.decision
        on_margin = decision.cutoff_on == "margin"
        score = margin if on_margin else self.scale.probability(margin, self.facts.adverse, decision.against)
        near = np.abs(margin - self.cutoff.margin) <= PRECISION * (1 + np.abs(margin))
        return [
            Outcome(
                adverse=bool(margin[row] >= self.cutoff.margin),
                margin=float(margin[row]),
                cutoff_margin=self.cutoff.margin,
                score=float(score[row]),
                cutoff=self.cutoff.value,
                cutoff_on=decision.cutoff_on,
                estimator_score=None,  # the explained graph is the user's own model
                near_cutoff=bool(near[row]),
            )
            for row in range(len(margin))
        ]

    def _explained(self, frame: pd.DataFrame, addressees: Sequence[Addressee]) -> list[Explained]:
        """Relevance of every word and column from zero, brought to reason families; the text itself is masked."""
        texts, tables = self._texts(frame), self._tables(frame)
        found = self.explainer.explain(texts, self.target, tables)
        judged, listed = self._judged(found, frame, addressees)
        stated = [self._stated(row) for row in listed]
        left_out = self._leave_out(found, judged, stated, tables)
        beside = [self._absorbed(relevance) for relevance in found]
        full = self._full(frame, addressees, (found, judged, listed, stated))
        varied, say = self._variations(frame, found, judged), for_reviewers(self.config)
        return [
            Explained(
                columns=Listed(listed[row], ready(self.config).labels, _by_text(judged[row])),
                conservation=_conservation(found[row], listed[row]),
                checks=(
                    _left_out(left_out[row], say),
                    *state_full(full[row], 0, len(stated[row]), self.config.checks, say, TEXTS),
                    variations.stated(varied.get(row), say),
                    beside[row],
                ),
                reference=_from_zero(),
                faithfulness=left_out[row],
                texts=tuple(item.evidence for item in judged[row]),
                refusals=self._special(judged[row]),
                flags=warnings(beside[row], say),
                variations=varied.get(row),
            )
            for row in range(len(frame))
        ]

    def _judged(
        self, found: Sequence[TextRelevance], frame: pd.DataFrame, addressees: Sequence[Addressee]
    ) -> tuple[list[tuple[JudgedText, ...]], list[tuple[ColumnContribution, ...]]]:
        """Relevance of rows brought to reason families, and all contributions of each, most adverse first."""
        judged = [
            self.reader.read(relevance, spans=spans, names=() if person.name is None else (person.name,), date=date)
            for relevance, spans, person, date in zip(
                found, self._spans(frame), addressees, self._dates(frame), strict=True
            )
        ]
        listed = [
            _ordered((*self._of_tables(relevance, frame.iloc[row]), *_of_texts(judged[row])))
            for row, relevance in enumerate(found)
        ]
        return judged, listed

    def _full(
        self, frame: pd.DataFrame, addressees: Sequence[Addressee], given: _Given
    ) -> Sequence[FullEvidence | None]:
        """The checks of level "full" for every row; None where they are not asked for."""
        found, judged, listed, stated = given
        if self.config.checks.level != "full":
            return [None] * len(frame)

        def judge(again: Sequence[TextRelevance], rows: Sequence[int]) -> list[tuple[dict[str, float], set[str]]]:
            people = [addressees[row] for row in rows]
            return [
                (_families(row), self._stated(row)) for row in self._judged(again, frame.iloc[list(rows)], people)[1]
            ]

        return gather_text_full(
            self.explainer,
            self.target,
            ExplainedTexts(
                texts=self._texts(frame),
                tables=self._tables(frame),
                relevance=found,
                families=[_families(row) for row in listed],
                stated=stated,
                claimed=[
                    [family in stated[row] for item in texts for family in item.family_of_word]
                    for row, texts in enumerate(judged)
                ],
            ),
            judge,
            seed=self.config.checks.seed,
        )

    def _variations(
        self, frame: pd.DataFrame, found: Sequence[TextRelevance], judged: Sequence[Sequence[JudgedText]]
    ) -> dict[int, Variations]:
        """Row -> what a search found, for adverse decisions."""
        if not self.config.searches_variations:
            return {}
        line = self.cutoff.margin
        searcher = Searcher(
            columns=self.variable,
            settings=self.config.variations,
            limit=line - 2 * PRECISION * (1 + abs(line)),
            score=lambda frame, owners, size: self._outcomes(self._margins_of(frame)),
            budget=CHOICES,
            say=for_applicants(self.config),
        )
        adverse = [row for row, relevance in enumerate(found) if relevance.margin >= line]
        sentences = [texts[0].sentences for texts in judged]
        typed = frame.assign(**{column: _numbers(frame, column) for column in self.table_columns})
        return TextSearcher(self.section.column, searcher, self._readable_margins).search(typed, adverse, sentences)

    def _readable_margins(self, frame: pd.DataFrame) -> FloatArray:
        """Margins of rows, infinite where the model cannot read the text."""
        texts, margins = self._texts(frame), np.full(len(frame), np.inf)
        readable = [row for row, text in enumerate(texts) if self._can_read(text)]
        if readable:
            tables = self._tables(frame.iloc[readable])
            margins[readable] = self._margins([texts[row] for row in readable], tables)
        return margins

    def _can_read(self, text: Text) -> bool:
        try:
            self.model.encode([text])
        except DataError:
            return False
        return True

    @property
    def _most(self) -> int:
        return self.config.documents.max_reasons

    def _stated(self, found: tuple[ColumnContribution, ...]) -> set[str]:
        families = rankable(reasons.group(found), self.section)
        return {item.family for item in reasons.stated(families, self._most)}

    def _absorbed(self, relevance: TextRelevance) -> Check:
        words = [word.relevance for passage in relevance.passages for word in passage.words]
        columns = [float(value) for table in relevance.tables.values() for value in table]
        say = for_reviewers(self.config)
        return absorbed(
            (*words, *columns), relevance.special, relevance.sinks, limit=self.section.absorbed_share, say=say
        )

    def _special(self, judged: Sequence[JudgedText]) -> tuple[Refusal, ...]:
        refusal = special_content_refusal([item.evidence for item in judged], self.section, for_reviewers(self.config))
        return () if refusal is None else (refusal,)

    def as_read(self, frame: pd.DataFrame) -> tuple[list[Text], dict[str, Tensor]]:
        """The texts of rows that have no problem, and the tables beside them, as the model takes them."""
        return self._texts(frame), self._tables(frame)

    def _texts(self, frame: pd.DataFrame) -> list[Text]:
        first = [_text(cell, self.section.column) for cell in frame[self.section.column]]
        if self.section.pair is None:
            return list(first)
        return list(zip(first, (_text(cell, self.section.pair) for cell in frame[self.section.pair]), strict=True))

    def _spans(self, frame: pd.DataFrame) -> list[tuple[LabelledSpan, ...]]:
        column = self.section.spans
        if column is None:
            return [()] * len(frame)
        texts = frame[self.section.column]
        return [read_spans(cell, str(text), column) for cell, text in zip(frame[column], texts, strict=True)]

    def _dates(self, frame: pd.DataFrame) -> list[dt.date | None]:
        column = self.section.date
        return [None] * len(frame) if column is None else [_date(cell, column) for cell in frame[column]]

    def _tables(self, frame: pd.DataFrame) -> dict[str, Tensor]:
        return {
            name: torch.tensor(np.column_stack([_numbers(frame, column) for column in columns]), dtype=torch.float32)
            for name, columns in self.config.model.inputs.items()
        }

    def _margins_of(self, frame: pd.DataFrame) -> FloatArray:
        return self._margins(self._texts(frame), self._tables(frame))

    def _margins(self, texts: Sequence[Text], tables: Mapping[str, Tensor]) -> FloatArray:
        return np.asarray(margin_of(self.model.logits(texts, tables), self.target).numpy())

    def _of_tables(self, relevance: TextRelevance, row: pd.Series[Any]) -> list[ColumnContribution]:
        found = []
        for name, columns in self.config.model.inputs.items():
            for column, value in zip(columns, relevance.tables[name], strict=True):
                settings = self.config.columns.get(column, ColumnSection())
                found.append(
                    ColumnContribution(
                        column=column,
                        label=settings.label or column,
                        family=self.config.family_of(column),
                        relevance=float(value),
                        value=plain(row[column]),
                        display=show(row[column], settings, for_applicants(self.config)),
                        reference_display="",
                        source=settings.source,
                        mutable=settings.mutable,
                        protected=settings.protected,
                    )
                )
        return found

    def _leave_out(
        self,
        found: Sequence[TextRelevance],
        judged: Sequence[Sequence[JudgedText]],
        stated: Sequence[set[str]],
        tables: Mapping[str, Tensor],
    ) -> list[Faithfulness | None]:
        """The put-back test of single texts; a pair, or a table beside the text, has no words to compare it with."""
        if self.section.pair is not None or tables or self.config.checks.level == "none":
            return [None] * len(found)
        passages = [item.passages[0] for item in found]
        return leave_out(
            lambda texts: self._margins(list(texts), {}).tolist() if texts else [],
            [passage.text for passage in passages],
            [passage.words for passage in passages],
            [[family in stated[row] for family in judged[row][0].family_of_word] for row in range(len(found))],
            seed=self.config.checks.seed,
        )


def text_decisions(
    config: AuditConfig, model: TextModel, population: pd.DataFrame, *, file_sha256: str | None = None
) -> TextDecisions:
    """A text classifier made ready; `population` shows which values the columns beside a text take.

    Raises:
        LrpAuditError: settings and model do not fit each other; the message says where.
    """
    if config.text is None:
        raise ConfigError("The model reads text: add a section [text] to audit.toml, with the column that holds it.")
    decision, given = config.decision, config.explanation
    adverse = adverse_class(decision, model.classes)
    target = model.margin_target(adverse, decision.against)
    if model.link == "sigmoid-multilabel":
        scale = OutputScale((f"not {adverse}", adverse), "logit")
    else:
        scale = OutputScale(model.classes, model.link)

    def margin_of_score(value: float) -> float:
        scale.check_cutoff(np.array([value]))
        return float(scale.margins(np.array([value]), adverse, decision.against)[0])

    rules = given.rules if "rules" in given.model_fields_set else "attnlrp"
    composite = preset(rules, **({} if given.epsilon is None else {"epsilon": given.epsilon}))
    labels = {name: item.label for name, item in config.families.items() if item.label}
    return TextDecisions(
        config=config,
        section=config.text,
        explainer=explainer(model, composite),
        target=target,
        scale=scale,
        cutoff=cutoff(decision, scale.classes, margin_of_score),
        reader=text_reader(config.text, labels, say=for_reviewers(config), show=for_applicants(config)),
        variable=_variable_columns(config, population),
        facts=model_facts(config, model, adverse, file_sha256),
        method=MethodFacts(
            name="LRP",
            rules=rules_in_words(rules, given.epsilon),
            target=scale.describe(adverse, decision.against, for_reviewers(config)),
            dtype=str(next(model.module.parameters()).dtype).removeprefix("torch."),
        ),
    )


def _variable_columns(config: AuditConfig, population: pd.DataFrame) -> tuple[Plausible, ...]:
    names = [column for columns in config.model.inputs.values() for column in columns]
    known = {name: pd.to_numeric(population[name], errors="coerce") for name in names if name in population}
    return plausible_columns(names, pd.DataFrame(known), config)


def _text(cell: object, column: str) -> str:
    value = plain(cell)
    if value is None:
        raise DataError(f"column '{column}': the text is missing")
    return cell if isinstance(cell, str) else str(value)  # as it stands: what is no text, the model refuses


def _date(cell: object, column: str) -> dt.date | None:
    value = plain(cell)
    if value is None or value == "":
        return None
    try:
        return dt.date.fromisoformat(str(value).replace("T", " ").split(" ")[0])
    except ValueError:
        raise DataError(f"column '{column}': '{value}' is not a date as YYYY-MM-DD") from None


def _numbers(frame: pd.DataFrame, column: str) -> FloatArray:
    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        raise DataError(f"column '{column}': is missing, infinite or not a number")
    return np.asarray(values)


def _ordered(found: Sequence[ColumnContribution]) -> tuple[ColumnContribution, ...]:
    return tuple(sorted(found, key=lambda item: (-item.relevance, item.column)))


def _families(listed: tuple[ColumnContribution, ...]) -> dict[str, float]:
    return {item.family: item.relevance for item in reasons.group(listed)}


def _of_texts(judged: Sequence[JudgedText]) -> list[ColumnContribution]:
    return [contribution for item in judged for contribution in item.contributions]


def _by_text(judged: Sequence[JudgedText]) -> dict[str, float]:
    """The relevance of every text, over its words."""
    return {item.evidence.column: math.fsum(word.relevance for word in item.evidence.words) for item in judged}


def _conservation(relevance: TextRelevance, listed: Sequence[ColumnContribution]) -> Conservation:
    """The books of one text: words and columns, tokens that are nobody's words, and the ledger's sinks."""
    attributed = float(sum(item.relevance for item in listed))
    sinks = {f"token {name}": value for name, value in relevance.special.items()} | dict(relevance.sinks)
    size = abs(attributed) + sum(abs(value) for value in sinks.values())
    return Conservation(
        explained=relevance.margin,
        attributed=attributed,
        sinks=sinks,
        residual=relevance.margin - attributed - sum(sinks.values()),
        tolerance=CONSERVATION * (1 + size),
    )


def _from_zero() -> ReferenceFacts:
    return ReferenceFacts(
        name="zero",
        representation="zero",
        population=0,
        members=0,
        seed=0,
        date=None,
        sha256=hashlib.sha256(b"zero").hexdigest(),
        mean_margin=0.0,
    )


def _left_out(measured: Faithfulness | None, say: Messages) -> Check:
    title = say("Effect of leaving out the words of the stated reasons")
    if measured is None:
        return Check(id="put-back", title=title, status="not performed")
    return Check(
        id="put-back",
        title=title,
        status="performed",
        flag=measured.stated < measured.random,
        measured={"stated": measured.stated, "random": measured.random},
        statement=say(
            "Fall of the adverse margin without the words of the stated reasons, and without as many others."
        ),
    )
