"""Sentences in a reader's language: translated, inflected, or an error, never mixed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lrp_audit.errors import ReportError
from lrp_audit.language import messages as module
from lrp_audit.language.messages import ENGLISH, messages

CATALOGUE = r"""
msgid ""
msgstr ""
"Language: de\n"
"Content-Type: text/plain; charset=utf-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

msgid "Dear {name},"
msgstr "Guten Tag {name},"

msgid "Due"
msgstr ""

msgid "{count} person"
msgid_plural "{count} people"
msgstr[0] "{count} Person"
msgstr[1] "{count} Personen"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "de.po").write_text(CATALOGUE, encoding="utf-8")
    monkeypatch.setattr(module, "_folder", lambda: tmp_path)
    messages.cache_clear()
    yield tmp_path
    messages.cache_clear()


def test_fills_slots_and_inflects_in_every_language(folder: Path) -> None:
    german = messages("de-AT")
    assert german("Dear {name},", name="{Ada}") == "Guten Tag {Ada},"
    assert ENGLISH("Dear {name},", name="Ada") == "Dear Ada,"
    for count, (there, here) in {1: ("1 Person", "1 person"), 3: ("3 Personen", "3 people")}.items():
        assert german.plural("{count} person", "{count} people", count) == there
        assert ENGLISH.plural("{count} person", "{count} people", count) == here


@pytest.mark.parametrize("message", ["Due", "Never written"])
def test_a_missing_or_empty_translation_is_an_error_and_not_english(folder: Path, message: str) -> None:
    with pytest.raises(ReportError, match=message):
        messages("de")(message)
    with pytest.raises(ReportError, match=message):
        messages("de").plural(message, message, 2)


@pytest.mark.parametrize("language", ["it", "../../secret", ""])
def test_a_language_without_a_catalogue_is_an_error_that_names_those_there_are(folder: Path, language: str) -> None:
    with pytest.raises(ReportError, match="de, en"):
        messages(language)


def test_a_damaged_catalogue_is_one_sentence(folder: Path) -> None:
    (folder / "fr.po").write_text("this is no catalogue", encoding="utf-8")
    with pytest.raises(ReportError, match="damaged"):
        messages("fr")
