"""What may not be said is found however it is written; what may be said is left alone."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from hypothesis import given, settings
from hypothesis import strategies as st

from lrp_audit import resources
from lrp_audit.errors import ConfigError
from lrp_audit.language import phrasebook, texts
from lrp_audit.language.phrasebook import Phrases, first_fault

LANGUAGES = ("de", "en", "es", "fr")
BOOKS = {language: phrasebook.load(language) for language in LANGUAGES}
GROUPS = [
    (language, group)
    for language, book in BOOKS.items()
    for group in (*book.anywhere, *book.reasons, *book.incomplete, *book.prohibited)
]
PHRASES = [(group, phrase) for _, group in GROUPS for phrase in group.phrases]
ORDINARY = {
    "en": (
        "Length of employment",
        "You have rights under the Fair Credit Reporting Act.",
        "We re-ran the same system on your data.",
        "The value is below fair market value.",
        "Airport taxes and the aim of the loan",
        "The Department of Compliance reads this page.",
    ),
    "de": (
        "Dauer der Beschäftigung",
        "Ihr Antrag vom 3. März wurde abgelehnt.",
        "Das System zeigt nicht, was Zahlungsverzug verursacht.",
        "Kind und Kiosk stehen hier nicht zur Frage.",
    ),
    "fr": (
        "Durée de l'emploi",
        "J'ai reçu votre demande du 3 mars.",
        "Vous avez le droit de contester la décision.",
        "Nous avons refusé votre demande.",
    ),
    "es": (
        "Antigüedad en el empleo",
        "Conforme a la Ley de Informe Justo de Crédito, usted tiene derecho a una copia.",
        "Compramos justo antes del plazo.",
        "La mayoría de los pagos se hicieron a tiempo.",
    ),
}


@st.composite
def disguised(draw: st.DrawFn, phrase: str) -> str:
    """A phrase with other case, spacing, accents and invisible characters; its `*` completed."""
    text = phrase.replace("*", draw(st.sampled_from(["", "s", "es", "n", "liche"])))
    text = unicodedata.normalize(draw(st.sampled_from(["NFC", "NFD"])), text)
    if draw(st.booleans()):
        text = "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
    text = "".join(char.upper() if draw(st.booleans()) else char for char in text)
    between = st.sampled_from([" ", "  ", "\n", "\t", "\N{NO-BREAK SPACE}", "-", "\N{NON-BREAKING HYPHEN}"])
    text = "".join(draw(between) if char == " " else char for char in text)
    place = draw(st.integers(1, len(text)))
    return text[:place] + draw(st.sampled_from(["", "\N{SOFT HYPHEN}", "\N{ZERO WIDTH SPACE}"])) + text[place:]


@pytest.mark.rule("G-03", "G-04", "G-05", "G-06")
@settings(max_examples=300)
@given(data=st.data(), chosen=st.sampled_from(PHRASES))
def test_a_phrase_is_found_in_any_case_spacing_and_spelling(data: st.DataObject, chosen: tuple[Phrases, str]) -> None:
    group, phrase = chosen
    said = data.draw(disguised(phrase))
    found = first_fault(f"Xyz ({said}), xyz.", (group,))
    assert found is not None
    assert found.endswith(group.because)


@given(chosen=st.sampled_from(PHRASES), letter=st.sampled_from("xqz"))
def test_a_phrase_inside_longer_words_is_none(chosen: tuple[Phrases, str], letter: str) -> None:
    group, phrase = chosen
    assert first_fault(letter + phrase.replace("*", ""), (Phrases(group.because, (phrase,)),)) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_ordinary_sentences_are_left_alone(language: str) -> None:
    book = BOOKS[language]
    for sentence in ORDINARY[language]:
        assert first_fault(sentence, (*book.anywhere, *book.reasons, *book.prohibited)) is None, sentence


@pytest.mark.parametrize(("language", "group"), GROUPS)
def test_every_exception_is_one(language: str, group: Phrases) -> None:
    """It holds a phrase of its own group, and says it otherwise."""
    for exception in group.exceptions:
        assert first_fault(exception, (group,)) is None
        assert first_fault(exception, (Phrases(group.because, group.phrases),)) is not None, (language, exception)


def test_every_language_forbids_the_same_kinds() -> None:
    assert phrasebook.languages() == LANGUAGES
    kinds = {tuple(len(part) for part in (book.anywhere, book.reasons, book.prohibited)) for book in BOOKS.values()}
    assert kinds == {(3, 4, 1)}
    assert {book.language for book in BOOKS.values()} == set(LANGUAGES)


def test_initials_are_one_word() -> None:
    assert first_fault("Decided by A.I. alone", BOOKS["en"].reasons) is not None
    assert first_fault("Plan A. I agree", BOOKS["en"].reasons) is None


def test_a_language_without_lists_is_named() -> None:
    with pytest.raises(ConfigError, match=r"documents\.language.*'pt'.*de, en, es, fr"):
        phrasebook.load("pt")
    assert phrasebook.load("de-AT") is not None


# --- what is shipped -------------------------------------------------------------------------------------------------

TEMPLATES = sorted(resources.templates().glob("*/*.html"))
CATALOGUES = sorted((resources.templates() / "locale").glob("*.po"))


@pytest.mark.rule("G-03", "G-05", "G-06", "G-11")
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_shipped_text_says_what_no_document_says(language: str) -> None:
    book, shipped = BOOKS[language], texts.load(language)
    for text in shipped.legal.values():
        assert first_fault(text.text, book.anywhere) is None, text.id
    for reason in shipped.reasons.values():
        assert first_fault(reason.text, (*book.anywhere, *book.reasons, *book.prohibited)) is None, reason.id


@pytest.mark.rule("G-03", "G-05", "G-06")
@pytest.mark.parametrize("path", TEMPLATES, ids=[f"{path.parent.name}/{path.stem}" for path in TEMPLATES])
def test_no_template_says_what_no_document_says(path: Path) -> None:
    words = re.sub(r"<[^>]*>|\{%.*?%\}|\{#.*?#\}", " | ", path.read_text("utf-8"), flags=re.DOTALL)
    assert first_fault(words, BOOKS["en"].anywhere) is None


@pytest.mark.rule("G-03", "G-05", "G-06")
@pytest.mark.parametrize("path", CATALOGUES, ids=[path.stem for path in CATALOGUES])
def test_no_catalogue_says_what_no_document_says(path: Path) -> None:
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.stem)
    for entry in catalogue:
        for language, sentences in (("en", entry.id), (path.stem, entry.string)):
            for sentence in (sentences,) if isinstance(sentences, str) else sentences:
                assert first_fault(sentence, BOOKS[language].anywhere) is None, sentence
