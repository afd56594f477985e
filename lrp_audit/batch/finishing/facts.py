"""What a plan says of a run, in the words of its report (BA-01)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from lrp_audit.batch.plan import Plan, Source, Wanted
from lrp_audit.language.messages import Messages, for_reviewers, message
from lrp_audit.report.batch_report import Count, RunFacts, Scope
from lrp_audit.report.names import name_of
from lrp_audit.settings.config import AuditConfig

_DOCUMENTS: dict[Wanted, str] = {
    "none": message("none"),
    "letters": message("letters"),
    "audits": message("audits"),
    "all": message("letters and audits"),
}


def facts_of(plan: Plan, config: AuditConfig) -> RunFacts:
    """Scope, names of versions, and limits of a run."""
    say = for_reviewers(config)
    left_out = plan.rows - plan.decisions
    names = {"model": config.model.name, "reference": name_of(config.reference.population, say)}
    return RunFacts(
        scope=Scope(
            population=say.plural("{count} row of the source", "{count} rows of the source", plan.rows),
            source=_source(plan.source),
            as_of=plan.as_of,
            filters=tuple(_filters(plan, say)),
            sampling=_sampling(plan, say),
            seed=None if plan.sample is None and plan.documents_sample is None else plan.seed,
            exclusions=(Count(name=say("not drawn into the sample"), count=left_out),) if left_out else (),
        ),
        expected=plan.decisions,
        names={kind: name for kind, name in names.items() if name is not None},
        columns=_columns(config),
        exceptions=tuple(_exceptions(plan, config, say)),
    )


def _source(source: Source) -> str:
    if source.query is not None:
        return f"{source.name}: {source.query}"
    return source.name if source.sha256 is None else f"{source.name}, SHA-256 {source.sha256}"


def _filters(plan: Plan, say: Messages) -> Iterator[str]:
    if plan.limit is not None:
        yield say.plural("the first {count} row", "the first {count} rows", plan.limit)
    yield say("documents asked for: {which}", which=say(_DOCUMENTS[plan.documents]))
    if plan.only is not None:
        yield say("documents for adverse decisions only")


def _sampling(plan: Plan, say: Messages) -> str | None:
    """How rows, and decisions to write documents for, were drawn: so that anybody can draw them again."""
    drawn = []
    if plan.sample is not None:
        drawn.append(say("{drawn} of {count} rows", drawn=_count(plan.decisions, say), count=_count(plan.rows, say)))
    if plan.documents_sample is not None:
        drawn.append(say("documents for {drawn} decisions", drawn=_count(plan.documents_sample, say)))
    if not drawn:
        return None
    how = say("those whose SHA-256 of purpose, seed and position is smallest")
    return f"{'; '.join(drawn)}: {how}"


def _count(number: int, say: Messages) -> str:
    return say.number(number, ",")


def _columns(config: AuditConfig) -> dict[str, tuple[str, ...]]:
    """The columns of every reason family, whose names no reason may hold."""
    found: dict[str, list[str]] = defaultdict(list)
    for column in config.columns:
        found[config.family_of(column)].append(column)
    return {family: tuple(columns) for family, columns in found.items()}


def _exceptions(plan: Plan, config: AuditConfig, say: Messages) -> Iterator[str]:
    if not plan.records:
        yield say("Records were not kept: decisions cannot be recomputed, nor documents written, from this folder.")
    if plan.as_of is None:
        yield say("The run had no date, so notices that were due and not sent are not counted as late.")
    if config.checks.level == "none":
        yield say("The explanations were not checked.")
