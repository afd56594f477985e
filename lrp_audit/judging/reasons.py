"""From contributions to ranked principal reasons, or to the named states in which no letter may go out.

Pure: a `Case` and the settings in, a `Judgement` out. Families are summed before ranking (RS-08), ranking is
deterministic (RS-09), and every refusal names its rules, its evidence with numbers and the next step.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lrp_audit.judging.case import AnyFamily, Case, Faithfulness, Family, Scored, from_report
from lrp_audit.judging.ready import ready
from lrp_audit.judging.refusals import Findings, refusals
from lrp_audit.judging.refusals.findings import favourable
from lrp_audit.judging.refusals.notice import notice_flags
from lrp_audit.judging.text_reasons import rankable
from lrp_audit.language.messages import Messages
from lrp_audit.language.wording import supplied
from lrp_audit.records.record import FamilyContribution, Ranking, Reason, Refusal, TieBreak
from lrp_audit.settings.config import AuditConfig

__all__ = ["Case", "Faithfulness", "Judgement", "against", "group", "in_favour", "judge", "stated"]

ROUNDING = 1e-12  # contributions below this share of the largest are rounding, not reasons


@dataclass(frozen=True)
class Judgement:
    """Reasons as they would be sent, how they were ranked, and what stands against sending them.

    `reasons` is filled as far as it can be even where `refusals` is not empty, for drafts and reviewers: a family
    without approved wording has the text "", a protected family is left out.
    """

    reasons: tuple[Reason, ...]
    ranking: Ranking
    refusals: tuple[Refusal, ...]
    flags: tuple[str, ...]


def group(contributions: Iterable[Scored], labels: Mapping[str, str] | None = None) -> tuple[FamilyContribution, ...]:
    """Families with the exact sum of their columns' relevance, most adverse first, ties by name (RS-08, RS-09).

    Args:
        contributions: one decision's columns, in any order.
        labels: family -> name for reviewers; default: the label of its only column, else the family's own name.
    """
    members: dict[str, list[Scored]] = {}
    for item in contributions:
        members.setdefault(item.family, []).append(item)
    families = [
        FamilyContribution(
            family=name,
            label=(labels or {}).get(name) or (items[0].label if len(items) == 1 else name),
            relevance=math.fsum(item.relevance for item in items),
            columns=tuple(item.column for item in sorted(items, key=lambda item: (-abs(item.relevance), item.column))),
        )
        for name, items in members.items()
    ]
    return tuple(sorted(families, key=lambda item: (-item.relevance, item.family)))


def stated(families: Sequence[AnyFamily], max_reasons: int) -> tuple[AnyFamily, ...]:
    """The principal reasons (RS-01): the families that count most against the applicant, at most `max_reasons`."""
    return against(families)[:max_reasons]


def exchanged(
    principal: tuple[AnyFamily, ...], families: Sequence[AnyFamily], tie: TieBreak | None
) -> tuple[AnyFamily, ...]:
    """The principal reasons with the last one replaced where sampling says that the next family counts more (RS-09)."""
    if tie is None or tie.outcome != "exchanged":
        return principal
    return (*principal[:-1], next(item for item in families if item.family == tie.second))


def against(families: Sequence[AnyFamily]) -> tuple[AnyFamily, ...]:
    """The families that count against the applicant by more than rounding, most adverse first."""
    floor = floor_of(item.relevance for item in families)
    return tuple(item for item in families if item.relevance > floor)


def in_favour(families: Sequence[AnyFamily]) -> tuple[AnyFamily, ...]:
    """The families that count in the applicant's favour by more than rounding, most favourable first."""
    return favourable(families, floor_of(item.relevance for item in families))


def floor_of(relevance: Iterable[float]) -> float:
    """Up to where the relevance of a family is rounding, given that of all families of a decision."""
    return ROUNDING * max(map(abs, relevance), default=0.0)


