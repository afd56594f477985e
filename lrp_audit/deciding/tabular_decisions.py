"""Decisions by a model of a table: scored, explained against a population, and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrp_audit.adapters.tabular import Encoded, TabularModel
from lrp_audit.checks import variations
from lrp_audit.checks.encoded_choices import EncodedColumns, encoded_columns
from lrp_audit.checks.evidence import Evidence, Families, Subjects, gather, state, unmeasured
from lrp_audit.checks.full import gather_full
from lrp_audit.checks.full_statements import state_full
from lrp_audit.checks.near_ties import sampled_ties
from lrp_audit.checks.variations import Searcher, plausible_columns
from lrp_audit.deciding.assembly import ColumnFacts, column_facts, conservation, contributions, reference_facts
from lrp_audit.deciding.decision_model import (
    Cutoff,
    Explained,
    adverse_class,
    cutoff,
    model_facts,
    rules_in_words,
)
from lrp_audit.engine import preset
from lrp_audit.errors import DataError
from lrp_audit.explaining.explainer import Explainer, explainer
from lrp_audit.explaining.methods.choice import Attribute, attribution, in_words
from lrp_audit.explaining.reference import MINIMUM_POPULATION, Applicants, PopulationName, Reference, build_reference
from lrp_audit.judging import reasons
from lrp_audit.judging.case import Faithfulness
from lrp_audit.language.messages import for_applicants, for_reviewers
from lrp_audit.records.record import (
    Addressee,
    FamilyContribution,
    MethodFacts,
    ModelFacts,
    Outcome,
    TieBreak,
    Variations,
)
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

    def score(self, frame: pd.DataFrame) -> list[Outcome]:
        """Score and outcome, from the explained graph and from the user's own estimator."""
        model, decision, adverse = self.explainer.model, self.config.decision, self.facts.adverse
        margin = self.explainer.margin(model.encode(frame).inputs)
        own = model.estimated_margin(frame, adverse, decision.against)
        graph, estimator = margin, own
        if decision.cutoff_on != "margin":
            graph, estimator = (model.probability(item, adverse, decision.against) for item in (margin, own))
        near = np.abs(margin - self.cutoff.margin) <= np.abs(own - margin)
        return [
            Outcome(
                adverse=bool(margin[row] >= self.cutoff.margin),
                margin=float(margin[row]),
                cutoff_margin=self.cutoff.margin,
                score=float(graph[row]),
                cutoff=self.cutoff.value,
                cutoff_on=decision.cutoff_on,
                estimator_score=float(estimator[row]),
                near_cutoff=bool(near[row]),
            )
            for row in range(len(frame))
        ]

    def explain(self, frame: pd.DataFrame, addressees: Sequence[Addressee]) -> list[Explained]:
        """Relevance of every column against the population, with the checks of CA-08."""
        model = self.explainer.model
        encoded, typed = model.encode(frame), model.encoding.read(frame)
        relevance = self.attribute(encoded.inputs, self.reference)
        found = contributions(self.column_facts, typed, encoded, model.transformed(encoded), relevance.relevance)
        families = Families.of([column.family for column in self.column_facts])
        groups = [reasons.group(row) for row in found]
        ties = self._ties(encoded, families, groups)
        stated = np.array([self._stated(row, families, ties.get(place)) for place, row in enumerate(groups)])
        subjects = Subjects(typed, encoded, relevance.relevance, stated)
        evidence, full, level = unmeasured(stated), None, self.config.checks.level
        if level != "none":
            evidence = gather(
                self.explainer, self.attribute, subjects, families, self.reference, self.second, self.config
            )
        if level == "full":
            full = gather_full(self.explainer, self.attribute, subjects, families, self.reference, self.config)
        varied = self._variations(subjects)
        say = for_reviewers(self.config)
        return [
            Explained(
                contributions=found[row],
                conservation=conservation(relevance, row),
                checks=(
                    *state(evidence, row, self.config.checks, say),
                    *state_full(full, row, int(evidence.stated[row]), self.config.checks, say),
                    variations.stated(varied.get(row), say),
                ),
                reference=reference_facts(self.reference, float(relevance.reference_margin[row])),
                directions=evidence.directions[row],
                faithfulness=_faithfulness(evidence, row),
                variations=varied.get(row),
                tie=ties.get(row),
            )
            for row in range(len(frame))
        ]

    def _stated(self, groups: tuple[FamilyContribution, ...], families: Families, tie: TieBreak | None) -> list[bool]:
        principal = reasons.exchanged(reasons.stated(groups, self.config.documents.max_reasons), groups, tie)
        named = {item.family for item in principal}
        return [family in named for family in families.names]

    def _ties(
        self, encoded: Encoded, families: Families, groups: Sequence[tuple[FamilyContribution, ...]]
    ) -> dict[int, TieBreak]:
        """Row -> what sampling found of a near-tie at the last place (RS-09).

        Integrated gradients are a choice of another quantity than Shapley values, which then decide nothing.
        """
        checks, most = self.config.checks, self.config.documents.max_reasons
        if not len(self.reference) or self.config.explanation.method == "integrated-gradients":
            return {}
        ranked = {row: reasons.against(group) for row, group in enumerate(groups)}
        rows = [
            row
            for row, group in ranked.items()
            if len(group) > most and reasons.near_tie(group[most - 1], group[most], checks.near_tie)
        ]
        names = [(ranked[row][most - 1].family, ranked[row][most].family) for row in rows]
        found = sampled_ties(self.explainer, encoded.inputs, rows, names, families, self.reference, seed=checks.seed)
        return dict(zip(rows, found, strict=True))

    def _variations(self, subjects: Subjects) -> dict[int, Variations]:
        """Row -> what a search found, for adverse decisions."""
        if not self.config.searches_variations:
            return {}
        line, inputs = self.cutoff.margin, subjects.encoded.inputs
        searcher = Searcher(
            columns=self.variable.plausible,
            settings=self.config.variations,
            limit=line - self.tolerance * (1 + abs(line)),
            score=self.score,
            budget=CHOICES,
            say=for_applicants(self.config),
        )
        adverse = np.flatnonzero(self.explainer.margin(inputs) >= line).tolist()
        return searcher.search(
            subjects.frame,
            adverse,
            lambda row, choices: self.explainer.margin(self.variable.varied(inputs, row, choices)),
        )


def _faithfulness(evidence: Evidence, row: int) -> Faithfulness | None:
    if evidence.putback is None:
        return None
    return Faithfulness(float(evidence.putback.stated[row]), float(evidence.putback.random[row]))


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
    applicants = Applicants(model.encoding.read(valid), encoded.inputs, ready.margin(encoded.inputs) - line.margin)
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
