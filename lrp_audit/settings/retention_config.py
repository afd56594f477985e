"""The section [retention] of audit.toml: how long the documents of a decision are kept, and why so long.

[retention]
months = 60
basis = "Limitation period, see policy R-12"

Without it the documents of a US lender are kept as long as Regulation B asks, and all others until somebody says how
long: a period is never guessed. Both are for counsel to confirm.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from lrp_audit.settings.section import Section
from lrp_audit.settings.toml_errors import Key

US_MONTHS, US_BASIS = 25, "12 CFR 1002.12(b)(1)"  # after the notice
US_LEAST = 12  # of business credit, 1002.12(b)(1) and (7)


class RetentionSection(Section):
    """From the notice on, to the last day of the period."""

    months: int | None = Field(None, ge=1, le=1200)
    basis: str | None = None  # the rule or policy behind that number, printed in audits and logged by purges

    def settled(self, letter: str) -> tuple[int, str] | None:
        """Months and their basis; None where nobody has said how long."""
        if self.months is not None and self.basis is not None:
            return self.months, self.basis
        return (US_MONTHS, US_BASIS) if letter == "us-notice" else None


def contradictions(section: RetentionSection, letter: str) -> Iterator[tuple[Key, str]]:
    """A period without its basis, or one that is shorter than the law's."""
    if (section.months is None) != (section.basis is None or not section.basis.strip()):
        given, lacks = ("months", "basis") if section.months is not None else ("basis", "months")
        yield (
            ("retention", given),
            f"retention.{given} needs retention.{lacks}: say both how long documents are kept and why.",
        )
    if letter == "us-notice" and section.months is not None and section.months < US_LEAST:
        yield (
            ("retention", "months"),
            f"retention.months must be at least {US_LEAST} beside a US notice ({US_BASIS}), not {section.months}.",
        )
