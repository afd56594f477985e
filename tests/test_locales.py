"""Numbers, currencies and dates as readers of a letter write them, whatever the machine's own locale."""

import datetime as dt
import math

import pytest
import records
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.errors import ReportError
from lrp_audit.language.display import MINUS, number, show
from lrp_audit.language.locales import locale_of, localized
from lrp_audit.language.messages import for_applicants, for_reviewers, messages
from lrp_audit.report.fonts import unprintable
from lrp_audit.report.formats import days, exact, long_date, measure, percent, scientific, signed
from lrp_audit.settings.sections import ColumnSection

NARROW, HARD = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"
READERS = [
    ("en", "us-notice"), ("es", "us-notice"), ("en", "uk-letter"), ("en", "eu-letter"), ("de", "eu-letter"),
    ("fr", "eu-letter"), ("es", "eu-letter"), ("de-AT", "eu-letter"), ("de-CH", "eu-letter"), ("fr-BE", "eu-letter"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("language", "letter", "euros", "dollars", "share", "date"),
    [
        ("en", "us-notice", "−€1,234.50", "−$1,234.50", "46%", "March 3, 2026"),
        ("es", "us-notice", "−EUR 1,234.50", "−$1,234.50", "46%", "3 de marzo de 2026"),
        ("en", "uk-letter", "−€1,234.50", "−US$1,234.50", "46%", "3 March 2026"),
        ("en", "eu-letter", "−€1,234.50", "−US$1,234.50", "46%", "3 March 2026"),
        ("de", "eu-letter", "−1.234,50 €", "−1.234,50 $", "46 %", "3. März 2026"),
        ("fr", "eu-letter", "−1 234,50 €", "−1 234,50 $US", "46 %", "3 mars 2026"),
        ("es", "eu-letter", "−1.234,50 €", "−1.234,50 US$", "46 %", "3 de marzo de 2026"),
        ("de-AT", "eu-letter", "−€ 1.234,50", "−$ 1.234,50", "46 %", "3. März 2026"),
        ("de", "us-notice", "−1.234,50 €", "−1.234,50 $", "46 %", "3. März 2026"),
    ],
)
def test_money_shares_and_dates(language, letter, euros, dollars, share, date):
    say = messages(language, letter)

    def plain(text):
        return text.replace(NARROW, " ").replace(HARD, " ")

    for unit in ("€", "EUR"):
        assert plain(show(-1234.5, ColumnSection(unit=unit, decimals=2), say)) == euros
    assert plain(show(-1234.5, ColumnSection(unit="$", decimals=2), say)) == dollars
    assert plain(show(46, ColumnSection(unit="%"), say)) == plain(percent(0.46, say)) == share
    assert plain(long_date(dt.date(2026, 3, 3), say)) == date
    assert " " not in show(-1234.5, ColumnSection(unit="€", decimals=2), say)  # a line never breaks inside an amount


@given(st.floats(min_value=-1e14, max_value=1e14), st.sampled_from(READERS))
def test_a_number_reads_back_in_every_locale(value, reader):
    symbols = locale_of(*reader).number_symbols["latn"]
    text = number(value, say=messages(*reader))
    back = text.replace(symbols["group"], "").replace(symbols["decimal"], ".").replace(MINUS, "-")
    assert float(back) == float(number(value).replace(",", "").replace(MINUS, "-"))


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(READERS))
def test_no_hyphen_stands_for_a_minus_and_signs_stay(value, reader):
    say = messages(*reader)
    for text in (signed(value, 2, say), exact(value, say), scientific(value, say), measure(value, say)):
        assert "-" not in text
    assert signed(value, 9, say)[:1] in {"+": "+", "-": MINUS}.get(f"{value:+.9f}"[0], "0") or abs(value) < 1e-8


@pytest.mark.parametrize("reader", READERS)
def test_fonts_have_what_locales_print(reader):
    say = messages(*reader)
    amounts = [show(-1234567.5, ColumnSection(unit=unit), say) for unit in ("€", "$", "£", "CHF", "%", "months")]
    dates = [say.date(dt.date(2026, month, 1)) for month in range(1, 13)]
    assert unprintable("".join([*amounts, *dates, days(12345, say)]), records.config()) == ()


def test_the_machine_plays_no_part(monkeypatch):
    before = [messages(*reader).date(dt.date(2026, 5, 1)) for reader in READERS]
    for name in ("LANG", "LC_ALL", "LANGUAGE", "LC_NUMERIC"):
        monkeypatch.setenv(name, "ar_EG.UTF-8")
    messages.cache_clear()
    assert [messages(*reader).date(dt.date(2026, 5, 1)) for reader in READERS] == before


def test_units_that_are_no_currency_follow_their_number():
    say = messages("de", "eu-letter")
    assert show(1234, ColumnSection(unit="Monate"), say) == "1.234 Monate"
    assert show(1, ColumnSection(unit="USt"), say) == "1 USt"
    assert show(None, ColumnSection(unit="€"), say) == "nicht angegeben"
    assert show(True, ColumnSection(), say) == "ja"


@pytest.mark.parametrize("language", ["de-QQ1", "xx-YY", "de_", "-", "de-DE-POSIX-x-too-long-a-tag"])
def test_a_region_that_does_not_exist_is_one_sentence(language):
    with pytest.raises(ReportError, match=r"language"):
        messages(language)


def test_readers_of_letters_and_of_audits_each_have_their_language():
    documents = records.config().documents.model_copy(update={"letter": "uk-letter", "language": "en"})
    config = records.config().model_copy(update={"documents": documents})
    assert str(for_applicants(config).locale) == str(for_reviewers(config).locale) == "en_GB"
    bilingual = config.model_copy(update={"documents": documents.model_copy(update={"audit_language": "de-AT"})})
    assert for_reviewers(bilingual).language == "de"
    assert str(for_reviewers(bilingual).locale) == "de_AT"


def test_only_separators_and_signs_of_a_number_change():
    assert localized("-1,234.5e+06", locale_of("de", "eu-letter")) == f"{MINUS}1.234,5e+06"
    assert localized("inf", locale_of("fr", "eu-letter")) == "inf"
    assert not math.isfinite(float(localized("inf", locale_of("fr", "eu-letter"))))
