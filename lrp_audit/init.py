"""A first audit.toml, proposed by looking at a model and a table; short enough to be read line by line.

What names and values do not settle is left as a comment with its key. No wording is approved by this.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from lrp_audit.errors import ConfigError
from lrp_audit.guesses import SHARED_FACTS, adverse_class, fact_columns, family, protected_columns
from lrp_audit.language import texts
from lrp_audit.settings.toml_errors import dotted, quoted

MOST_LINES = 60
LANGUAGE = "en"
ROUNDED = range(2, 6)  # decimals that recorded scores are rounded to; with fewer, a tolerance would let anything pass

__all__ = ["MOST_LINES", "propose", "protected_columns", "write"]


class Model(Protocol):
    """What is looked at of a model."""

    @property
    def columns(self) -> Sequence[str]:
        """Its input columns."""

    @property
    def classes(self) -> Sequence[str]:
        """Its classes; none for a regressor."""


@dataclass(frozen=True)
class _Table:
    """One table of the file: its entries as TOML values, a title behind its head, and comment lines below."""

    name: str
    entries: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    title: str = ""

    def lines(self) -> list[str]:
        return ["", self._titled(f"[{self.name}]"), *self._entries(), *self._notes()]

    def compact(self) -> list[str]:
        """The entries on one line, which TOML wants above all tables."""
        return ["", self._titled(f"{self.name} = {{ {', '.join(self._entries())} }}"), *self._notes()]

    def _entries(self) -> list[str]:
        return [f"{dotted((key,))} = {value}" for key, value in self.entries.items()]

    def _notes(self) -> list[str]:
        return [f"# {note}" for note in self.notes]

    def _titled(self, line: str) -> str:
        return f"{line}  # {self.title}" if self.title else line


def propose(
    model: Model, frame: pd.DataFrame, data_path: str | Path, model_path: str | Path, *, named: bool = True
) -> str:
    """The text of an audit.toml, at most 60 lines, that `config.load` accepts.

    Args:
        model: the model; only its columns and classes are looked at.
        frame: the decisions to be explained, as a table.
        data_path: where that table lies, relative to the audit.toml.
        model_path: where the model lies, relative to the audit.toml.
        named: the model's file says how its columns and classes are called; if it does not, the settings do.
    """
    frame = frame.rename(columns=str)
    protected = protected_columns(model.columns)
    facts = _facts(model, frame)
    tables = [
        _Table(
            "model",
            {"file": quoted(Path(model_path).as_posix()), **({} if named else _names(model))},
            ('name = "" # as reviewers know it', 'version = "" # needed for a letter'),
        ),
        _decision(model.classes),
        _Table(
            "facts",
            {fact: quoted(column) for fact, column in facts.items()},
            _incomparable(model, frame),
            "columns of the data that state facts about a decision",
        ),
        _reference(data_path, frame, facts.get("decision_date")),
        _checks(frame, facts.get("score")),
        _columns(model.columns, protected),
        _families(model.columns, protected),
    ]
    return _rendered(
        _header(model, frame, protected), [table for table in tables if table.entries or table.notes], _footer()
    )


def write(text: str, path: str | Path) -> None:
    """Write a proposed audit.toml; an existing file is never replaced.

    Raises:
        ConfigError: the file exists, or cannot be written.
    """
    try:
        with Path(path).open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(f"'{path}' exists already; move it away or choose another name for the proposal.") from None
    except OSError as error:
        raise ConfigError(f"'{path}' cannot be written: {error.strerror}.") from None


def _rendered(header: Sequence[str], tables: Sequence[_Table], footer: Sequence[str]) -> str:
    """The file, its longest tables put on one line each until it is short enough."""
    full, compacted = list(tables), list[_Table]()
    while True:
        above, below = (table.compact() for table in compacted), (table.lines() for table in full)
        lines = [*header, *chain(*above), *chain(*below), *footer]
        if len(lines) <= MOST_LINES:
            return "\n".join(lines) + "\n"
        longest = max(full, key=lambda table: len(table.entries))
        full.remove(longest)
        compacted.append(longest)


def _header(model: Model, frame: pd.DataFrame, protected: Mapping[str, str]) -> list[str]:
    lines = ["# audit.toml, proposed by `lrp-audit init`: check every line. Lines that start with # wait for you."]
    if protected:
        lines.append(
            f"# WARNING: the model uses {_listed(protected)}, which may be protected; letters stop where such data are"
            " influential (G-04)."
        )
    known = {str(column) for column in frame.columns}
    if missing := [column for column in model.columns if column not in known]:
        lines.append(f"# WARNING: the data have no column {_listed(missing)}, which the model needs.")
    return lines


def _names(model: Model) -> dict[str, str]:
    names = {"columns": model.columns, "classes": model.classes}
    return {key: f"[{', '.join(map(quoted, found))}]" for key, found in names.items() if found}


def _decision(classes: Sequence[str]) -> _Table:
    if not classes:
        side = 'adverse = "above" # needed: the side of the cutoff that is refused, "above" or "below"'
        return _Table("decision", {"cutoff_on": quoted("value")}, (side, "cutoff = 0.0 # needed: the predicted value"))
    cutoff = {"cutoff": "0.5"}
    title = "refused at this probability of the adverse class, and above"
    adverse = adverse_class(classes)
    if adverse is not None:
        return _Table("decision", {"adverse": quoted(adverse), **cutoff}, title=title)
    note = f"adverse = {quoted(classes[-1])} # needed: the class that means refusal, of {_listed(classes)}"
    return _Table("decision", cutoff, (note,), title)


def _facts(model: Model, frame: pd.DataFrame) -> dict[str, str]:
    """Facts that columns of the data hold; recorded results only where they can be compared with the model's."""
    anywhere, beside = fact_columns(frame.columns), _beside_inputs(model, frame)
    found = {fact: beside.get(fact) or anywhere[fact] for fact in anywhere if fact in beside or fact in SHARED_FACTS}
    comparable = {fact: column for fact, column in found.items() if _fits(fact, frame[column], model.classes)}
    ages = [name for name, kind in protected_columns(frame.columns).items() if kind == "age" and _is_age(frame[name])]
    return comparable | ({"age": ages[0]} if ages else {})


