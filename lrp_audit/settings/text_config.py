"""The section [text] of audit.toml: which column holds a text, and which words of it stand for which reason family.

[text]
column = "narrative"
label = "Your message"
regions = ["US"]

[text.reasons.employment]        # a family whose wording stands under [families.employment]
terms = ["lost my job", "laid off", "unemploy*"]
patterns = ['\\bout of work (since|for)\\b']
labels = ["JOB_LOSS"]
"""

from __future__ import annotations

from typing import Annotated, Literal

import regex
from phonenumbers import SUPPORTED_REGIONS
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lrp_audit.settings.terms import term_words

PATTERN_LENGTH = 500
_FLAGS = regex.IGNORECASE | regex.VERSION1


def compiled(pattern: str) -> regex.Pattern[str]:
    """A pattern of audit.toml: case makes no difference, `\\w` and `\\b` know all scripts.

    Raises:
        ValueError: it is no regular expression, too long, or matches nothing at all; the message says which.
    """
    if len(pattern) > PATTERN_LENGTH:
        raise ValueError(f"the pattern is longer than {PATTERN_LENGTH} characters")
    try:
        expression = regex.compile(pattern, _FLAGS)
    except regex.error as error:
        raise ValueError(f"the pattern is no regular expression ({error})") from None
    if expression.match(""):
        raise ValueError("the pattern matches an empty text, so it says nothing about words")
    return expression


def _pattern(value: str) -> str:
    compiled(value)
    return value


def _term(value: str) -> str:
    term_words(value)
    return value


def _region(value: str) -> str:
    if value not in SUPPORTED_REGIONS:
        raise ValueError("a region is a country code such as US, GB or DE")
    return value


def _filled(value: str) -> str:
    if not value.strip():
        raise ValueError("it must not be empty")
    return value


Term = Annotated[str, AfterValidator(_term)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Region = Annotated[str, AfterValidator(_region)]
Filled = Annotated[str, AfterValidator(_filled)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ReasonWords(_Section):
    """What a reason family is recognised by. Case never matters."""

    terms: tuple[Term, ...] = ()  # words and phrases; a word that ends in * stands for all that begin so
    patterns: tuple[Pattern, ...] = ()  # regular expressions of the `regex` package
    labels: tuple[Filled, ...] = ()  # names of spans that the data label, see TextSection.spans


class TextSection(_Section):
    """A text that the model reads, and what may be said about it."""

    column: Filled  # column of the data
    pair: Filled | None = None  # second text of a model that reads two
    label: Filled | None = None  # what letters and audits call it; default: "Your message", in their language
    pair_label: Filled | None = None
    source: Filled | None = None  # where the text comes from, e.g. "application form"; EU and UK letters print it
    date: Filled | None = None  # column with its date, for "your message of DATE"
    language: Filled = "en"  # of the text; decides the lists of special categories
    regions: tuple[Region, ...] = Field(("US",), min_length=1)  # whose telephone numbers stand without a country code
    spans: Filled | None = None  # column with labelled spans: JSON, [{"start": 0, "end": 9, "label": "JOB_LOSS"}, ...]
    reasons: dict[str, ReasonWords] = Field(
        default_factory=dict
    )  # family -> what it is recognised by, most specific first
    unmapped_share: float = Field(0.1, ge=0, le=1)  # of what counts against, from which words without a reason refuse
    absorbed_share: float = Field(0.5, ge=0, le=1)  # of constants and special tokens beside the words; flags above
    special_content: Literal["refuse", "flag"] = "refuse"  # a special category is named, whatever its influence
    special_terms: dict[str, tuple[Term, ...]] = Field(default_factory=dict)  # category -> further terms
    special_exceptions: tuple[Term, ...] = ()  # phrases that are none, e.g. "church street"
    quote: bool = False  # letters quote the strongest phrase of a reason, masked; only after review
