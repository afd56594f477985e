"""Values that a document needs from the configuration or the data, and the gaps that drafts show without them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from markupsafe import Markup, escape

from lrp_audit.language.texts import LegalText


@dataclass(frozen=True)
class Gap:
    """A value that is missing. Templates print it as a box that names where to supply it."""

    key: str  # key of audit.toml, or option of the command line
    what: str  # what is missing, in a few words
    rule: str = ""  # id of the rule that asks for it

    def __html__(self) -> str:
        return Markup('<span class="gap">{}: {}</span>').format(self.what, self.key)

    def __str__(self) -> str:
        return f"{self.what} ({self.key})"


Slot: TypeAlias = str | Gap


@dataclass
class Slots:
    """Collects the gaps met while a document's context is built."""

    gaps: list[Gap] = field(default_factory=list)

    def need(self, value: str | None, key: str, what: str, rule: str = "") -> Slot:
        """`value`, or a gap where it is None or blank."""
        return value if value and value.strip() else self.miss(key, what, rule)

    def miss(self, key: str, what: str, rule: str = "") -> Gap:
        gap = Gap(key, what, rule)
        if gap not in self.gaps:
            self.gaps.append(gap)
        return gap


def filled(text: LegalText, **values: Slot) -> Markup:
    """A legal text with its slots filled, as safe markup. Raises ReportError as `LegalText.fill` does."""
    safe = {name: str(escape(value)) for name, value in values.items()}
    return Markup(replace(text, text=str(escape(text.text.strip()))).fill(**safe))
