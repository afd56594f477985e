"""RFC 8785 JSON with floats rounded to 12 significant digits: equal values are equal bytes.

Written here and not left to `rfc8785`, since a batch digests a million records and that package, which these texts are
tested against, takes five times as long.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from json.encoder import encode_basestring  # the escapes of RFC 8785, 3.2.2.2
from operator import itemgetter
from types import NoneType
from typing import Any

import rfc8785
from pydantic import BaseModel

SIGNIFICANT_DIGITS = 12  # float64 results differ in their last bits between batch shapes and processors

_NUMBER = f"%.{SIGNIFICANT_DIGITS}g"
_LARGEST = 2**53  # integers beyond are no JSON numbers
_SMALL = -6  # the power of ten below which ECMAScript writes an exponent
_SMALLEST = -300  # and the one below which float64 has ever fewer digits


def text(value: Any) -> str:
    """A JSON value (dict, list, tuple, str, float, int, bool or None) as RFC 8785 writes it.

    Dates, and models of what can be written, are written as what `model_dump(mode="json")` makes of them; models with
    serializers of their own are not for here.
    """
    return _WRITERS[type(value)](value)


def number(value: float) -> str:
    """A float, rounded to 12 significant digits, as ECMAScript writes it."""
    return _mended(_NUMBER % value)


def numbers(values: Sequence[float]) -> list[str]:
    """Many at once, in half the time."""
    return [_mended(found) for found in (f"{_NUMBER} " * len(values) % tuple(values)).split()]


def listed(items: Iterable[str]) -> str:
    """An array of values that are written already."""
    return f"[{','.join(items)}]"


def joined(items: Mapping[str, str]) -> str:
    """An object of values that are written already, in RFC 8785's order of names (3.2.3)."""
    return f"{{{','.join([f'{written}{items[name]}' for name, written in _ordered(tuple(items))])}}}"


def form(part: BaseModel, holes: Mapping[str, str]) -> str:
    """A model for `%`, with its own values but for the fields named, each of which is a hole such as `%s`."""
    written = {name: text(value).replace("%", "%%") for name, value in vars(part).items()}
    return joined({**written, **holes})


def _mended(found: str) -> str:
    """A number as C writes it, as ECMAScript does."""
    if "e" in found:
        digits, power = found.split("e")
        small = _SMALLEST < int(power) < _SMALL
        return f"{digits}e{int(power)}" if small else rfc8785.dumps(float(found)).decode()
    if "n" in found:  # no number at all
        return _refused(float(found))
    return "0" if found == "-0" else found


def _refused(value: Any) -> str:
    return rfc8785.dumps(value).decode()  # which says what is wrong with it


def _integer(value: int) -> str:
    return str(value) if -_LARGEST < value < _LARGEST else _refused(value)


def _array(items: Sequence[Any]) -> str:
    return f"[{','.join([_WRITERS[type(item)](item) for item in items])}]"


def _object(value: Mapping[str, Any]) -> str:
    written = [f"{name}{_WRITERS[type(value[key])](value[key])}" for key, name in _ordered(tuple(value))]
    return f"{{{','.join(written)}}}"


def _model(kind: type[BaseModel]) -> Callable[[BaseModel], str]:
    """The writer of a model's values: its names are known, and ordered once."""
    names = _ordered(tuple(kind.model_fields))
    form = f"{{{','.join(f'{written}%s' for _, written in names)}}}"
    read = itemgetter(*(name for name, _ in names))

    def written(value: BaseModel) -> str:
        return form % tuple([_WRITERS[type(field)](field) for field in read(value.__dict__)])

    return written


class _Writers(dict[type, Callable[[Any], str]]):
    """Type -> what writes its values."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        found = self[kind] = _model(kind) if issubclass(kind, BaseModel) else _refused
        return found


_WRITERS = _Writers({
    str: encode_basestring,
    float: number,
    int: _integer,
    bool: {True: "true", False: "false"}.__getitem__,
    NoneType: {None: "null"}.__getitem__,
    list: _array,
    tuple: _array,
    dict: _object,
    dt.date: '"%s"'.__mod__,
})  # fmt: skip


@lru_cache(maxsize=1024)
def _ordered(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Names in RFC 8785's order, each as it is written; most objects of a run have the names of another."""
    ordered = sorted(names) if "".join(names).isascii() else sorted(names, key=_utf16)
    return tuple((name, f"{encode_basestring(name)}:") for name in ordered)


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be")
