"""RFC 8785 JSON with floats rounded to 12 significant digits: equal values are equal bytes.

Written here and not left to `rfc8785`, since a batch digests a million records and that package, which these texts are
tested against, takes five times as long.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from json.encoder import encode_basestring  # the escapes of RFC 8785, 3.2.2.2
from typing import Any

import rfc8785

SIGNIFICANT_DIGITS = 12  # float64 results differ in their last bits between batch shapes and processors

_NUMBER = f"%.{SIGNIFICANT_DIGITS}g"
_LARGEST = 2**53  # integers beyond are no JSON numbers


def text(value: Any) -> str:
    """A JSON value (dict, list, tuple, str, float, int, bool or None) as RFC 8785 writes it."""
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is float:
        return number(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is int and -_LARGEST < value < _LARGEST:
        return str(value)
    if kind is dict:
        return f"{{{','.join([f'{written}{text(value[name])}' for name, written in _ordered(tuple(value))])}}}"
    if kind is list or kind is tuple:
        return f"[{','.join([text(item) for item in value])}]"
    return rfc8785.dumps(value).decode()  # which says what is wrong with it


def number(value: float) -> str:
    """A float, rounded to 12 significant digits, as ECMAScript writes it."""
    found = _NUMBER % value
    if "e" in found or "n" in found:  # an exponent, or no number at all
        return rfc8785.dumps(float(found)).decode()
    return "0" if found == "-0" else found


def numbers(values: Iterable[float]) -> list[str]:
    """Many at once."""
    return [number(value) for value in values]


def listed(items: Iterable[str]) -> str:
    """An array of values that are written already."""
    return f"[{','.join(items)}]"


def joined(items: Mapping[str, str]) -> str:
    """An object of values that are written already, in RFC 8785's order of names (3.2.3)."""
    return f"{{{','.join([f'{written}{items[name]}' for name, written in _ordered(tuple(items))])}}}"


@lru_cache(maxsize=1024)
def _ordered(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Names in RFC 8785's order, each as it is written; most objects of a run have the names of another."""
    ordered = sorted(names) if "".join(names).isascii() else sorted(names, key=_utf16)
    return tuple((name, f"{encode_basestring(name)}:") for name in ordered)


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be")
