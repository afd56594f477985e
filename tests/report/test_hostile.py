"""Whatever an applicant, a table or a settings file says is printed as text: nothing runs, nothing is fetched."""

from __future__ import annotations

import io
import re
import socket
from collections.abc import Iterator
from functools import cache
from typing import Any, TypeVar

import pages
import pandas as pd
import pikepdf
import pytest
import records
import tinyhtml5
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from lrp_audit import report
from lrp_audit.deciding.fact_cells import ADDRESS_LINES, CELL_CHARACTERS
from lrp_audit.deciding.facts import read_facts
from lrp_audit.deciding.printability import with_printability
from lrp_audit.errors import ReportError
from lrp_audit.records.record import Addressee, Record, canonical
from lrp_audit.records.text_record import TextEvidence, TextWord
from lrp_audit.report.fonts import faces, with_code_points
from lrp_audit.report.limits import LETTER_LINES
from lrp_audit.report.render import to_pdf
from lrp_audit.report.specimens import specimens
from lrp_audit.settings.config import AuditConfig, ContactSection
from lrp_audit.settings.sections import ColumnSection, FactsSection, FamilySection

Model = TypeVar("Model", bound=BaseModel)
SETTINGS = records.config()
HARMLESS = "‹harmless›"
# A text's words are drawn one by one, see test_heatmap; a population's name and all digests are the project's own.
NOT_TRIED = {("text_evidence", "text"), ("reference", "name")}
FRAGMENTS = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<link rel=attachment href=file:///etc/passwd>",
    "<a rel=attachment href=file:///etc/passwd>a</a>", "<style>*{display:none}</style>", "</style>", "</title><h1>",
    "<svg><image href=http://127.0.0.1:9/x>", "<object data=http://127.0.0.1:9/x>", "<base href=http://127.0.0.1:9/>",
    "<!--", "-->", "]]>", "</td></table>", "'\"><b>", "&lt;b&gt;", "&#x202e;", "<!DOCTYPE x SYSTEM 'file:///x'>",
    "{{ 7*7 }}", "{% include '/etc/passwd' %}", "{# no", "{{ ''.__class__ }}", "{agency}", "{0.__class__}", "%(x)s",
    "@import url(http://127.0.0.1:9/x);", "}body{display:none}", "url(file:///etc/passwd)", "expression(1)", "\\",
    "javascript:alert(1)", "=cmd|'/c calc'!A1", "\u202egnp.exe", "\u2066a\u2069", "\u200b", "\x00", "\x1b[31m",
    "e\u0301", "x" + "\u0301" * 50, "שלום", "漢字", "😀", "\ufeff", "\xad", "ﬁ", "İ",
)  # fmt: skip
BODIES = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=6), min_size=1, max_size=2).map(
    lambda parts: " ".join("".join(parts).split())
)
TEXTS = BODIES.filter(lambda body: len(with_code_points(body, SETTINGS)) < 30).map(lambda body: f"‹{body}›")


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all texts in nested dictionaries and tuples."""
    if isinstance(value, str):
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, tuple) else ()
    for key, item in items:
        yield from _leaves(item, (*path, key))


def _replaced(value: Any, path: tuple[Any, ...], text: str) -> Any:
    if not path:
        return text
    key, *rest = path
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[key] = _replaced(value[key], tuple(rest), text)
    return changed if isinstance(value, dict) else tuple(changed)


@cache
def _slots(kind: type[Model]) -> tuple[tuple[Any, ...], ...]:
    """Paths of the texts that may say anything: those that stand replacing."""
    data, found = ORIGINALS[kind].model_dump(), []
    for path in _leaves(data):
        if str(path[-1]).endswith("sha256") or (path[0], path[-1]) in NOT_TRIED:
            continue
        try:
            kind.model_validate(_replaced(data, path, HARMLESS))
        except ValidationError:
            continue
        found.append(path)
    return tuple(found)


def poisoned(kind: type[Model], text: str) -> Model:
    """The model with `text` in every slot that takes it."""
    data = ORIGINALS[kind].model_dump()
    for path in _slots(kind):
        data = _replaced(data, path, text)
    return kind.model_validate(data)


def _record() -> Record:
    """One with a text in every slot there is."""
    words = tuple(TextWord(start=3 * i, end=3 * i + 2, relevance=0.1 * i) for i in range(3))
    evidence = TextEvidence(column="narrative", label="Your message", text="aa bb cc", words=words, masked={"names": 1})
    facts = records.decision(bureau=records.full_bureau(), decided_reasons=("Bankruptcy",))
    return records.record(
        decision=facts.model_copy(update={"addressee_sha256": "00"}),
        refusals=(records.REFUSAL,),
        text_evidence=(evidence,),
    )


def _config() -> AuditConfig:
    contact = ContactSection(name="Office", address=("Street 1",), telephone="1", email="a@b", website="c.d")
    settings = records.config(agency=contact, consumer_reporting_agency=contact)
    bank = settings.institution.model_copy(update={"email": "a@b", "website": "c.d"})
    return settings.model_copy(update={"institution": bank})


ORIGINALS: dict[type[BaseModel], Any] = {
    Record: _record(),
    Addressee: records.addressee(),
    ContactSection: _config().agency,
}


def hostile(text: str) -> tuple[Record, Addressee, AuditConfig]:
    """Record, addressee and settings that say `text` wherever they say anything."""
    plain = _config()
    contact = poisoned(ContactSection, text)
    bank = plain.institution.model_copy(update={**contact.model_dump(), "contact": text})
    changes = {
        "institution": bank,
        "agency": contact,
        "consumer_reporting_agency": contact,
        "credit_score": plain.credit_score.model_copy(update={"source": text}),
        "approval": plain.approval.model_copy(update={"by": text, "version": text}),
    }
    return poisoned(Record, text), poisoned(Addressee, text), plain.model_copy(update=changes)


def nodes(html: str, text: str) -> list[str]:
    """Every element with its attributes, and every stretch of text, with `text` as if it were harmless."""
    printed = " ".join(with_code_points(text, SETTINGS).split())
    found = []
    for element in tinyhtml5.parse(html).iter():
        found.append(f"{element.tag} {sorted(element.attrib.items())} {element.text or ''}")
        found.append(element.tail or "")
    spaced = (" ".join(part.split()).replace(printed, HARMLESS) for part in found)
    return [re.sub(r"a font that has U\+.*|\b[0-9a-f]{12,64}\b", "", part) for part in spaced]  # nor the digest


def letter(text: str) -> str:
    return report.letter_html(*hostile(text), draft=True)


def explanation(text: str) -> str:
    """The EU letter of the first specimen, with `text` in its record, addressee, contacts and settings."""
    plain = next(iter(specimens("eu-letter")))
    contact = poisoned(ContactSection, text).model_dump()
    offices = {
        name: getattr(plain.config, name).model_copy(update=contact)
        for name in ("institution", "review", "data_protection_officer", "supervisory_authority", "debt_advice")
    }
    automation = plain.config.automation.model_copy(update={"not_used": (text, text)})
    columns = {text: ColumnSection(label=text, source=text)}
    families = {text: FamilySection(label=text, text={"en": text})}
    settings = {**offices, "automation": automation, "columns": columns, "families": families}
    config = plain.config.model_copy(update=settings)
    return report.letter_html(poisoned(Record, text), poisoned(Addressee, text), config, draft=True)


def audit(text: str) -> str:
    record, _, config = hostile(text)
    return report.audit_html(record, config)


def test_every_text_of_a_record_is_tried() -> None:
    untried = {str(path[-1]) for path in set(_leaves(ORIGINALS[Record].model_dump())) - set(_slots(Record))}
    words_of_ours = {
        "schema_version",
        "action",
        "decided_by",
        "representation",
        "cutoff_on",
        "protected",
        "status",
        "state",
    }
    assert {name for name in untried if not name.endswith("sha256")} <= {*words_of_ours, "text", "name"}
    assert len(_slots(Record)) > 100


@pytest.mark.parametrize("make", [letter, explanation, audit])
@given(text=TEXTS)
@settings(max_examples=40)
def test_a_page_has_the_same_elements_whatever_its_texts_say(make: Any, text: str) -> None:
    plain = "‹harm\u200bless›" if report.unprintable(text, SETTINGS) else HARMLESS  # then a draft has a gap more
    harmless = nodes(make(plain), plain)
    assert sum(HARMLESS in node for node in harmless) > 20
    assert nodes(make(text), text) == harmless


@given(text=TEXTS)
@settings(max_examples=5, phases=[Phase.generate])
def test_a_pdf_holds_nothing_but_the_text_and_its_record(text: str) -> None:
    record, person, config = hostile(text)
    printed = "".join(with_code_points(text, SETTINGS).split())
    files = {
        "letter": report.letter_pdf(record, person, config, draft=True),
        "audit": report.audit_pdf(record, config),
    }
    for name, pdf in files.items():
        assert printed in "".join(pages.text(pdf).split()).replace("\ufffe", "")
        assert active_parts(pdf) == []
        embedded = {"record.json": (canonical(record), "/Source")} if name == "audit" else {}
        assert pages.attachments(pdf) == embedded
    assert "‹" not in pages.metadata(files["letter"])
    assert pages.failures(files["letter"], "PDF_UA_1") == []
    assert pages.failures(files["audit"], "PDF_UA_1", "PDF_A_3A") == []


def active_parts(pdf: bytes) -> list[str]:
    """Whatever in a PDF does something, or leads out of it."""
    names = ("/OpenAction", "/AA", "/AcroForm", "/JavaScript")
    with pikepdf.open(io.BytesIO(pdf)) as document:
        found = [name for name in names if name in document.Root]
        for page in document.pages:
            found += [str(note.Subtype) for note in page.get("/Annots", [])]
        kinds = [str(item.get("/S")) for item in document.objects if isinstance(item, pikepdf.Dictionary)]
    return found + [kind for kind in kinds if kind in {"/URI", "/Launch", "/JavaScript", "/GoToR", "/SubmitForm"}]


def test_no_text_makes_a_document_ask_anybody_for_anything() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x"
        for form in ("<img src={}>", "<link rel=stylesheet href={}>", "@import url({});", "<svg><image href={}></svg>"):
            record, person, config = hostile(form.format(url))
            report.letter_pdf(record, person, config, draft=True)
            report.audit_pdf(record, config)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.rule("G-02")
@pytest.mark.parametrize(
    "person",
    [
        Addressee(name="a" * 3_000_000, address=("x",)),
        Addressee(name="a", address=("x",) * (LETTER_LINES + 1)),
        Addressee(name="".join(map(chr, range(0x4E00, 0x9F00))), address=("x",)),
        Addressee(name="A\u0301" + "\u0301" * 300, address=("x",)),
        Addressee(name="\u202eA", address=("x",)),
    ],
    ids=["long", "many lines", "many characters", "piled accents", "override"],
)
def test_text_made_to_break_a_letter_is_refused_in_a_sentence(person: Addressee) -> None:
    refused = with_printability(records.record(), person, SETTINGS).refusal
    assert refused is not None
    assert refused.state == "UNPRINTABLE_TEXT"
    assert len(refused.evidence) < 200


@pytest.mark.parametrize("name", ["a" * 3_000_000, "漢字" * 400_000], ids=["long", "unprintable"])
def test_a_letter_that_is_too_long_is_refused_before_it_is_laid_out(name: str) -> None:
    with pytest.raises(ReportError) as error:
        report.letter_pdf(records.record(), Addressee(name=name, address=("x",)), SETTINGS)
    assert len(str(error.value)) < 300


def test_a_document_of_too_many_pages_is_not_written() -> None:
    html = "<html lang=en><title>t</title>" + "<p style='break-after:page'>a</p>" * 3 + "<p>a</p>"
    with pytest.raises(ReportError, match="has 4 pages, and may have 3"):
        to_pdf(html, "us-notice", faces(SETTINGS), identifier="x", most_pages=3)


@pytest.mark.rule("G-02")
@pytest.mark.parametrize(
    ("column", "cell", "why"),
    [
        ("name", "a" * (CELL_CHARACTERS + 1), "10,001 characters"),
        ("id", "1" * 1_000_000, "1,000,000 characters"),
        ("address", "x;" * (ADDRESS_LINES + 1), "13 lines"),
    ],
)
def test_facts_of_any_length_make_their_own_row_invalid(column: str, cell: str, why: str) -> None:
    row = {"id": "1", "name": "Ada", "address": "Street 1"}
    settings = records.config(facts=FactsSection(id="id", name="name", address="address"))
    first, second = read_facts(settings, pd.DataFrame([{**row, column: cell}, row | {"id": "2"}]), bytes(32), None)
    assert first.problem is not None
    assert first.problem.startswith(f"column '{column}': {why}")
    assert second.problem is None


def test_accents_on_a_letter_are_no_pile() -> None:
    names = "Nguyễn Ọ́lọ́runtọ́ Ἀχιλλεύς ọ̀̂"
    assert report.unprintable(names, SETTINGS) == ()


def test_long_data_do_not_lengthen_an_audit() -> None:
    plain = records.record()
    facts = plain.decision.model_copy(update={"id": "1" * 400_000, "product": "p " * 200_000, "amount": "<" * 400_000})
    values = tuple(
        item.model_copy(update={"value": "v" * 100_000, "display": "d " * 100_000, "source": "s" * 100_000})
        for item in plain.contributions
    )
    long = records.record(decision=facts, contributions=values)
    pdf = report.audit_pdf(long, SETTINGS)
    assert len(pages.page_texts(pdf)) < 3 * len(pages.page_texts(pages.audit("ordinary")))
    assert pages.attachments(pdf)["record.json"][0] == canonical(long)
