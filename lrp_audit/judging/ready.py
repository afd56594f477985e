"""Settings made ready for judging: what is the same for every decision of a run is looked up once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from lrp_audit.language import phrasebook, wording
from lrp_audit.language.messages import Messages, for_reviewers
from lrp_audit.language.phrasebook import Phrasebook, first_fault
from lrp_audit.language.texts import Texts, load
from lrp_audit.language.wording import Wording
from lrp_audit.settings.config import AuditConfig

_STATEMENTS = 4096  # remembered at most: those of families are few, those that rules and people supply are many

Fault = str | None  # why a statement may not be printed, in words that follow its quotation


@dataclass(frozen=True, eq=False)
class Ready:
    """One audit.toml, with its texts and what they say of statements.

    Attributes:
        say: the language of everything said about a case.
        labels: family -> its name for reviewers.
        codes: family -> its code, for those that have one.
        wording: the statement of a family, given the direction that was confirmed.
        columns: see `wording.columns_of`.
        fault: of a statement, given the names of columns.
        prohibited: which prohibited basis a statement names.
        incomplete: whether a statement says that an application is incomplete.
        contradictions: pairs of statements that repeat or contradict each other.
    """

    config: AuditConfig
    say: Messages
    texts: Texts
    phrases: Phrasebook
    labels: Mapping[str, str]
    codes: Mapping[str, str]
    wording: Callable[[str, Literal["low", "high"] | None], Wording]
    columns: Callable[[frozenset[str]], tuple[str, ...]]
    fault: Callable[[str, tuple[str, ...]], Fault]
    prohibited: Callable[[str], Fault]
    incomplete: Callable[[str], Fault]
    contradictions: Callable[[tuple[str, ...]], Sequence[tuple[str, str]]]


def ready(config: AuditConfig) -> Ready:
    """The settings made ready, once for the same settings.

    Raises:
        ConfigError, ReportError: there are no legal texts, or no catalogue, in a language of the settings.
    """
    return _made(_Same(config))


class _Same:
    """Settings by identity: they never change, and hold tables that cannot be hashed."""

    def __init__(self, config: AuditConfig) -> None:
        self.config = config

    def __hash__(self) -> int:
        return id(self.config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.config is other.config


@lru_cache(maxsize=8)
def _made(same: _Same) -> Ready:
    config = same.config
    say, phrases = for_reviewers(config), phrasebook.load(config.documents.language)
    remembered = lru_cache(maxsize=_STATEMENTS)
    return Ready(
        config=config,
        say=say,
        texts=load(config.documents.language),
        phrases=phrases,
        labels={name: family.label for name, family in config.families.items() if family.label},
        codes={name: family.code for name, family in config.families.items() if family.code is not None},
        wording=remembered(lambda family, direction: wording.wording(family, direction, config)),
        columns=remembered(lambda columns: wording.columns_of(columns, config)),
        fault=remembered(lambda text, columns: wording.fault(text, columns, phrases, say)),
        prohibited=remembered(lambda text: wording.prohibited_term(text, phrases, say)),
        incomplete=remembered(lambda text: first_fault(text, phrases.incomplete, say)),
        contradictions=remembered(lambda statements: wording.contradictions(statements, phrases)),
    )
