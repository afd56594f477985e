"""A choice written into audit.toml, with its evidence beside it and everything else left as it stands."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Mapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable, Table

from lrp_audit.errors import ConfigError

Settings = Mapping[str, Mapping[str, str]]  # section -> key -> value


def with_choice(text: str, choice: Settings, evidence: str) -> str:
    """The text of an audit.toml with some keys set, and a comment behind the first of them.

    Raises:
        ConfigError: a section is no table, or the file cannot be changed without changing something else.
    """
    wanted = copy.deepcopy(tomllib.loads(text))
    for section, keys in choice.items():
        wanted.setdefault(section, {}).update(keys)
    try:
        document = tomlkit.parse(text)
        for number, (section, keys) in enumerate(choice.items()):
            _set(document, section, keys, evidence if number == 0 else None)
        new = tomlkit.dumps(document)
        found = tomllib.loads(new)
    except (TOMLKitError, tomllib.TOMLDecodeError, TypeError, AttributeError):
        found = None
    if found != wanted:
        listed = ", ".join(
            f"{section}.{key} = '{value}'" for section, keys in choice.items() for key, value in keys.items()
        )
        raise ConfigError(f"audit.toml cannot be changed without touching the rest of it; set by hand: {listed}.")
    return new


def _set(document: Any, section: str, keys: Mapping[str, str], evidence: str | None) -> None:
    if section not in document:
        document.add(tomlkit.nl())
        document.add(section, tomlkit.table())
    table = document[section]
    for key, value in keys.items():
        table[key] = value
    if evidence is None:
        return
    if isinstance(table, InlineTable):
        table.comment(evidence)
    elif isinstance(table, Table):
        table[next(iter(keys))].comment(evidence)
