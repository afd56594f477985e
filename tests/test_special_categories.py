from __future__ import annotations

from collections import Counter

import pytest
import real_texts
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.errors import ConfigError
from lrp_audit.privacy.special_categories import scanner
from lrp_audit.settings.terms import TermIndex

ENGLISH = scanner("en")
LANGUAGES = ("en", "de", "es", "fr")


def named(text, lists=ENGLISH):
    return [(place.category.name, text[place.start : place.end]) for place in lists.scan(text)]


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("I was in the HOSPITAL for weeks", "health"),
        ("since my diabetes got worse", "health"),
        ("I am disabled.", "health"),
        ("the Mosque committee", "religion or belief"),
        ("as an African-American customer", "racial or ethnic origin"),
        ("I voted for them", "political opinion"),
        ("my union dues are paid", "trade union membership"),
        ("because I'm gay", "sex life or sexual orientation"),
        ("a DNA test", "genetic data"),
        ("they took my fingerprints", "biometric data"),
        ("I am divorced", "marital status"),
        ("I was pregnant then", "sex"),
        ("we live on food stamps", "public assistance"),
        ("as a senior citizen", "age"),
    ],
)
def test_every_category_is_found_by_what_people_write(text, category):
    assert [name for name, _ in named(text)] == [category]


@pytest.mark.parametrize(
    "text",
    [
        "my credit union and Western Union",
        "it fell on deaf ears",
        "they turned a blind eye",
        "in good faith",
        "they disabled my card",
        "the branch on Church Street",
        "I am sick and tired of this",
        "a white envelope and a black card",
    ],
)
def test_phrases_that_mean_something_else_are_left_alone(text):
    assert named(text) == []


def test_a_lender_adds_terms_and_exceptions():
    own = scanner("en-GB", more={"health": ["Krankengeld"]}, exceptions=["medical supplies ltd"])
    assert named("Krankengeld from Medical Supplies Ltd", own) == [("health", "Krankengeld")]


def test_what_cannot_be_scanned_is_an_error_and_not_a_clean_result():
    with pytest.raises(ConfigError, match="'it'"):
        scanner("it")
    with pytest.raises(ConfigError, match="helth"):
        scanner("en", more={"helth": ["x"]})
    with pytest.raises(ConfigError, match="holds no word"):
        scanner("en", exceptions=["--"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_shipped_lists_have_no_double_and_no_term_hidden_by_an_exception(language):
    lists = scanner(language)
    for category in lists.categories.values():
        assert max(Counter(category.terms).values()) == 1
        for term in category.terms:
            plain = term.replace("*", "")
            assert any(place.category is category for place in lists.scan(plain)), (category.name, term)
        for phrase in category.exceptions:
            assert any(match.key == category.name for match in lists.terms.find(phrase)), (category.name, phrase)


def test_every_language_has_the_same_categories_under_the_same_rules():
    kept = [[(item.name, item.rule, item.protected) for item in scanner(one).categories.values()] for one in LANGUAGES]
    assert all(one == kept[0] for one in kept)


@pytest.mark.parametrize(
    ("language", "text", "category"),
    [
        ("de", "Wegen meiner Krebserkrankung war ich lange im Krankenhaus.", "health"),
        ("de", "Ich bin seit dem Fruehjahr arbeitsunfaehig.", "health"),
        ("de", "Ich bin Mitglied der IG Metall.", "trade union membership"),
        ("de", "Seit der Scheidung zahle ich allein.", "marital status"),
        ("de", "Ich beziehe Bürgergeld.", "public assistance"),
        ("fr", "J’ai été hospitalisée après une dépression.", "health"),
        ("fr", "Je suis depressive depuis un an.", "health"),
        ("fr", "Je suis délégué syndical.", "trade union membership"),
        ("fr", "Mon mari a perdu son emploi.", "marital status"),
        ("fr", "Je perçois le RSA.", "public assistance"),
        ("es", "Me diagnosticaron cancer de mama.", "health"),
        ("es", "Soy musulmán practicante.", "religion or belief"),
        ("es", "Estoy divorciada desde enero.", "marital status"),
        ("es", "Cobro el ingreso mínimo vital.", "public assistance"),
        ("es", "Creen que a mi edad no puedo pagar.", "age"),
    ],
)
def test_what_people_write_is_found_in_their_language(language, text, category):
    assert category in {place.category.name for place in scanner(language).scan(text)}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Der Gläubiger hat die Rate eher gebucht, und ich habe kurz vor dem Urlaub bezahlt."),
        ("de", "Ich brauche den Kredit für ein neues Auto und die Renovierung der Küche."),
        ("fr", "Marie m’a prêté la voiture, et j’ai fait un virement à l’étranger."),
        ("fr", "Le syndicat des copropriétaires a voté des travaux."),
        ("es", "Compré muebles en el extranjero y pagué todas las cuotas a tiempo."),
        ("es", "Necesito el préstamo para cambiar de coche."),
    ],
)
def test_ordinary_sentences_name_nothing(language, text):
    assert scanner(language).scan(text) == ()


@pytest.mark.parametrize("text", ["laid off", "Laid-off", "LAID\u00a0OFF", "laid\noff", "ｌａｉｄ off"])
def test_a_phrase_is_found_however_it_is_set(text):
    (found,) = TermIndex({"job": ["laid off"]}).find(f"was {text}, then")
    assert (found.start, found.end) == (4, 4 + len(text))


def test_composed_and_decomposed_accents_are_the_same_word():
    index = TermIndex({"x": ["café"]})
    assert [(m.start, m.end) for m in index.find("a cafe\u0301 b café")] == [(2, 7), (10, 14)]


def test_a_phrase_does_not_reach_over_a_stop_and_a_word_does_not_match_inside_another():
    index = TermIndex({"x": ["paid late", "rent"]})
    assert list(index.find("I paid. Late rents, parents, current")) == []


@given(st.lists(st.sampled_from(["late", "pay", "paid", "lately", "off", "laid", ",", "-"]), max_size=12))
def test_a_word_list_finds_what_a_search_word_by_word_finds(pieces):
    text = " ".join(pieces)
    terms = ["late", "paid late", "lat*", "laid off"]
    found = {(m.term, m.start) for m in TermIndex({"k": terms}).find(text)}
    words = [(p, sum(len(q) + 1 for q in pieces[:i])) for i, p in enumerate(pieces)]
    expected = {("late", at) for word, at in words if word == "late"}
    expected |= {("lat*", at) for word, at in words if word.startswith("lat")}
    for first, second, term in (("paid", "late", "paid late"), ("laid", "off", "laid off")):
        for i, (word, at) in enumerate(words):
            rest = [w for w, _ in words[i + 1 :]]
            while rest[:1] == ["-"]:
                rest = rest[1:]
            if word == first and rest[:1] == [second]:
                expected.add((term, at))
    assert found == expected


@pytest.mark.real
@pytest.mark.parametrize(
    ("texts", "most"),
    [(real_texts.complaints, 0.2), (real_texts.clean_complaints, 0.1), (real_texts.bank_questions, 0.001)],
)
def test_few_real_texts_name_special_categories(texts, most):
    every = texts()
    stopped = sum(any(p.category.protected == "special" for p in ENGLISH.scan(text)) for text in every)
    assert stopped <= most * len(every)
    assert texts is real_texts.bank_questions or stopped > 0
