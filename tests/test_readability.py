"""Counts that can be checked by hand, formulas of the literature, and what makes a text harder to read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.language.readability import INDICES, Counts, count

WORDS = {
    "en": "The cat sat on the mat.",
    "de": "Der Hund liegt auf dem Sofa.",
    "fr": "Le chat dort sur le lit.",
    "es": "El gato duerme en la cama.",
}


def counted(text: str, language: str = "en") -> Counts:
    found = count([text], language)
    assert found is not None
    return found


def test_counts_by_hand() -> None:
    found = count(["The cat sat. It slept on a table in the afternoon.", "No, it did not."], "en")
    assert found == Counts(sentences=3, words=15, syllables=18, long=1, polysyllables=1, monosyllables=13, longest=8)


@pytest.mark.parametrize(
    ("text", "language", "sentences"),
    [
        ("Am 9. November 2026 haben wir entschieden.", "de", 1),
        ("Am 9. November haben wir entschieden. Am 10. Dezember antworten wir.", "de", 2),
        ("Mr. Smith said no. He left.", "en", 2),
        ("Frau Dr. Muster hat das geprüft.", "de", 1),
        ("Il faut 1,5 kg. C’est peu.", "fr", 2),
        ("¿Quién es? Soy yo.", "es", 2),
    ],
)
def test_dates_and_abbreviations_end_no_sentence(text: str, language: str, sentences: int) -> None:
    assert counted(text, language).sentences == sentences


def test_numbers_and_compounds_are_single_words() -> None:
    assert counted("It costs 1,234.50 euros, a well-known price.").words == 7
    assert counted("L’estimation dépasse 9 000 €.".replace(" 000", "\u00a0000"), "fr").words == 3


@pytest.mark.parametrize("text", ["", " \n", "…", "§"])
def test_a_text_without_words_counts_nothing(text: str) -> None:
    assert count([text], "en") is None


@pytest.mark.parametrize("language", INDICES)
@given(repeated=st.integers(1, 6))
def test_an_index_is_of_the_text_and_not_of_its_length(language: str, repeated: int) -> None:
    index = INDICES[language].of
    once = counted(WORDS[language], language)
    assert index(counted(" ".join([WORDS[language]] * repeated), language)) == pytest.approx(index(once))


@pytest.mark.parametrize("language", INDICES)
def test_longer_sentences_and_longer_words_are_harder(language: str) -> None:
    index = INDICES[language].of
    plain = Counts(sentences=4, words=40, syllables=60, long=8, polysyllables=4, monosyllables=20, longest=12)
    longer = Counts(sentences=2, words=40, syllables=60, long=8, polysyllables=4, monosyllables=20, longest=24)
    harder = Counts(sentences=4, words=40, syllables=90, long=16, polysyllables=12, monosyllables=10, longest=12)
    rises = language == "de"  # a school year; the others fall from 100
    for other in (longer, harder):
        assert (index(other) > index(plain)) == rises


def test_the_formulas_are_those_of_the_literature() -> None:
    counts = Counts(sentences=5, words=100, syllables=150, long=20, polysyllables=10, monosyllables=60, longest=30)
    assert INDICES["en"].of(counts) == pytest.approx(206.835 - 1.015 * 20 - 84.6 * 1.5)
    assert INDICES["fr"].of(counts) == pytest.approx(207 - 1.015 * 20 - 73.6 * 1.5)
    assert INDICES["es"].of(counts) == pytest.approx(206.84 - 0.60 * 150 - 1.02 * 20)
    assert INDICES["de"].of(counts) == pytest.approx(0.1935 * 10 + 0.1672 * 20 + 0.1297 * 20 - 0.0327 * 60 - 0.875)


def test_a_region_uses_its_language() -> None:
    assert counted(WORDS["de"], "de-AT") == counted(WORDS["de"], "de")
