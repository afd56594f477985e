"""The shipped catalogues have every message of the sources, whole, and nothing else."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from records import config

import lrp_audit
from lrp_audit import catalogues
from lrp_audit.language.messages import SOURCE_LANGUAGE, languages, messages
from lrp_audit.report.fonts import unprintable
from lrp_audit.resources import templates

PRINTED = {
    "Refusal": ("evidence", "next_step"),
    "Check": ("title", "statement"),
    "Fact": ("label", "text"),
    "Standing": ("headline",),
}
TRANSLATED = [language for language in languages() if language != SOURCE_LANGUAGE]


def forms(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)


def slots(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def key(message: Message) -> tuple[str, ...]:
    return message.id if isinstance(message.id, tuple) else (message.id,)


def catalogue(language: str) -> Catalog:
    with (templates() / "locale" / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


@pytest.fixture(scope="module")
def sources() -> Catalog:
    return catalogues.extracted()


def test_internal_documents_exist_in_four_languages() -> None:
    assert {"de", "en", "es", "fr"} <= set(languages())


def test_messages_are_found_wherever_they_are_said(sources: Catalog) -> None:
    found = {key(message) for message in sources if message.id}
    assert len(found) > 400
    assert ("{count} day", "{count} days") in found  # a plural
    assert ("near cutoff",) in found  # a message of a table
    assert ("Conservation ledger",) in found  # of a template
    assert ("religion or belief",) in found  # of a word list


def test_no_message_is_made_up_where_it_is_said(sources: Catalog) -> None:
    """What is said is a message as written, or a name for one: an f-string could not be translated."""
    assert not [text for message in sources for text in key(message) if "{{" in text]


def test_what_documents_print_is_said_and_never_written_out() -> None:
    """Evidence, next steps, titles and labels hold no words of their own, only messages and data."""
    package = Path(lrp_audit.__file__).parent
    found = [
        f"{path.name}:{node.lineno}"
        for path in sorted(package.rglob("*.py"))
        if path.name != "specimens.py"  # made-up records, to try templates with
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in PRINTED
        for argument in printed(node)
        if any(part.isalpha() for part in literal(argument))
    ]
    assert found == []


def printed(call: ast.Call) -> list[ast.expr]:
    names = PRINTED[getattr(call.func, "id", "")]
    positional = call.args[: len(names)] if names == ("label", "text") else []
    return [*positional, *(item.value for item in call.keywords if item.arg in names)]


def literal(value: ast.expr) -> str:
    """What an expression writes out itself, what stands in the calls of it left aside."""
    if isinstance(value, ast.Constant):
        return str(value.value or "")
    if isinstance(value, ast.JoinedStr):
        return "".join(literal(part) for part in value.values if isinstance(part, ast.Constant))
    return literal(value.body) + literal(value.orelse) if isinstance(value, ast.IfExp) else ""


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_has_exactly_the_messages_of_the_sources(language: str, sources: Catalog) -> None:
    wanted = {key(message) for message in sources if message.id}
    found = {key(message) for message in catalogue(language) if message.id}
    assert not wanted - found, f"run `python -m lrp_audit.catalogues {language}` and translate what is new"
    assert not found - wanted, f"run `python -m lrp_audit.catalogues {language}`"


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_message_is_translated_in_every_form_with_its_slots(language: str) -> None:
    translated = catalogue(language)
    for message in translated:
        if message.id:
            plural = isinstance(message.id, tuple)
            assert len(forms(message)) == (translated.num_plurals if plural else 1), message.id
            assert all(text.strip() for text in forms(message)), message.id
            assert not message.fuzzy, message.id
            wanted = set.union(*map(slots, key(message)))
            assert slots(forms(message)[-1]) == wanted, message.id
            # a form for one thing may do without its number, as English does
            assert all(wanted - {"count", "last"} <= slots(text) | {"last"} for text in forms(message)), message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_ends_and_code_of_sentences_are_kept(language: str) -> None:
    """Keys of audit.toml, commands and rule ids stay as they are; a sentence stays a sentence."""
    for message in catalogue(language):
        if message.id:
            first, text = key(message)[-1], forms(message)[-1]
            for word in ("audit.toml", "`lrp-audit", "RS-", "G-0", "US-", "1002."):
                assert (word in first) == (word in text), message.id
            assert first.endswith(".") == text.endswith("."), message.id
            assert first[:1].isspace() == text[:1].isspace(), message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_documents_can_print_every_translation(language: str) -> None:
    assert unprintable("\n".join(text for message in catalogue(language) for text in forms(message)), config()) == ()


@pytest.mark.parametrize("language", TRANSLATED)
def test_numbers_choose_the_plural_form(language: str) -> None:
    say = messages(language, "eu-letter")
    one, many = (say.plural("{count} day", "{count} days", count) for count in (1, 1234))
    assert one.removeprefix("1") != many.removeprefix("1")
    assert many.startswith(f"1{'.' if language in ('de', 'es') else chr(0x202F)}234")


def test_a_new_language_starts_as_a_catalogue_to_fill_in(tmp_path, sources: Catalog) -> None:
    new = catalogues.updated("it", tmp_path / "it.po")
    assert {key(message) for message in new if message.id} == {key(message) for message in sources if message.id}
    assert not any(catalogues.filled(message) for message in new if message.id)
