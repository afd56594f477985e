"""What follows from a case before any state is looked for: families, stated reasons and their words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from lrp_audit.judging.case import AnyFamily, Case, Family, Scored
from lrp_audit.judging.ready import Ready
from lrp_audit.language.messages import Messages
from lrp_audit.language.phrasebook import Phrasebook
from lrp_audit.language.texts import Texts
from lrp_audit.language.wording import Wording
from lrp_audit.settings.config import AuditConfig


@dataclass(frozen=True)
class Findings:
    """A case with what follows from it.

    Attributes:
        ready: the settings.
        families: all, most adverse first.
        against: those that count against the applicant by more than rounding.
        stated: the principal reasons; none where a rule or a person decided.
        words: the statement of every stated family, or the statements supplied.
        floor: relevance up to which a contribution is rounding.
    """

    case: Case
    ready: Ready
    families: Sequence[Family]
    against: tuple[Family, ...]
    stated: tuple[Family, ...]
    words: tuple[Wording, ...]
    floor: float

    @property
    def config(self) -> AuditConfig:
        """The settings."""
        return self.ready.config

    @property
    def texts(self) -> Texts:
        """The legal texts."""
        return self.ready.texts

    @property
    def phrases(self) -> Phrasebook:
        """What may not be said."""
        return self.ready.phrases

    @property
    def say(self) -> Messages:
        """The language of everything said about the case."""
        return self.ready.say

    @property
    def draft(self) -> str:
        """How to see the letter all the same."""
        return self.say("`lrp-audit letter --draft` prints the letter with its gaps marked.")

    @property
    def favoured(self) -> tuple[Family, ...]:
        """The families that count most in the applicant's favour, as many as reasons may be stated."""
        return favourable(self.families, self.floor)[: self.config.documents.max_reasons]

    @cached_property
    def guarded(self) -> Sequence[Scored]:
        """The protected columns, of whatever kind."""
        known = self.case.protected
        return tuple(item for item in self.case.contributions if item.protected != "no") if known is None else known

    @cached_property
    def guarded_families(self) -> frozenset[str]:
        """The families that hold a protected column, of whatever kind."""
        return frozenset([item.family for item in self.guarded])

    def protected(self, kind: Literal["prohibited", "special", "age"]) -> tuple[Scored, ...]:
        """The columns of a protected kind."""
        return tuple([item for item in self.guarded if item.protected == kind])

    def share(self, columns: Collection[Scored]) -> float:
        """What these columns hold of all that columns count against the applicant, whatever family they are in."""
        if not columns:
            return 0.0
        total = sum(max(item.relevance, 0.0) for item in self.case.contributions)
        return sum(max(item.relevance, 0.0) for item in columns) / total if total > 0 else 0.0

    def ranks(self, columns: Iterable[Scored]) -> dict[int, Family]:
        """The stated families that hold any of these columns, by rank."""
        names = {item.family for item in columns}
        if not names:
            return {}
        return {rank: item for rank, item in enumerate(self.stated, start=1) if item.family in names}

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """See `wording.columns_of`; of a decision that was not explained, the configured ones."""
        return self.ready.columns(frozenset([item.column for item in self.case.contributions]))

    def fault(self, text: str) -> str | None:
        """Why a statement may not be printed, in words that follow its quotation; None if it may."""
        return self.ready.fault(text, self.columns)


def favourable(families: Sequence[AnyFamily], floor: float) -> tuple[AnyFamily, ...]:
    """The families that count in the applicant's favour by more than `floor`, most favourable first."""
    found = [item for item in families if item.relevance < -floor]
    return tuple(sorted(found, key=lambda item: (item.relevance, item.family)))
