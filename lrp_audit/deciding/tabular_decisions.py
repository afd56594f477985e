"""Decisions by a model of a table: scored, explained against a population, and checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_audit.adapters.tabular import Encoded, TabularModel
from lrp_audit.checks.encoded_choices import EncodedColumns, encoded_columns
from lrp_audit.checks.evidence import Families, Subjects, gather, unmeasured
from lrp_audit.checks.full import gather_full
from lrp_audit.checks.near_ties import sampled_ties
from lrp_audit.checks.variations import Searcher, plausible_columns
from lrp_audit.deciding.assembly import ColumnFacts, column_facts
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
from lrp_audit.deciding.tabular_answers import Explanations, Scores
from lrp_audit.deciding.weighed import WeighedTable
from lrp_audit.engine import preset
from lrp_audit.errors import DataError
from lrp_audit.explaining.explainer import Explainer, explainer
from lrp_audit.explaining.methods.choice import Attribute, attribution, in_words
from lrp_audit.explaining.reference import MINIMUM_POPULATION, Applicants, PopulationName, Reference, build_reference
from lrp_audit.judging.ready import ready
from lrp_audit.language.messages import for_applicants, for_reviewers
from lrp_audit.records.record import Addressee, MethodFacts, ModelFacts, Outcome, TieBreak, Variations
from lrp_audit.settings.config import AuditConfig, check_columns

CHOICES = 1024  # of values that are run together in a search for variations, for one decision

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TabularDecisions:
    """A `DecisionModel` over the columns of a table.

    Attributes:
        attribute: the method of audit.toml.
        second: the other reference population that reasons are compared under (CA-08); None where there is none.
        variable: columns that variations may change.
    """

    config: AuditConfig
    explainer: Explainer
    attribute: Attribute
    cutoff: Cutoff
    reference: Reference
    second: Reference | None
    column_facts: tuple[ColumnFacts, ...]
    variable: EncodedColumns
    facts: ModelFacts
    method: MethodFacts

    @property
    def columns(self) -> tuple[str, ...]:
        """See `DecisionModel`."""
        return self.explainer.model.columns

    @property
    def explained(self) -> tuple[str, ...]:
        """See `DecisionModel`."""
        return self.columns

    @property
    def tolerance(self) -> float:
        """See `DecisionModel`."""
        return self.explainer.model.tolerance

    def problems(self, frame: pd.DataFrame) -> dict[int, str]:
        """See `DecisionModel`."""
        found = self.explainer.model.invalid(frame)
        say = for_reviewers(self.config)
        return {
            row: say("column '{column}': {why}", column=column, why=say(why)) for row, (column, why) in found.items()
        }

    def score(self, frame: pd.DataFrame, asked: Asked, explained: Answers[Explained]) -> Answers[Outcome]:
        """Score and outcome, from the explained graph and from the user's own estimator."""
        if not asked.rows:
            return {}
        rows, filled = frozenset(asked.rows), frame.iloc[asked.filled()]
        encoded = explained.table.encoded if isinstance(explained, Explanations) and explained.rows == rows else None
        return self._scores(rows, encoded or self.explainer.model.encode(filled))

    def _scores(self, rows: frozenset[int], encoded: Encoded) -> Scores:
        model, decision, adverse = self.explainer.model, self.config.decision, self.facts.adverse
        margin = self.explainer.margin(encoded.inputs)
        own = model.estimated_margin(encoded, adverse, decision.against)
        graph, estimator = margin, own
        if decision.cutoff_on != "margin":
            graph, estimator = (model.probability(item, adverse, decision.against) for item in (margin, own))
        return Scores(rows, self.cutoff, decision.cutoff_on, margin, graph, own, estimator)

    def explain(self, frame: pd.DataFrame, asked: Asked, addressees: Sequence[Addressee]) -> Answers[Explained]:
        """Relevance of every column against the population, with the checks of CA-08."""
        if not asked.rows:
            return {}
        rows, config, filled = frozenset(asked.rows), self.config, frame.iloc[asked.filled()]
        model = self.explainer.model
        encoded = model.encode(filled)
        relevance = self.attribute(encoded.inputs, self.reference)
        labels = ready(config).labels
        table = WeighedTable(self.column_facts, encoded, model.transformed(encoded), relevance.relevance, labels)
        families = Families.of([column.family for column in self.column_facts])
        ties = self._ties(encoded, families, table, rows)
        stated = table.stated(config.documents.max_reasons)
        for row, tie in ties.items():
            if tie.outcome == "exchanged":
                stated[row, [families.names.index(tie.first), families.names.index(tie.second)]] = False, True
        subjects = Subjects(encoded, relevance.relevance, stated)
        evidence, full, level = unmeasured(stated), None, config.checks.level
        if level != "none":
            evidence = gather(self.explainer, self.attribute, subjects, families, self.reference, self.second, config)
        if level == "full":
            full = gather_full(self.explainer, self.attribute, subjects, families, self.reference, config)
        varied, say = self._variations(subjects, rows), for_reviewers(config)
        return Explanations(rows, table, relevance, self.reference, evidence, full, ties, varied, config.checks, say)

    def _ties(
        self, encoded: Encoded, families: Families, table: WeighedTable, rows: frozenset[int]
    ) -> dict[int, TieBreak]:
        """Row -> what sampling found of a near-tie at the last place (RS-09).

        Integrated gradients are a choice of another quantity than Shapley values, which then decide nothing.
        """
        checks, most = self.config.checks, self.config.documents.max_reasons
        another = self.config.explanation.method == "integrated-gradients"
        if checks.level == "none" or another or not len(self.reference):
            return {}
        near = {row: pair for row, pair in table.near_ties(most, checks.near_tie).items() if row in rows}
        named = [(families.names[last], families.names[following]) for last, following in near.values()]
        found = sampled_ties(self.explainer, encoded.inputs, [*near], named, families, self.reference, seed=checks.seed)
        return dict(zip(near, found, strict=True))

    def _variations(self, subjects: Subjects, rows: frozenset[int]) -> dict[int, Variations]:
        """Row -> what a search found, for those of `rows` that are adverse."""
        if not self.config.searches_variations:
            return {}
        line, inputs = self.cutoff.margin, subjects.encoded.inputs
        searcher = Searcher(
            columns=self.variable.plausible,
            settings=self.config.variations,
            limit=line - self.tolerance * (1 + abs(line)),
            score=self._confirmed,
            budget=CHOICES,
            say=for_applicants(self.config),
        )
        adverse = [row for row in np.flatnonzero(self.explainer.margin(inputs) >= line).tolist() if row in rows]
        return searcher.search(
            subjects.encoded.table,
            adverse,
            lambda row, choices: self.explainer.margin(self.variable.varied(inputs, row, choices)),
        )

    def _confirmed(self, frame: pd.DataFrame, owners: Sequence[int], size: int) -> list[Outcome]:
        """Outcomes of varied rows, each run in a place of its owner's own, whatever is found for other rows."""
        most, taken, places = self.config.variations.most, Counter[int](), []
        for owner in owners:
            places.append(owner * most + taken[owner])
            taken[owner] += 1
        filled = [0] * (size * most)
        for position, place in enumerate(places):
            filled[place] = position
        scores = self._scores(frozenset(), self.explainer.model.encode(frame.iloc[filled]))
        return [scores.outcome(place) for place in places]


