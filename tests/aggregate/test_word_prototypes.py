"""Words of many texts: a planted one is found, none is flagged where there is none, and those of few stay unnamed."""

import numpy as np
import pytest

from lrp_audit.aggregate.words import ReadText, read_text, word_profiles
from lrp_audit.errors import DataError
from lrp_audit.records.aggregates import SMALLEST_GROUP

VOCABULARY = [f"word{number}" for number in range(60)]


def _texts(seed: int, planted: int = 0, n: int = 1200) -> list[ReadText]:
    """Texts of twelve words with weights of their own; in the first `planted` all rests on one more."""
    generator = np.random.default_rng(seed)
    weights = generator.normal(size=len(VOCABULARY))
    found = []
    for number in range(n):
        chosen = generator.integers(0, len(VOCABULARY), 12)
        words = [(VOCABULARY[k], float(weights[k] * generator.normal(1, 0.2))) for k in chosen]
        if number < planted:
            words.append(("branch", 25.0))
        found.append(ReadText(sum(relevance for _, relevance in words) > 0, tuple(words)))
    return found


def test_a_planted_word_is_the_strongest_and_the_only_suspicious_one() -> None:
    found = word_profiles(lambda: _texts(0, planted=80))
    of_all = [line for line in found.lines if line.outcome == "all"]
    assert of_all[0].word == "branch"
    assert (of_all[0].people, of_all[0].places, of_all[0].mean) == (80, 80, 25.0)
    assert {line.word for line in found.lines if line.suspicious} == {"branch"}
    assert {line.outcome for line in found.lines if line.word == "branch"} == {"all", "adverse"}


def test_no_word_is_suspicious_where_none_is_planted() -> None:
    """Over 200 repeats no word is flagged."""
    assert not any(
        line.suspicious for seed in range(200) for line in word_profiles(lambda s=seed: _texts(s, n=150)).lines
    )


@pytest.mark.rule("G-07")
def test_words_of_fewer_than_fifty_people_are_not_named() -> None:
    assert "branch" not in {line.word for line in word_profiles(lambda: _texts(0, planted=SMALLEST_GROUP - 1)).lines}
    found = word_profiles(lambda: _texts(0, planted=SMALLEST_GROUP)).lines
    assert "branch" in {line.word for line in found}
    assert min(line.people for line in found) >= SMALLEST_GROUP


def test_a_word_counts_once_for_a_person_and_often_for_places() -> None:
    evidence = {
        "text": "Rent RENT due",
        "words": [
            {"start": 0, "end": 4, "relevance": 1.0},
            {"start": 5, "end": 9, "relevance": 3.0},
            {"start": 10, "end": 13, "relevance": -4.0},
        ],
    }
    text = read_text([evidence, evidence], adverse=True)
    (line,) = (
        line
        for line in word_profiles(lambda: [text] * 3, least=3).lines
        if line.word == "rent" and line.outcome == "all"
    )
    assert (line.people, line.places, line.mean, line.standard_deviation) == (3, 12, 2.0, 1.0)
    assert line.concentration == 0.5


def test_no_text_is_said_in_a_sentence() -> None:
    with pytest.raises(DataError, match="no words to profile"):
        word_profiles(list)