def judge(case: Case, config: AuditConfig) -> Judgement:
    """Reasons, ranking, refusals in their order of precedence, and flags for the reviewer.

    Raises:
        ConfigError: there are no legal texts in the document's language.
    """
    findings = _findings(case, config)
    ranking = _ranking(findings)
    return Judgement(
        reasons=_supplied_reasons(findings) if case.standing == "routed" else _scored_reasons(findings),
        ranking=ranking,
        refusals=refusals(findings),
        flags=tuple(_flags(findings, ranking)),
    )


def _findings(case: Case, config: AuditConfig) -> Findings:
    known = ready(config)
    families = group(case.contributions, known.labels) if case.families is None else case.families
    routed = case.standing == "routed"
    floor = floor_of([item.relevance for item in (*families[:1], *families[-1:])])  # the largest is at an end
    adverse = tuple([item for item in families if item.relevance > floor])
    ranked = adverse if config.text is None else against(rankable(families, config.text))
    principal = () if routed else exchanged(ranked[: config.documents.max_reasons], families, case.tie)
    words = tuple(known.wording(item.family, case.directions.get(item.family)) for item in principal)
    return Findings(
        case=case,
        ready=known,
        families=families,
        against=adverse,
        stated=principal,
        words=supplied(case.decision.decided_reasons) if routed else words,
        floor=floor,
    )


def _scored_reasons(findings: Findings) -> tuple[Reason, ...]:
    return tuple(
        Reason(
            rank=rank,
            family=family.family,
            text=word.text,
            text_key=word.key,
            relevance=family.relevance,
            columns=family.columns,
            direction=word.direction,
            code=findings.ready.codes.get(family.family),
        )
        for rank, (family, word) in enumerate(zip(findings.stated, findings.words, strict=True), start=1)
        if family.family not in findings.guarded_families
    )


def _supplied_reasons(findings: Findings) -> tuple[Reason, ...]:
    return tuple(
        Reason(rank=rank, family="", text=word.text, text_key=word.key, relevance=0.0, columns=())
        for rank, word in enumerate(findings.words, start=1)
    )


def _ranking(findings: Findings) -> Ranking:
    """RS-09: how far the last stated family is from the first that is left out, and what the stated ones cover."""
    if not findings.stated:
        return Ranking()
    adverse = findings.against
    total = math.fsum(item.relevance for item in adverse)
    covered = math.fsum(item.relevance for item in findings.stated) / total
    text = findings.config.text
    ranked = adverse if text is None else against(rankable(findings.families, text))
    following = next((item for item in ranked if item not in findings.stated), None)
    if following is None:
        return Ranking(covered=covered)
    last = findings.stated[-1]
    gap = last.relevance - following.relevance
    return Ranking(
        gap=gap,
        near_tie=near_tie(last, following, findings.config.checks.near_tie),
        next_family=following.family,
        covered=covered,
        sampled=findings.case.tie,
    )


def near_tie(last: Family, following: Family, limit: float) -> bool:
    """Whether two families are nearer to each other than relevance can tell: `limit` is a share of the larger one."""
    return abs(last.relevance - following.relevance) <= limit * max(last.relevance, following.relevance)


def _flags(findings: Findings, ranking: Ranking) -> Iterator[str]:
    """Sentences for the reviewer: what does not stop a letter and should be seen."""
    yield from _ranking_flags(findings, ranking)
    for flags in (_decision_flags, _protected_flags, _report_flags, notice_flags):
        yield from flags(findings)


def _ranking_flags(findings: Findings, ranking: Ranking) -> Iterator[str]:
    say = findings.say
    if ranking.sampled is not None:
        yield from _sampled_flags(findings, ranking.sampled)
    elif ranking.near_tie and ranking.next_family is not None and ranking.gap is not None:
        following = _label(findings.families, ranking.next_family)
        yield near_tie_flag(findings.stated[-1].label, ranking.gap, following, say)
    for first, second in zip(findings.stated, findings.stated[1:], strict=False):
        if first.relevance - second.relevance <= findings.floor:
            yield say(
                "Tie: '{first}' and '{second}' count the same and are ordered by name (RS-09).",
                first=first.label,
                second=second.label,
            )