def tabular_decisions(
    config: AuditConfig, model: TabularModel, population: pd.DataFrame, *, file_sha256: str | None = None
) -> TabularDecisions:
    """A model of a table made ready, with the reference drawn from `population`.

    Raises:
        LrpAuditError: settings, model and population do not fit each other; the message says where.
    """
    check_columns(config, model.columns)
    decision, rules = config.decision, config.explanation
    adverse = adverse_class(decision, model.classes)
    target = model.margin_target(adverse, decision.against)
    line = cutoff(
        decision,
        model.classes,
        lambda value: float(model.margin_of_score(np.array([value]), adverse, decision.against)[0]),
    )
    valid = _valid_rows(model, population)
    model.verify(valid)
    encoded = model.encode(valid)
    composite = preset(rules.rules, **({} if rules.epsilon is None else {"epsilon": rules.epsilon}))
    ready = explainer(model, encoded, target, composite, loses=rules.rules != "lrp0")
    applicants = Applicants(encoded.table, encoded.inputs, ready.margin(encoded.inputs) - line.margin)
    reference = _reference(config, applicants, model, config.reference.population)
    method, settings = in_words(rules, rules_in_words(rules.rules, rules.epsilon), for_reviewers(config))
    return TabularDecisions(
        config=config,
        explainer=ready,
        attribute=attribution(ready, rules),
        cutoff=line,
        reference=reference,
        second=_second_reference(config, applicants, model),
        column_facts=column_facts(model.columns, config, reference),
        variable=_variable_columns(config, applicants.frame, model),
        facts=model_facts(config, model, adverse, file_sha256),
        method=MethodFacts(
            name=method,
            rules=settings,
            target=model.describe_target(adverse, decision.against, for_reviewers(config)),
            dtype="float64",
        ),
    )


def _variable_columns(config: AuditConfig, population: pd.DataFrame, model: TabularModel) -> EncodedColumns:
    columns = plausible_columns(model.columns, population, config, listed=model.encoding.listed)
    return encoded_columns(model, population, columns)


def _valid_rows(model: TabularModel, population: pd.DataFrame) -> pd.DataFrame:
    invalid = model.invalid(population)
    valid = population.iloc[[row for row in range(len(population)) if row not in invalid]]
    if valid.empty:
        if not invalid:
            raise DataError("The reference data have no rows.")
        row, (column, why) = next(iter(invalid.items()))
        raise DataError(f"No row of the data can be scored; row {row + 1}, column '{column}': {why}.")
    return valid


def _reference(
    config: AuditConfig, applicants: Applicants, model: TabularModel, population: PopulationName
) -> Reference:
    section = config.reference
    return build_reference(
        applicants,
        model,
        name=population,
        representation=section.representation,
        size=section.size,
        members=section.members,
        seed=section.seed,
        date=section.date,
    )


def _second_reference(config: AuditConfig, applicants: Applicants, model: TabularModel) -> Reference | None:
    """The other comparison of comment 9(b)(2)-5, where enough people stand behind it."""
    others: dict[PopulationName, PopulationName] = {
        "near_cutoff": "all_applicants",
        "all_applicants": "near_cutoff",
    }
    name = others.get(config.reference.population)
    enough = len(applicants.frame) if name == "all_applicants" else int((applicants.margin < 0).sum())
    return None if name is None or enough < MINIMUM_POPULATION else _reference(config, applicants, model, name)