def _beside_inputs(model: Model, frame: pd.DataFrame) -> dict[str, str]:
    return fact_columns(column for column in frame.columns if column not in set(model.columns))


def _fits(fact: str, values: pd.Series, classes: Sequence[str]) -> bool:
    """Whether recorded outcomes and scores are on the model's own scale; other facts always fit."""
    given = values.dropna()
    if fact == "outcome":
        return bool(len(given)) and set(given.astype(str)) <= set(classes)
    if fact == "score":
        return bool(len(given)) and pd.api.types.is_numeric_dtype(given) and bool(given.between(0, 1).all())
    return True


def _incomparable(model: Model, frame: pd.DataFrame) -> tuple[str, ...]:
    """Recorded results whose labels or scale are not the model's: comments that say what to settle."""
    settle = {"outcome": "decision.recorded_adverse", "score": "decision.cutoff_on"}
    return tuple(
        f"{fact} = {quoted(column)} # its values are not the model's own: see {settle[fact]}"
        for fact, column in _beside_inputs(model, frame).items()
        if not _fits(fact, frame[column], model.classes)
    )


def _is_age(values: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(values) and bool(values.dropna().between(0, 130).all())


def _reference(data_path: str | Path, frame: pd.DataFrame, dates: str | None) -> _Table:
    latest = None if dates is None else _latest(frame[dates])
    note = "date = YYYY-MM-DD # needed for a letter: the date of that data"
    if latest is not None:
        note = f"date = {latest} # needed for a letter: the date of that data (its latest decision is of this day)"
    return _Table(
        "reference", {"data": quoted(Path(data_path).as_posix())}, (note,), "whom applicants are compared with"
    )


def _latest(values: pd.Series) -> dt.date | None:
    found = []
    for value in values.dropna().astype(str).str.slice(0, 10).unique():
        try:
            found.append(dt.date.fromisoformat(value))
        except ValueError:
            continue
    return max(found, default=None)


def _checks(frame: pd.DataFrame, scores: str | None) -> _Table:
    """How exact recorded scores are, where all of them are rounded: one unit of their last decimal."""
    decimals = None if scores is None else _decimals(frame[scores])
    if decimals is None:
        return _Table("checks")
    return _Table(
        "checks",
        {"score_tolerance": f"{10.0**-decimals:.{decimals}f}"},
        title=f"recorded scores have {decimals} decimals",
    )


def _decimals(scores: pd.Series) -> int | None:
    """The fewest decimals that give every score; None where they are so few or so many that nobody rounded to them."""
    numbers = scores.dropna().to_numpy(dtype=np.float64)
    found = (
        places for places in range(ROUNDED.stop) if np.allclose(numbers, numbers.round(places), rtol=0, atol=1e-12)
    )
    places = next(found, None)
    return places if places in ROUNDED else None


def _columns(columns: Iterable[str], protected: Mapping[str, str]) -> _Table:
    """Protected columns; and by example of another one, what only the lender knows."""
    free = [column for column in columns if column not in protected][:1]
    notes = (
        f'{dotted((name,))} = {{ label = "", mutable = true }} # the person can change it: it may vary' for name in free
    )
    return _Table("columns", {name: f'{{ protected = "{kind}" }}' for name, kind in protected.items()}, tuple(notes))


def _families(columns: Iterable[str], protected: Mapping[str, str]) -> _Table:
    """Families with sample reasons of Appendix C; columns that suggest none are listed."""
    members: dict[tuple[str, str], list[str]] = {}
    alone = []
    for column in columns:
        suggested = family(column)
        if suggested is not None and column not in protected:
            members.setdefault(suggested, []).append(column)
        elif column not in protected:
            alone.append(column)
    reasons = texts.load(LANGUAGE).reasons
    entries = {
        name: f"{{ columns = [{', '.join(map(quoted, named))}], text.{LANGUAGE} = {quoted(reasons[reason].text)} }}"
        for (name, reason), named in members.items()
    }
    notes = (f"No family suggested, so each is its own and needs a text: {_listed(alone)}",) if alone else ()
    return _Table("families", entries, notes, "sample wording of Regulation B, Appendix C: adapt it to what is scored")


def _footer() -> list[str]:
    """What a letter needs besides, as comments with their keys."""
    legal = texts.load(LANGUAGE)
    lines = (
        "Needed for a letter to go out; `lrp-audit letter --draft` works without. Remove the # and fill in:",
        "[approval]",
        'by = "" # name and role of who approved the wording above and the legal texts',
        "on = YYYY-MM-DD",
        'version = ""',
        f'texts_version = "{legal.version}"',
        "[institution]",
        'name = "" # the creditor',
        'address = ["", ""] # line by line',
        'telephone = ""',
        f'agency = "" # 12 CFR 1002 Appendix A: {", ".join(legal.agencies)}',
        "[consumer_reporting_agency] # where consumer reports are used: name, address, telephone",
        "[credit_score] # where a bureau's score is used: source, low, high",
    )
    return ["", *(f"# {line}" for line in lines)]


def _listed(names: Iterable[str]) -> str:
    every = [quoted(name) for name in names]
    return ", ".join(every[:20]) + (f" and {len(every) - 20} more" if len(every) > 20 else "")
