"""Sections of audit.toml that letters print: whom to turn to, what is automated, which database was searched.

[review]                         # whom to ask for a person's review
name = "Credit Review Team"
address = ["1 Example Street", "Sampletown"]
email = "review@example.org"
days_to_ask = 30                 # from the date of the letter
days_to_answer = 14              # from the request

[automation]
role = "sole"                    # no person took part; or "assisted"
not_used = ["Nationality", "Health"]

[data_protection_officer], [supervisory_authority], [debt_advice]: contacts, as [institution]
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lrp_audit.settings.section import Section

CONTACTS = (
    "institution",
    "agency",
    "consumer_reporting_agency",
    "review",
    "data_protection_officer",
    "supervisory_authority",
    "debt_advice",
    "database",
)


class ContactSection(Section):
    """An office, and the ways to reach it."""

    name: str
    address: tuple[str, ...]  # lines
    telephone: str | None = None
    email: str | None = None
    website: str | None = None


class ReviewSection(ContactSection):
    """Whom to ask for a person's review, and how long that takes (EU-08)."""

    days_to_ask: int = Field(ge=1, le=3650)  # from the date of the letter
    days_to_answer: int = Field(ge=1, le=365)  # from the request


class AutomationSection(Section):
    """What part automated processing plays in a decision by score, and what it does not look at (EU-02, EU-03)."""

    role: Literal["sole", "assisted"]  # of the score: it decides alone, or a person decides with it
    not_used: tuple[str, ...] = ()  # kinds of data, as applicants know them


class DatabaseSection(ContactSection):
    """A credit database searched before decisions (EU-10); the result of a search is a fact of its row."""

    categories: tuple[str, ...] = Field(min_length=1)  # kinds of data that it holds
