"""Plain-text twins of letters: all the words, and nothing of the page."""

from __future__ import annotations

import re

import notices
import pages
import pytest
import records

from lrp_audit import report
from lrp_audit.report.plain_text import plain_text


def words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text)


@pytest.mark.rule("US-01")
@pytest.mark.parametrize("form", notices.FORMS)
@pytest.mark.parametrize("language", notices.LANGUAGES)
def test_says_every_word_of_the_pdf_and_no_other(form: str, language: str) -> None:
    record, config = notices.case(form, language)
    text = report.letter_text(record, records.addressee(), config)
    assert sorted(words(text)) == sorted(words(pages.text(notices.notice(form, language))))
    assert len(text) > 300
    assert not re.search(r"<[a-z/]|\{|&[a-z]+;", text)


def test_keeps_what_an_applicant_wrote_as_text() -> None:
    hostile = records.addressee(name="<b>Ann</b> {{7*7}} & Co", address=("1 <script>x</script> Road", "Town"))
    text = report.letter_text(records.record(), hostile, records.config())
    for given in (hostile.name, *hostile.address):
        assert str(given) in text


def test_reasons_are_numbered_lines_and_paragraphs_stand_apart() -> None:
    text = report.letter_text(records.record(), records.addressee(), records.config())
    for reason in records.record().reasons:
        assert re.search(rf"(?m)^ *{reason.rank}\. {re.escape(reason.text)}$", text)
    assert "\n\n\n" not in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_a_table_keeps_its_rows_on_lines() -> None:
    table = "<table><tr><th>Item</th><th>Value</th></tr><tr><td>Income</td><td>£900</td></tr></table>"
    assert [line.split() for line in plain_text(table).splitlines()] == [["Item", "Value"], ["Income", "£900"]]
