"""Forms that personal data take in letters and messages: one function or pattern per kind, in order of precedence.

Every pattern repeats only over bounded stretches or over characters that the next part of it cannot match, so the
search takes time proportional to the text. What only looks alike (dates, amounts, years) is left alone.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

Place = tuple[int, int]
Recogniser = Callable[[str], Iterator[Place]]

_SPACE = r"[ \t\u00a0\u2009\u202f]"


def _pattern(expression: str, flags: int = 0) -> Recogniser:
    """The places of a pattern, or of its group `it` where it has one."""
    compiled = re.compile(expression, flags)
    group = "it" if "it" in compiled.groupindex else 0
    return lambda text: (match.span(group) for match in compiled.finditer(text))


def luhn(digits: str) -> bool:
    """The check digit of payment cards (ISO/IEC 7812-1, annex B)."""
    doubled = (int(digit) * (1 + position % 2) for position, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def iban(compact: str) -> bool:
    """The check digits of an international bank account number (ISO 13616, ISO 7064 MOD 97-10)."""
    moved = compact[4:] + compact[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


_CARD = re.compile(rf"(?<![\d.])\d(?:(?:{_SPACE}|-)?\d){{12,18}}(?!\d)")
_CARD_GROUPS = re.compile(r"(?:\d{4}\D){3}\d{4}|\d{4}\D\d{6}\D\d{5}")


def _cards(text: str) -> Iterator[Place]:
    for match in _CARD.finditer(text):
        digits = "".join(filter(str.isdigit, match.group()))
        if luhn(digits) or _CARD_GROUPS.fullmatch(match.group()):  # a mistyped card number is one as well
            yield match.span()


_IBAN = re.compile(rf"(?<![A-Za-z0-9])[A-Za-z]{{2}}[0-9]{{2}}(?:{_SPACE}?[A-Za-z0-9]){{11,30}}(?![A-Za-z0-9])")


def _ibans(text: str) -> Iterator[Place]:
    """The longest valid beginning, since words may follow; without spaces also a mistyped one."""
    for match in _IBAN.finditer(text):
        found = match.group()
        ends = [end for end in range(len(found), 14, -1) if end == len(found) or not found[end].isalnum()]
        valid = (end for end in ends if iban("".join(filter(str.isalnum, found[:end]))))
        unspaced = re.match(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", found)
        length = next(valid, unspaced.end() if unspaced and any(map(str.isdigit, found[4:])) else 0)
        if length:
            yield match.start(), match.start() + length


_INTERNET = re.compile(
    r"(?<![\w.:])(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![\w:]|\.\d)"
)


def _internet_addresses(text: str) -> Iterator[Place]:
    for match in _INTERNET.finditer(text):
        try:
            ipaddress.ip_address(match.group())
        except ValueError:
            continue
        if any(map(str.isalnum, match.group())):  # "::" is an address, and punctuation
            yield match.span()


_NAMED_NUMBER = re.compile(
    r"\b(?:accounts?|acct|a/c|loan|card|policy|customer|client|member(?:ship)?|reference|ref|case|claim|file|"
    r"invoice|order|confirmation|tracking|complaint|ticket|routing|sort code|passport|licen[cs]e|permit|tax id|ein|"
    r"itin|vin|id)\b"
    rf"(?P<sure>{_SPACE}{{0,2}}(?:numbers?|num|nr|no\b|nos\b|#|id\b|code|ending(?:{_SPACE}in)?)?[.:#]?)"
    rf"(?:{_SPACE}(?:is|was)(?={_SPACE}))?[\s:#]{{0,3}}(?P<it>[A-Z0-9][A-Z0-9/-]{{2,30}})",
    re.IGNORECASE,
)


def _named_numbers(text: str) -> Iterator[Place]:
    """What is called a number: four digits are enough after "no.", five without it, so that a year is none."""
    for match in _NAMED_NUMBER.finditer(text):
        if sum(map(str.isdigit, match["it"])) >= (4 if match["sure"].strip() else 5):
            yield match.span("it")


_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|OR|PA|"
    "PR|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY"
)
_ROADS = (
    "Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Terrace|Ter|Circle|Cir|Parkway|Pkwy|"
    "Highway|Hwy|Square|Sq|Close|Crescent|Gardens|Mews|Row|Hill|Trail|Way"
)
_ROAD = (
    rf"(?<![\w.,$])\d{{1,6}}[A-Za-z]?{_SPACE}+(?:[NSEW]\.?{_SPACE}+)?(?:[A-Z0-9][\w.'’-]{{0,30}}{_SPACE}+){{1,4}}"
    rf"(?i:{_ROADS})\b\.?(?:,?{_SPACE}*(?i:Apartment|Apt|Unit|Suite|Ste|Flat|\#)\.?{_SPACE}*[\w-]{{1,8}})?"
)
_PLAIN_ROAD = (  # without capitals: a house number, at most two words, and a word that means little else
    rf"(?<![\w.,$])\d{{1,6}}{_SPACE}+(?!(?:days?|weeks?|months?|years?|hours?|times?|more|of|in|on|the|to)\b)"
    rf"[a-z]{{3,20}}{_SPACE}+(?:[a-z]{{3,20}}{_SPACE}+)?(?:street|avenue|boulevard|blvd|road|lane)\b"
)
_TOWN = rf"(?:[A-Z][\w.'’-]{{0,30}}{_SPACE}+){{0,2}}[A-Z][\w.'’-]{{0,30}},?{_SPACE}+"
_POSTAL = (
    _ROAD,
    _PLAIN_ROAD,
    rf"(?i:\bP\.?{_SPACE}?O\.?{_SPACE}?Box{_SPACE}+\d{{1,8}})",
    rf"(?:{_TOWN})?\b(?:{_STATES}),?{_SPACE}+\d{{5}}(?:-\d{{4}})?\b",
    rf"(?i:\bzip(?:{_SPACE}code)?[:\s]{{1,3}})(?P<it>\d{{5}}(?:-\d{{4}})?)\b",
    rf"\b[A-Z]{{1,2}}\d[A-Z\d]?{_SPACE}\d[ABD-HJLNP-UW-Z]{{2}}\b",  # United Kingdom
    rf"\b[A-ZÄÖÜ][\wäöüß-]{{2,30}}(?:straße|strasse|str\.|weg|platz|allee|gasse){_SPACE}+\d{{1,4}}{_SPACE}?[a-z]?\b"
    rf"(?:,?{_SPACE}+\d{{5}}{_SPACE}+[A-ZÄÖÜ][\wäöüß-]+)?",
)

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}\.?"
_DATE = (
    r"(?:\d{1,4}[./-]\d{1,2}[./-]\d{2,4}"
    rf"|{_MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?,?\s\d{{4}}|\d{{1,2}}\.?\s{_MONTH}\s\d{{4}})"
)
_NAME = rf"[A-Z][\w'’-]{{1,30}}(?:{_SPACE}(?:[A-Z]\.{_SPACE})?[A-Z][\w'’-]{{1,30}}){{0,2}}"
_ANNOUNCED = (
    rf"\b(?:Mr|Mrs|Ms|Mx|Miss|Dr|Prof|Herr|Frau|Señor|Señora|Monsieur|Madame)\b\.?{_SPACE}(?P<it>{_NAME})",
    r"\b(?i:my (?:full )?name is|name[ds]?:|named|by the name of|sincerely,?|regards,?|signature:)\s{1,3}"
    rf"(?P<it>{_NAME})",
    r"\b(?i:my (?:wife|husband|spouse|partner|son|daughter|mother|father|brother|sister|boss|neighbou?r|friend|lawyer))"
    rf",?{_SPACE}(?P<it>{_NAME})",
)
_SECURITY = r"\b(?:ssn|social security(?: number| no\.?| #)?)(?: is|:|,|#)?\s{0,2}(?P<it>\d[\d -]{2,10}\d)"

SPECIFIC: tuple[tuple[str, Recogniser], ...] = (
    ("e-mail", _pattern(r"[^\s@<>()\[\],;:\"']{1,64}@[^\s@<>()\[\],;:\"'/]{1,190}\.[^\W\d_]{2,24}")),
    ("link", _pattern(r"\b(?:https?://|www\.)[^\s<>\"']{0,2000}[^\s<>\"'.,;:!?)\]}]", re.IGNORECASE)),
    ("IBAN", _ibans),
    ("card number", _cards),
    ("social security number", _pattern(r"(?<![\d-])\d{3}([- ])\d{2}\1\d{4}(?![\d-])")),
    ("social security number", _pattern(_SECURITY, re.IGNORECASE)),
    ("national insurance number", _pattern(rf"\b[A-CEGHJ-PR-TW-Z]{{2}}{_SPACE}?(?:\d{{2}}{_SPACE}?){{3}}[A-D]\b")),
    ("internet address", _internet_addresses),
    (
        "date of birth",
        _pattern(
            rf"\b(?:date of birth|d\.?o\.?b\b\.?|born(?: on)?)[\s:,]{{1,3}}(?:is )?(?P<it>{_DATE})", re.IGNORECASE
        ),
    ),
    *(("address", _pattern(expression)) for expression in _POSTAL),
    ("number", _named_numbers),
)
GENERAL: tuple[tuple[str, Recogniser], ...] = (  # telephone numbers of known regions come before these
    ("phone", _pattern(rf"(?<![\w$.,-])(?:\+?1[-. ])?\(?\d{{3}}\)?{_SPACE}?[-. ]?\d{{3}}[-. ]\d{{4}}(?![\w-])")),
    ("phone", _pattern(r"(?<![\w$.,/-])\d{3}-\d{4}(?![\w/-])")),
    ("number", _pattern(r"(?<![\d$€£.,])\d{7,40}(?!\d|[.,]\d)")),
    ("number", _pattern(r"(?<![\w-])(?=(?:-?\d){9})\d{3,20}(?:-\d{2,20}){1,6}(?![\w-])")),
    ("number", _pattern(r"(?<![\w-])(?=[A-Z0-9-]{0,30}\d{4})[A-Z]{2,5}-?\d{5,20}(?![\w-])")),
    ("handle", _pattern(r"(?<![\w@.])@[A-Za-z]\w{2,29}\b")),
    *(("name", _pattern(expression)) for expression in _ANNOUNCED),
)
