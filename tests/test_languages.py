"""Internal documents are in one language, whole: judged, explained and printed, on the shipped samples.

The pseudo-language marks every message: what is printed outside of the marks, and is no data, was never translated.
"""

from __future__ import annotations

import datetime as dt
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
import records
from babel import Locale
from test_reasons import REACHED

from lrp_audit import catalogues, report
from lrp_audit.deciding.decisions import decide
from lrp_audit.deciding.facts import text_columns
from lrp_audit.deciding.session import Session, open_session
from lrp_audit.judging.reasons import judge
from lrp_audit.language import messages as module
from lrp_audit.language.messages import messages
from lrp_audit.records.record import Record, canonical
from lrp_audit.resources import samples
from lrp_audit.settings.config import AuditConfig, load
from lrp_audit.tables import read_table

NOTICE = dt.date(2026, 11, 16)
OPEN, CLOSE = "‹", "›"
FOLDERS = {"table": (samples(), "synthetic_applications.csv"), "text": (samples() / "text", "synthetic_narratives.csv")}
# What documents print as it is in every language: states, rules and ids, names of methods and of their settings.
NAMES = "lrp lrp0 attnlrp float32 float64 record id sha token cls sep a none cpu avx phone word words given"

MONTHS = {name.casefold() for name in Locale("de").months["format"]["wide"].values()}


@pytest.fixture
def pseudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A language in which every message is itself, marked; it stands in for German."""
    catalogue = catalogues.updated("de", tmp_path / "de.po")
    for message in catalogue:
        if message.id:
            several = isinstance(message.id, tuple)
            message.string = tuple(map(marked, message.id)) if several else marked(message.id)
    with (tmp_path / "de.po").open("wb") as file:
        catalogues.write(catalogue, file)
    monkeypatch.setattr(module, "_folder", lambda: tmp_path)
    messages.cache_clear()
    yield "de"
    messages.cache_clear()


def marked(text: str) -> str:
    return f"{OPEN}{text}{CLOSE}"


def unmarked(text: str) -> str:
    """What stands outside of all marks."""
    kept, depth = [], 0
    for character in text:
        depth += character == OPEN
        if not depth:
            kept.append(character)
        depth -= character == CLOSE
    assert depth == 0, text
    return "".join(kept)


def words(text: str) -> set[str]:
    """Words of three letters or more; hashes hold none."""
    plain = re.sub(r"\b[0-9a-f]{12,}", " ", text)
    return {word.casefold() for word in re.findall(r"[^\W\d_]{3,}", plain)}


def untranslated(text: str, known: set[str]) -> list[str]:
    """Words outside of all marks that are no data either."""
    return sorted(words(unmarked(text)) - known - MONTHS)


def spoken(config: AuditConfig, language: str) -> AuditConfig:
    documents = config.documents.model_copy(update={"audit_language": language})
    return config.model_copy(update={"documents": documents})


def sample(kind: str, language: str, folder: Path) -> tuple[Session, list[Record]]:
    source, table = FOLDERS[kind]
    config = spoken(load(source / "audit.toml"), language)
    documents = config.documents.model_copy(update={"key_file": str(folder / "audit.key")})
    config = config.model_copy(update={"documents": documents})
    frame = read_table(source / table, text=text_columns(config.facts))
    session = open_session(config, source, frame)
    return session, [item.record for item in decide(session, frame.iloc[:6], notice=NOTICE)]


def data(kind: str) -> set[str]:
    """Words of a sample's table and settings."""
    folder, table = FOLDERS[kind]
    return words((folder / table).read_text(encoding="utf-8") + (folder / "audit.toml").read_text(encoding="utf-8"))


def printed(page: str) -> str:
    """The text that a page of HTML prints, alternative texts of charts included."""
    return html.unescape(re.sub(r"<[^>]*>", " ", re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)))


def sentences(record: Record) -> Iterator[str]:
    """What the record says to reviewers in its own words."""
    for refusal in record.refusals:
        yield from (refusal.evidence, refusal.next_step)
    yield from record.flags
    for check in record.checks:
        yield from (check.title, check.statement)
    if record.method is not None:
        yield record.method.target