def near_tie_flag(last: str, gap: float, following: str, say: Messages) -> str:
    """What a reviewer reads of a near-tie, given what the last stated family and the next one are called."""
    return say(
        "Near-tie: the last stated reason '{last}' is {gap} ahead of '{next}', which is left out (RS-09).",
        last=last,
        gap=say.number(gap, ".3g"),
        next=following,
    )


def _sampled_flags(findings: Findings, tie: TieBreak) -> Iterator[str]:
    say = findings.say
    numbers = {"difference": say.number(tie.difference, "+.3g"), "error": say.number(tie.standard_error, ".2g")}
    names = {"first": _label(findings.families, tie.first), "second": _label(findings.families, tie.second)}
    if tie.outcome == "tied":
        yield say(
            "Tie: Shapley sampling could not tell '{first}' from '{second}' (difference {difference}, standard error "
            "{error}); the order of relevance is kept (RS-09).",
            **names,
            **numbers,
        )
    elif tie.outcome == "exchanged":
        yield say(
            "Near-tie: Shapley sampling puts '{second}' before '{first}' (difference {difference}, standard error "
            "{error}), so '{second}' is stated (RS-09).",
            **names,
            **numbers,
        )


def _label(families: Iterable[Family], name: str) -> str:
    return next(item.label for item in families if item.family == name)


def _decision_flags(findings: Findings) -> Iterator[str]:
    say, case, dates = findings.say, findings.case, findings.case.decision.dates
    if case.outcome is not None and case.outcome.near_cutoff:
        yield say("The score is nearer to the cutoff than the model and its graph are to each other.")
    delivered = dates.notice_sent or dates.notice
    if dates.notice_due is not None and delivered is not None and delivered > dates.notice_due:
        yield say(
            "Late: the notice of {delivered} was due on {due} (12 CFR 1002.9(a)(1)).",
            delivered=say.date(delivered),
            due=say.date(dates.notice_due),
        )
    if case.standing == "routed":
        if case.decision.decided_by == "rule":
            yield say("Decided by a rule: the reasons are that rule's own (RS-04).")
        else:
            yield say("Decided by a person: the reasons are that person's own (RS-04).")
        if case.problem:
            yield say("The model could not have scored this row ({problem}); it did not decide.", problem=case.problem)
        if len(findings.words) > findings.config.documents.max_reasons:
            yield say.plural(
                "{count} reason was supplied; more than four are unlikely to help (RS-01).",
                "{count} reasons were supplied; more than four are unlikely to help (RS-01).",
                len(findings.words),
            )
    approval = findings.config.approval
    if approval is not None and dates.notice is not None and approval.on > dates.notice:
        yield say(
            "The texts were approved on {approved}, after the notice date {notice}.",
            approved=say.date(approval.on),
            notice=say.date(dates.notice),
        )


def _protected_flags(findings: Findings) -> Iterator[str]:
    if not findings.guarded:
        return
    say, limit = findings.say, findings.config.checks.protected_share
    total = sum(abs(item.relevance) for item in findings.case.contributions)
    for item in findings.guarded:
        if item.relevance < -findings.floor and -item.relevance >= limit * total:
            yield say(
                "The protected column '{column}' counts in the applicant's favour, with {share} of all.",
                column=item.column,
                share=say.percent(-item.relevance / total, 1),
            )
    age = findings.share(findings.protected("age"))
    if age > 0 and age >= limit:
        yield say("Age holds {share} of what counts against the applicant (RS-12).", share=say.percent(age, 1))


def _report_flags(findings: Findings) -> Iterator[str]:
    say, bureau = findings.say, findings.case.decision.bureau
    if len(bureau.key_factors) > 4:
        yield say.plural(
            "{count} key factor of the credit score was supplied; a notice states four (US-09).",
            "{count} key factors of the credit score were supplied; a notice states four (US-09).",
            len(bureau.key_factors),
        )
    known = findings.case.reported
    if bureau.report_used or (known is not None and not known):
        return
    named = {column for family in findings.stated for column in family.columns}
    for item in findings.case.contributions if known is None else known:
        if item.column in named and from_report(item.source):
            yield say(
                "'{column}' comes from '{source}'; no consumer report is recorded as used (US-08).",
                column=item.column,
                source=item.source,
            )
