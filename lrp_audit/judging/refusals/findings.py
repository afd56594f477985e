"""What follows from a case before any state is looked for: families, stated reasons and their words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from lrp_audit.judging.case import Case
from lrp_audit.language.messages import Messages, for_reviewers
from lrp_audit.language.phrasebook import Phrasebook
from lrp_audit.language.texts import Texts
from lrp_audit.language.wording import Wording, columns_of
from lrp_audit.records.record import ColumnContribution, FamilyContribution
from lrp_audit.settings.config import AuditConfig


@dataclass(frozen=True)
class Findings:
    """A case with what follows from it.

    Attributes:
        families: all, most adverse first.
        stated: the principal reasons; none where a rule or a person decided.
        words: the statement of every stated family, or the statements supplied.
        floor: relevance up to which a contribution is rounding.
    """

    case: Case
    config: AuditConfig
    texts: Texts
    phrases: Phrasebook
    families: tuple[FamilyContribution, ...]
    stated: tuple[FamilyContribution, ...]
    words: tuple[Wording, ...]
    floor: float

    @property
    def say(self) -> Messages:
        """The language of everything said about the case."""
        return for_reviewers(self.config)

    @property
    def draft(self) -> str:
        """How to see the letter all the same."""
        return self.say("`lrp-audit letter --draft` prints the letter with its gaps marked.")

    @property
    def favoured(self) -> tuple[FamilyContribution, ...]:
        """The families that count most in the applicant's favour, as many as reasons may be stated."""
        return favourable(self.families, self.floor)[: self.config.documents.max_reasons]

    def protected(self, kind: Literal["prohibited", "special", "age"]) -> tuple[ColumnContribution, ...]:
        """The columns of a protected kind."""
        return tuple(item for item in self.case.contributions if item.protected == kind)

    def share(self, columns: Iterable[ColumnContribution]) -> float:
        """What these columns hold of all that columns count against the applicant, whatever family they are in."""
        total = sum(max(item.relevance, 0.0) for item in self.case.contributions)
        return sum(max(item.relevance, 0.0) for item in columns) / total if total > 0 else 0.0

    def ranks(self, columns: Iterable[ColumnContribution]) -> dict[int, FamilyContribution]:
        """The stated families that hold any of these columns, by rank."""
        names = {item.family for item in columns}
        return {rank: item for rank, item in enumerate(self.stated, start=1) if item.family in names}

    @property
    def columns(self) -> tuple[str, ...]:
        """See `wording.columns_of`; of a decision that was not explained, the configured ones."""
        return columns_of(self.case.contributions, self.config)

    def is_protected(self, family: FamilyContribution) -> bool:
        """Whether a family holds a protected column, of whatever kind."""
        return any(item.protected != "no" for item in self.case.contributions if item.family == family.family)


def favourable(families: Sequence[FamilyContribution], floor: float) -> tuple[FamilyContribution, ...]:
    """The families that count in the applicant's favour by more than `floor`, most favourable first."""
    found = [item for item in families if item.relevance < -floor]
    return tuple(sorted(found, key=lambda item: (item.relevance, item.family)))
