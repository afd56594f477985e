"""What is wrong with a TOML file, said with the line, the dotted key and what is allowed there."""

from __future__ import annotations

import datetime as dt
import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

Key = tuple[str, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SHOWN = 40  # characters of a wrong value, or names of a list, that a message shows

_WANTED = {  # pydantic error type -> what the value must be
    "string_type": "text in quotes",
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "date_type": "a date without quotes, such as 2026-03-31",
    "date_from_datetime_inexact": "a date without a time, such as 2026-03-31",
    "tuple_type": 'a list, such as ["first", "second"]',
    "dict_type": "a table",
    "model_type": "a table",
    "greater_than": "greater than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
}


def dotted(key: Sequence[str]) -> str:
    """A key as TOML writes it: `families."credit history".text.en`."""
    return ".".join(part if _BARE_KEY.fullmatch(part) else quoted(part) for part in key)


def quoted(text: str) -> str:
    """A TOML basic string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """`; did you mean 'income'?` for the nearest allowed name, and nothing where none is near."""
    names = {candidate.casefold(): candidate for candidate in allowed}
    near = difflib.get_close_matches(name.casefold(), list(names), n=1)
    return f"; did you mean '{names[near[0]]}'?" if near else ""


def key_lines(text: str) -> dict[Key, int]:
    """The line of every key and table of a valid TOML text with \\n line ends, counted from 1.

    Every statement is read by the TOML parser itself, on its own, so strings and arrays over several lines, quoted
    keys and inline tables need no grammar here.
    """
    found: dict[Key, int] = {}
    table: Key = ()
    for number, statement, is_header in _statements(text):
        parsed = tomllib.loads(statement)
        if is_header:
            table = _innermost(parsed)
        for key in [table] if is_header else [table + key for key in _keys(parsed)]:
            for length in range(1, len(key) + 1):
                found.setdefault(key[:length], number)
    return found


def _statements(text: str) -> Iterator[tuple[int, str, bool]]:
    """Line number, text and whether it is a table header, of every statement; comments and empty lines are none."""
    pending: list[str] = []
    start = 1
    for number, line in enumerate(text.split("\n"), start=1):
        if not pending:
            start = number
        pending.append(line)
        statement = "\n".join(pending)
        try:
            parsed = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue  # an array or a string goes on in the next line
        pending = []
        if parsed:
            yield start, statement, statement.lstrip().startswith("[")


def _keys(value: Mapping[str, Any]) -> Iterator[Key]:
    for name, item in value.items():
        yield (name,)
        if isinstance(item, dict):
            yield from ((name, *rest) for rest in _keys(item))


def _innermost(header: Mapping[str, Any]) -> Key:
    """The path of a table header, which parses to nested tables (or lists of one) with one name each."""
    path: list[str] = []
    value: Any = header
    while value:
        (name, value), *_ = value.items()
        path.append(name)
        value = value[0] if isinstance(value, list) else value
    return tuple(path)


def describe(error: ErrorDetails, schema: type[BaseModel]) -> tuple[Key, str]:
    """The key a validation error is about, and one sentence that says what is allowed there."""
    key = tuple(str(part) for part in error["loc"])
    name, value, context = dotted(key), error["input"], error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            allowed = _allowed_keys(schema, key[:-1])
            place = f"[{dotted(key[:-1])}]" if key[:-1] else "the file"
            hint = did_you_mean(key[-1], allowed) or f"; allowed: {_listed(allowed)}."
            return key, f"{name} is not a key of {place}{hint}"
        case "missing":
            return key, f"{name} is missing; write it under [{dotted(key[:-1])}]." if key[
                1:
            ] else f"[{name}] is missing."
        case "literal_error":
            allowed = [str(option) for option in re.findall(r"'([^']*)'", str(context["expected"]))]
            hint = did_you_mean(value, allowed) if isinstance(value, str) else ""
            return key, f"{name} must be one of {_listed(map(repr, allowed))}, not {shown(value)}{hint or '.'}"
        case "value_error":
            return key, f"{name}: {context['error']}."
        case kind if kind in _WANTED:
            return key, f"{name} must be {_WANTED[kind].format(**context)}, not {shown(value)}."
        case _:
            return key, f"{name}: {error['msg'][0].lower()}{error['msg'][1:]}, not {shown(value)}."


def shown(value: object) -> str:
    """A value roughly as TOML writes it, cut to fit a sentence."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, (list, tuple)):
        return "a list"
    if isinstance(value, (dt.date, dt.datetime, dt.time)):
        return value.isoformat()
    text = quoted(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:_SHOWN]) + (" and more" if len(every) > _SHOWN else "")


def _allowed_keys(schema: type[BaseModel], path: Key) -> list[str]:
    """The keys of the section that lies at `path` in a schema of models and dictionaries of models."""
    current: Any = schema
    for part in path:
        current = get_args(current)[1] if get_origin(current) is dict else current.model_fields[part].annotation
        options = [option for option in get_args(current) if option is not type(None)]
        if get_origin(current) is not dict and options:  # `Section | None`
            current = options[0]
    return list(current.model_fields)
