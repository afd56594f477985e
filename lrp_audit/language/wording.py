"""The words of a reason: which approved statement stands for a family, and what no statement may say."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from lrp_audit.language.messages import ENGLISH, Messages
from lrp_audit.language.phrasebook import Phrasebook, first_fault
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.sections import FamilySection
from lrp_audit.settings.toml_errors import dotted

SUPPLIED = "facts.decided_reasons"  # where the wording of rules and people comes from

Direction = Literal["low", "high"]
DIRECTIONS: tuple[Direction | None, ...] = (None, "low", "high")  # what a test of one may come to


@dataclass(frozen=True)
class Wording:
    """A statement, or "" where none is approved, and the key of audit.toml it stands under."""

    text: str
    key: str
    direction: Direction | None = None


def wording(family: str, direction: Direction | None, config: AuditConfig) -> Wording:
    """The statement of a family in the document's language.

    Args:
        family: its name.
        direction: the direction that its test confirmed; only then a statement with a direction word is used (RS-11).
        config: the settings.
    """
    language = config.documents.language
    section = config.families.get(family, FamilySection())
    directed = {"low": section.text_low, "high": section.text_high, None: {}}[direction]
    if direction is not None and language in directed:
        return Wording(directed[language], dotted(("families", family, f"text_{direction}", language)), direction)
    return Wording(section.text.get(language, ""), dotted(("families", family, "text", language)))


def supplied(reasons: Iterable[str]) -> tuple[Wording, ...]:
    """Statements that the rule or the person that decided gave (RS-04)."""
    return tuple(Wording(text, SUPPLIED) for text in reasons)


def fault(text: str, columns: Iterable[str], phrases: Phrasebook, say: Messages = ENGLISH) -> str | None:
    """Why a statement may not be printed (regulations, 2.6), in words that follow its quotation; None if it may."""
    if said := first_fault(text, (*phrases.reasons, *phrases.anywhere), say):
        return said
    return column_name_in(text, columns, say)


def column_name_in(text: str, columns: Iterable[str], say: Messages = ENGLISH) -> str | None:
    """Which column's name a text holds, in words that follow its quotation; None for none that is made for machines."""
    folded = text.casefold()
    for column in columns:
        name = column.casefold()
        if name in folded and _is_raw(column) and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", folded):
            return say("holds the column name '{column}', which an applicant cannot understand", column=column)
    return None


def columns_of(columns: Iterable[str], config: AuditConfig) -> tuple[str, ...]:
    """Names of these and the configured columns, without those that are a label for people too; in order of names."""
    named = (*(item.label for item in config.columns.values()), *(item.label for item in config.families.values()))
    labels = {label.casefold() for label in named if label}
    return tuple(sorted(name for name in {*columns, *config.columns} if name.casefold() not in labels))


def prohibited_term(text: str, phrases: Phrasebook, say: Messages = ENGLISH) -> str | None:
    """The prohibited basis that a statement names, in words that follow its quotation; None if it names none."""
    return first_fault(text, phrases.prohibited, say)


def contradictions(statements: Sequence[str], phrases: Phrasebook) -> tuple[tuple[str, str], ...]:
    """Pairs of statements that say the same, or the opposite: word by word they are equal or opposites."""
    return tuple(
        (first, second)
        for first, second in combinations(statements, 2)
        if _answers(_words(first), _words(second), phrases.opposites)
    )


def _answers(first: Sequence[str], second: Sequence[str], opposites: Collection[frozenset[str]]) -> bool:
    return len(first) == len(second) and all(
        one == other or frozenset((one, other)) in opposites for one, other in zip(first, second, strict=True)
    )


def _is_raw(column: str) -> bool:
    """Whether a column is named for machines: one token with `_`, a dot, a digit or a capital inside."""
    return " " not in column and not column.isdigit() and re.search(r"[_.\d]|\w[A-Z]", column) is not None


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