@pytest.mark.parametrize(("judged", "by"), [row[2:4] for row in REACHED])
def test_every_refusal_and_flag_is_said_in_the_reviewers_language(judged, by, pseudo: str) -> None:
    found = judge(judged, spoken(by, pseudo))
    known = words(repr(judged)) | words(by.model_dump_json())
    for refusal in found.refusals:
        for sentence in (refusal.evidence, refusal.next_step):
            assert OPEN in sentence
            assert untranslated(sentence, known) == [], sentence
    assert all(OPEN in flag and not untranslated(flag, known) for flag in found.flags)


@pytest.mark.parametrize("name", [case.name for case in records.cases()])
def test_an_audit_prints_nothing_but_messages_and_its_record(name: str, pseudo: str) -> None:
    (case,) = (case for case in records.cases() if case.name == name)
    config = spoken(case.config, pseudo)
    known = words(canonical(case.record).decode() + json.dumps(case.config.model_dump(mode="json"))) | words(NAMES)
    page = report.audit_html(case.record, config)
    assert 'lang="de"' in page
    assert untranslated(printed(page), known | words(repr(case.record))) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", FOLDERS)
def test_judged_and_printed_whole_in_the_reviewers_language(kind: str, pseudo: str, tmp_path: Path) -> None:
    session, found = sample(kind, pseudo, tmp_path)
    known = data(kind) | words(NAMES) | words(" ".join(session.versions)) | words(session.model.facts.kind)
    for record in found:
        for sentence in sentences(record):
            assert untranslated(sentence, known) == [], sentence
        keys = words(" ".join([item.state for item in record.refusals] + [item.text_key for item in record.reasons]))
        keys |= words(str(record.decision.retention.basis))  # a citation
        page = printed(report.audit_html(record, session.config))
        assert not (left := untranslated(page, known | keys)), left


@pytest.mark.slow
@pytest.mark.parametrize("kind", FOLDERS)
def test_every_language_differs_in_words_and_agrees_in_numbers(kind: str, tmp_path: Path) -> None:
    by_language = {language: sample(kind, language, tmp_path) for language in ("en", "de", "fr", "es")}
    _, english = by_language["en"]
    for language, (session, found) in by_language.items():
        say = messages(language)
        for record, other in zip(found, english, strict=True):
            assert [item.relevance for item in record.contributions] == [item.relevance for item in other.contributions]
            assert [item.state for item in record.refusals] == [item.state for item in other.refusals]
            assert len(record.flags) == len(other.flags)
        page = report.audit_html(found[0], session.config)
        assert f'<html lang="{language}">' in page
        assert html.escape(say("Checks and background"), quote=False) in page
        assert say("INTERNAL, not for the applicant") in printed(page)
        assert language == "en" or "Checks and background" not in page
        with pypdfium2.PdfDocument(report.audit_pdf(found[0], session.config)) as pdf:
            assert say("Uphold") in pdf[0].get_textpage().get_text_bounded()  # the sign-off is on the first page


def test_a_missing_translation_refuses_the_document(pseudo: str, tmp_path: Path) -> None:
    """Rather than print English among another language."""
    path = tmp_path / "de.po"
    path.write_text(re.sub(r'msgid "Provenance"\nmsgstr ".*"\n', "", path.read_text("utf-8")), encoding="utf-8")
    messages.cache_clear()
    (case,) = (case for case in records.cases() if case.name == "ordinary")
    with pytest.raises(module.ReportError, match="Provenance"):
        report.audit_html(case.record, spoken(case.config, pseudo))


def test_a_letter_keeps_its_language_beside_an_audit_in_another() -> None:
    (case,) = (case for case in records.cases() if case.name == "ordinary")
    config = spoken(case.config, "fr")
    letter = report.letter_html(case.record, case.addressee, config)
    assert letter == report.letter_html(case.record, case.addressee, case.config)
    assert 'lang="fr"' in report.audit_html(case.record, config)
