"""The shipped legal texts: notices, sample reasons and agencies, one file per language.

No shipped text counts as approved. A lender approves the texts, like all wording, by `[approval]` of audit.toml.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from lrp_audit.errors import ConfigError, ReportError
from lrp_audit.resources import templates
from lrp_audit.settings.toml_errors import did_you_mean

SLOTS = frozenset({
    "accept_by", "agency", "categories", "count", "creditor", "date", "days", "high", "items", "label", "low",
    "most", "name", "numbers", "own", "quote", "reason", "reference", "request", "respond_by", "result", "score",
    "score_date", "source", "value"
})  # fmt: skip

_TABLES = frozenset({"language", "version", "text", "reason", "agency"})
_SLOT = re.compile(r"\{([a-z_]+)\}")
_LANGUAGE = re.compile(r"[A-Za-z-]+")


@dataclass(frozen=True)
class LegalText:
    """One text, its source in the law, and the version of its wording. `approved` is false in every shipped text."""

    id: str
    source: str
    version: str
    language: str
    approved: Literal[False]
    text: str

    @property
    def slots(self) -> frozenset[str]:
        """Names of the slots that `fill` needs."""
        return frozenset(_SLOT.findall(self.text))

    def fill(self, **values: str) -> str:
        """The text with its slots filled; values are inserted as they are, never read for slots of their own.

        Raises:
            ReportError: a value is for no slot there is, or a slot has no value.
        """
        if unknown := sorted(values.keys() - SLOTS):
            raise ReportError(f"Texts have no slot '{unknown[0]}'; allowed: {', '.join(sorted(SLOTS))}.")
        if missing := sorted(self.slots - values.keys()):
            raise ReportError(f"The text '{self.id}' needs a value for its slot '{missing[0]}'.")
        return _SLOT.sub(lambda slot: values[slot[1]], self.text)


@dataclass(frozen=True)
class Agency:
    """A federal agency of Appendix A, and the creditors that list it."""

    id: str
    source: str
    version: str
    language: str
    approved: Literal[False]
    creditors: str
    name: str
    address: tuple[str, ...]


Entry = TypeVar("Entry", LegalText, Agency)


@dataclass(frozen=True)
class Texts:
    """All texts of one language. Indexing by id gives a `LegalText`."""

    language: str
    version: str
    legal: Mapping[str, LegalText]
    reasons: Mapping[str, LegalText]
    agencies: Mapping[str, Agency]

    def __getitem__(self, name: str) -> LegalText:
        """The legal text with this id; ReportError where there is none."""
        if name in self.legal:
            return self.legal[name]
        raise ReportError(f"There is no legal text '{name}' in '{self.language}'{did_you_mean(name, self.legal)}")


def languages() -> tuple[str, ...]:
    """Languages that have texts, as their files are named."""
    return tuple(sorted(path.stem for path in (templates() / "texts").glob("*.toml")))


def federal_agencies() -> Mapping[str, Agency]:
    """The agencies of Appendix A by id; their names and addresses are not translated."""
    return load("en").agencies


@lru_cache(maxsize=16)
def load(language: str) -> Texts:
    """The texts of one language; a region (`de-AT`) uses those of its language.

    Raises:
        ConfigError: there are no texts in this language.
        ReportError: the file is damaged.
    """
    known, name = languages(), language.split("-", maxsplit=1)[0]
    if not _LANGUAGE.fullmatch(language) or name not in known:
        raise ConfigError(
            f"documents.language: there are no legal texts in '{language}'; available: {', '.join(known)}."
        )
    return read(templates() / "texts" / f"{name}.toml")


@lru_cache
def read(path: Path) -> Texts:
    """The texts of one file, which is read once.

    Raises:
        ReportError: the file is damaged, or claims an approval that only audit.toml can give.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        if unknown := sorted(raw.keys() - _TABLES):
            raise ValueError(f"'{unknown[0]}' is none of {', '.join(sorted(_TABLES))}")
        language = str(raw["language"])
        return Texts(
            language=language,
            version=str(raw["version"]),
            legal=_by_id(LegalText, raw["text"], language),
            reasons=_by_id(LegalText, raw.get("reason", []), language),
            agencies=_by_id(Agency, raw.get("agency", []), language),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReportError(f"The legal texts '{path.name}' are damaged ({error}): install the package again.") from None


def _by_id(kind: type[Entry], entries: list[dict[str, Any]], language: str) -> Mapping[str, Entry]:
    found: dict[str, Entry] = {}
    for entry in entries:
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
        }
        item = kind(language=language, **fields)
        if item.approved is not False or item.id in found:
            raise ValueError(f"'{item.id}' stands twice, or is not marked approved = false")
        if isinstance(item, LegalText) and (not item.slots <= SLOTS or set("{}") & set(_SLOT.sub("", item.text))):
            raise ValueError(f"'{item.id}' holds a brace that is no slot")
        found[item.id] = item
    return MappingProxyType(found)
