"""Reviews, corrections and addressees: who gets no letter until a person has looked, and what is never overwritten."""

import datetime as dt
import io
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
import records
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit import report
from lrp_audit.deciding.decisions import Decision
from lrp_audit.errors import ConfigError, DataError, EventLogError, ReportError
from lrp_audit.explanation import Explanation
from lrp_audit.history import events
from lrp_audit.history.decision_folder import DecisionFolder, decision_folder
from lrp_audit.history.review_table import read_reviews
from lrp_audit.history.reviews import VERDICTS, Review, Verdict, latest, review_refusal
from lrp_audit.output import Output, Written
from lrp_audit.privacy.pseudonym import pseudonym
from lrp_audit.records.record import Addressee, Correction, Record, canonical, digest
from lrp_audit.settings.config import AuditConfig, load
from lrp_audit.signing import Signed

KEY = bytes(range(32))
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
PERSON = records.addressee()


def settings(review: str = "required") -> AuditConfig:
    plain = records.config()
    return plain.model_copy(update={"documents": plain.documents.model_copy(update={"review": review})})


def record(**changes: Any) -> Record:
    keyed = pseudonym(KEY, "addressee", PERSON.model_dump_json())
    return records.record(decision=records.decision(addressee_sha256=keyed, **changes))


def found(verdict: Verdict = "uphold", grounds: str = "I looked at all of it.") -> Review:
    return Review(verdict, "M. Okafor", "Senior credit officer", grounds, NOON)


class Stamp:
    """Signs by adding two words, so that signed and unsigned files can be told apart."""

    def sign(self, pdf: bytes) -> Signed:
        import hashlib

        content = pdf + b" and signed"
        return Signed(content, {"sha256": hashlib.sha256(content).hexdigest(), "signer": "Example Bank"})


@pytest.fixture
def output(tmp_path: Path) -> Output:
    return Output(tmp_path, settings(), KEY, frozenset({"letter", "audit"}), clock=lambda: NOON)


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents whose content is the digest of what they state."""

    def letter(record: Record, *_: Any, **options: Any) -> bytes:
        return f"letter of {digest(record)}{' with field' * options['signable']}".encode()

    def audit(record: Record, _: Any, logged: Any, **options: Any) -> bytes:
        shown = [event for event in logged if event.details.get("file") != "audit.pdf"]
        return f"audit of {digest(record)}, {len(shown)} events{' with field' * options['signable']}".encode()

    monkeypatch.setattr("lrp_audit.report.letter_pdf", letter)
    monkeypatch.setattr("lrp_audit.report.audit_pdf", audit)


def wrote(output: Output, made: Record) -> Written:
    """One run: a second one for the same id, by another `Output`, writes to the same folder."""
    return replace(output, _seen=Counter()).write(Decision(made, PERSON, 0))


def place(output: Output) -> DecisionFolder:
    return decision_folder(output.folder, KEY, record().decision.id)


def review(output: Output, made: Record, verdict: Verdict = "uphold") -> None:
    events.append(place(output).log, [found(verdict).of(digest(made))])


def text(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as pages:
        return " ".join(" ".join(item.get_textpage().get_text_bounded() for item in pages).split())


# --- reviews ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("CA-12")
@pytest.mark.usefixtures("words")
def test_a_required_review_keeps_a_letter_back_until_it_upholds(output: Output) -> None:
    pending = wrote(output, record())
    assert pending.refusal is not None
    assert pending.refusal.state == "REVIEW_PENDING"
    assert "CA-12" in pending.refusal.rule
    assert digest(record())[:16] in pending.refusal.evidence
    assert "lrp-audit review" in pending.refusal.next_step
    assert not pending.letter
    assert not (place(output).path / "notice.pdf").exists()
    review(output, record())
    assert wrote(output, record()).letter
    assert (place(output).path / "notice.pdf").exists()


@pytest.mark.parametrize("verdict", ["overturn", "return"])
@pytest.mark.parametrize("required", ["required", "optional"])
def test_what_a_person_overturned_or_returned_gets_no_letter_whatever_is_configured(
    tmp_path: Path, words: None, required: str, verdict: Verdict
) -> None:
    output = Output(tmp_path, settings(required), KEY, frozenset({"letter"}), clock=lambda: NOON)
    review(output, record(), verdict)
    refused = wrote(output, record())
    assert not refused.letter
    assert refused.refusal is not None
    assert refused.refusal.state == "REVIEW_PENDING"
    assert "I looked at all of it." in refused.refusal.evidence
    assert "M. Okafor (Senior credit officer)" in refused.refusal.evidence


@pytest.mark.usefixtures("words")
def test_a_review_counts_for_its_own_record_alone(output: Output) -> None:
    wrote(output, record())
    review(output, record())
    changed = record(product="Another loan")
    refused = wrote(output, changed)
    assert refused.refusal is not None
    assert "Earlier reviews are of other records" in refused.refusal.evidence
    kept = place(output).path / digest(record())[:16] / "record.json"
    assert kept.read_bytes() == canonical(record())  # the reviewed record is still there to be looked at
    review(output, changed)
    assert wrote(output, changed).letter


@pytest.mark.usefixtures("words")
def test_the_letter_of_a_reviewed_record_is_not_overwritten(tmp_path: Path) -> None:
    plain = Output(tmp_path, settings("optional"), KEY, frozenset({"letter", "audit"}), clock=lambda: NOON)
    wrote(plain, record())
    review(plain, record())
    changed = record(product="Another loan")
    assert wrote(plain, changed).letter
    assert (place(plain).path / "notice.pdf").read_bytes() == f"letter of {digest(changed)}".encode()
    earlier = place(plain).path / digest(record())[:16]
    assert (earlier / "WITHDRAWN-notice.pdf").read_bytes() == f"letter of {digest(record())}".encode()
    assert (earlier / "audit.pdf").is_file()
    assert events.read(place(plain).log)[-1].kind == "withdrawal"


@given(st.lists(st.sampled_from(VERDICTS), max_size=6), st.booleans())
def test_the_last_review_decides(verdicts: list[Verdict], required: bool) -> None:
    made, config = record(), settings("required" if required else "optional")
    logged = [
        events.Event(previous="", sequence=place, **dict(found(verdict).of(digest(made))))
        for place, verdict in enumerate(verdicts, start=1)
    ]
    upheld = verdicts[-1] == "uphold" if verdicts else not required
    assert (review_refusal(made, logged, config) is None) is upheld
    assert (latest(logged, digest(made)) is None) is (not verdicts)


def test_other_refusals_come_before_a_pending_review() -> None:
    refused = records.record(refusals=(records.REFUSAL,))
    assert review_refusal(refused, (), settings()) is None


def test_the_record_never_holds_a_review(output: Output, words: None) -> None:
    wrote(output, record())
    review(output, record())
    wrote(output, record())
    assert (place(output).path / "record.json").read_bytes() == canonical(record())


@pytest.mark.usefixtures("words")
def test_an_overturned_decision_s_letter_is_withdrawn(output: Output) -> None:
    review(output, record())
    wrote(output, record())
    letter = (place(output).path / "notice.pdf").read_bytes()
    review(output, record(), "overturn")
    wrote(output, record())
    assert not (place(output).path / "notice.pdf").exists()
    assert (place(output).path / "WITHDRAWN-notice.pdf").read_bytes() == letter
    last = events.read(place(output).log)[-1]
    assert (last.kind, last.record_sha256) == ("withdrawal", digest(record()))


def test_a_broken_log_stops_its_decision(output: Output, words: None) -> None:
    review(output, record())
    log = place(output).log
    log.write_bytes(log.read_bytes().replace(b"uphold", b"UPHOLD"))
    review_line = events.check(log)
    assert review_line.problem is None  # a last line changed as canonical JSON is sound to the chain,
    refused = wrote(output, record())
    assert refused.refusal is not None  # and its verdict upholds nothing
    log.write_bytes(log.read_bytes()[:-5])
    with pytest.raises(EventLogError, match="torn"):
        wrote(output, record())


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"by": " "}, "reviewer's name"),
        ({"role": ""}, "reviewer's role"),
        ({"verdict": "overturn", "grounds": " "}, "'overturn' needs its grounds"),
        ({"verdict": "return", "grounds": ""}, "'return' needs its grounds"),
        ({"time": dt.datetime(2026, 11, 22)}, "needs a zone"),
        ({"by": "a\nb"}, "one line of printable text"),
        ({"grounds": "\ud800"}, "one line of printable text"),
    ],
)
def test_a_review_that_lacks_something_is_one_sentence(changes: Mapping[str, Any], match: str) -> None:
    whole = {"verdict": "uphold", "by": "A", "role": "B", "grounds": "C", "time": NOON}
    Review(**whole)
    with pytest.raises(DataError, match=match):
        Review(**{**whole, **changes})


def test_a_reviewer_who_saw_another_record_is_told(tmp_path: Path) -> None:
    seen = Review("uphold", "A", "B", "", NOON, record_sha256="ab" * 32)
    assert seen.of("ab" * 32).record_sha256 == "ab" * 32
    with pytest.raises(DataError, match="review that one"):
        seen.of("cd" * 32)


@pytest.mark.rule("CA-12")
def test_python_writes_no_letter_around_a_required_review(tmp_path: Path) -> None:
    waiting = Explanation(Decision(record(), PERSON, 0), settings())
    with pytest.raises(ReportError, match="REVIEW_PENDING: Nobody has reviewed this record"):
        waiting.letter(tmp_path / "letter.pdf")
    assert list(tmp_path.iterdir()) == []
    assert waiting.letter(tmp_path / "draft.pdf", draft=True).exists()
    assert Explanation(Decision(record(), PERSON, 0), settings("optional")).letter(tmp_path / "letter.pdf").exists()


def test_a_review_that_is_required_is_no_decision_by_the_computer_alone(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    text = '[model]\nfile = "m.skops"\n[documents]\nletter = "eu-letter"\nreview = "{}"\n[automation]\nrole = "{}"\n'
    for review, role in (("required", "assisted"), ("optional", "sole")):
        path.write_text(text.format(review, role))
        assert load(path).documents.review == review
    path.write_text(text.format("required", "sole"))
    with pytest.raises(ConfigError, match=r'line 7: automation.role = "sole" says that no person takes part'):
        load(path)


# --- reviews from a table ---------------------------------------------------------------------------------------------

TABLE = "id,verdict,by,role,time,grounds\n007,Uphold,A. Ito,Officer,2026-11-22T09:30:00+01:00,\n"


def test_reviews_are_read_from_a_table(tmp_path: Path) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text(TABLE + "8,return,B. Lund,Officer,2026-11-22T10:00:00Z,Income is of 2024\n")
    (first, upheld), (second, returned) = read_reviews(path)
    assert (first, second) == ("007", "8")
    assert (upheld.verdict, upheld.grounds, upheld.record_sha256) == ("uphold", "", None)
    assert upheld.time == dt.datetime(2026, 11, 22, 8, 30, tzinfo=dt.UTC)
    assert returned.grounds == "Income is of 2024"


@pytest.mark.parametrize(
    ("table", "match"),
    [
        ("id,verdict\n1,uphold\n", "missing: by, role, time"),
        (TABLE.replace("Uphold", "approve"), r"row 1: verdict 'approve' must be one of uphold, overturn, return"),
        (TABLE.replace("2026-11-22T09:30:00+01:00", "today"), r"row 1: time 'today' must be like"),
        (TABLE.replace("+01:00", ""), "row 1: .* needs a zone"),
        (TABLE.replace("Uphold", "return"), "row 1: .* needs its grounds"),
    ],
)
def test_a_table_that_is_wrong_names_its_row(tmp_path: Path, table: str, match: str) -> None:
    path = tmp_path / "reviews.csv"
    path.write_text(table)
    with pytest.raises(DataError, match=match):
        read_reviews(path)


# --- in the audit -----------------------------------------------------------------------------------------------------


@pytest.mark.rule("CA-12")
@pytest.mark.rule("CA-14")
def test_the_audit_prints_its_history_and_keeps_the_box_empty(tmp_path: Path) -> None:
    made, log = record(), tmp_path / "events.jsonl"
    before = report.audit_pdf(made, settings())
    assert "REVIEW_PENDING" in text(before)
    events.append(log, [found("return", "The income is that of 2024.").of("ab" * 32), found().of(digest(made))])
    logged = events.read(log)
    after = report.audit_pdf(made, settings(), logged)
    assert report.audit_pdf(made, settings(), logged) == after
    said = text(after)
    assert "REVIEW_PENDING" not in said
    assert "Letter upheld by a reviewer" in said
    assert "Review: returned M. Okafor, Senior credit officer The income is that of 2024." in said
    assert "Grounds, and any disagreement" in said  # the box for the next reviewer is not filled in
    for pdf in (before, after):
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            assert opened.attachments["record.json"].get_file().read_bytes() == canonical(made)


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_the_history_is_said_in_the_reviewers_language(tmp_path: Path, language: str) -> None:
    config, folder = settings(), DecisionFolder(tmp_path)
    config = config.model_copy(
        update={"documents": config.documents.model_copy(update={"audit_language": language, "review": "required"})}
    )
    made = record(corrects=Correction(record_sha256="ab" * 32, notice=dt.date(2026, 11, 3)))
    pending = review_refusal(made, (), config)
    assert pending is not None
    events.append(folder.log, [found("return").of("ab" * 32), found("overturn").of(digest(made))])
    folder.log_correction(made, (), NOON)
    folder.log_signature(tmp_path / "notice.pdf", made, {"sha256": "ab" * 32, "time_stamp": "https://tsa"}, NOON)
    (tmp_path / "notice.pdf").write_bytes(b"")
    folder.withdraw(tmp_path, "REVIEW_PENDING", NOON)
    logged = events.read(folder.log)
    overturned = review_refusal(made, logged, config)
    assert overturned is not None
    said = text(report.audit_pdf(made, config, logged, signable=True))
    for english in (pending.evidence, "Review: overturned", "Event history", "digitally signed", "Replaces the letter"):
        assert english not in said
    for shown in (" ".join(overturned.evidence.split()), "M. Okafor", "REVIEW_PENDING", "https://tsa"):
        assert shown in said


def test_an_audit_says_nothing_of_its_own_signature(tmp_path: Path) -> None:
    made, place = record(), DecisionFolder(tmp_path)
    place.log_signature(tmp_path / "notice.pdf", made, {"sha256": "ab" * 32, "signer": "Example Bank"}, NOON)
    logged = events.read(place.log)
    printed = report.audit_pdf(made, settings("optional"), logged, signable=True)
    assert "certificate of Example Bank" in text(printed)
    place.log_signature(tmp_path / "audit.pdf", made, {"sha256": "cd" * 32, "signer": "Example Bank"}, NOON)
    assert report.audit_pdf(made, settings("optional"), events.read(place.log), signable=True) == printed


# --- signed files stay ------------------------------------------------------------------------------------------------


@pytest.fixture
def signing(tmp_path: Path, words: None) -> Output:
    documents = frozenset[Any]({"letter", "audit"})
    return Output(tmp_path, settings("optional"), KEY, documents, signer=Stamp(), clock=lambda: NOON)  # type: ignore[arg-type]


def files(output: Output) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place(output).path.iterdir() if path.suffix == ".pdf"}


def test_every_signature_is_logged_and_a_second_run_signs_nothing_anew(signing: Output) -> None:
    wrote(signing, record())
    first = files(signing)
    assert all(content.endswith(b" with field and signed") for content in first.values())
    logged = events.read(place(signing).log)
    assert [event.details["file"] for event in logged] == ["audit.pdf", "notice.pdf"]
    wrote(signing, record())  # the audit now prints that the letter was signed
    wrote(signing, record())
    assert [event.details["file"] for event in events.read(place(signing).log)] == [
        "audit.pdf", "notice.pdf", "audit.pdf"
    ]  # fmt: skip
    assert files(signing)["EARLIER-audit.pdf"] == first["audit.pdf"]
    assert files(signing)["notice.pdf"] == first["notice.pdf"]


def test_a_run_without_a_signer_leaves_signed_files(signing: Output) -> None:
    wrote(signing, record())
    first = files(signing)
    unsigned = Output(signing.folder, signing.config, KEY, signing.documents, clock=lambda: NOON)
    wrote(unsigned, record())
    assert files(signing) == first


def test_a_signed_letter_is_changed_by_a_correction_only(signing: Output) -> None:
    wrote(signing, record())
    first = files(signing)
    with pytest.raises(ReportError, match="--corrects"):
        wrote(signing, record(product="Another loan"))
    assert files(signing) == first
    assert (place(signing).path / "record.json").read_bytes() == canonical(record())


def test_drafts_are_not_signed(tmp_path: Path, words: None) -> None:
    drafts = Output(tmp_path, settings("optional"), KEY, frozenset({"letter"}), draft=True, signer=Stamp())  # type: ignore[arg-type]
    wrote(drafts, record())
    assert not files(drafts)["DRAFT-notice.pdf"].endswith(b"signed")
    assert not place(drafts).log.exists()


# --- corrections ------------------------------------------------------------------------------------------------------


def corrected(output: Output, which: str, **changes: Any) -> Record:
    later = record().decision.dates.model_copy(update={"notice": dt.date(2026, 12, 1)})
    return record(corrects=place(output).find(which), dates=later, **changes)


@pytest.fixture
def plain(tmp_path: Path, words: None) -> Output:
    documents = frozenset[Any]({"letter", "audit"})
    return Output(tmp_path, settings("optional"), KEY, documents, clock=lambda: NOON)


def test_a_correction_leaves_the_letter_that_it_replaces(plain: Output) -> None:
    wrote(plain, record())
    before = {path: path.read_bytes() for path in place(plain).path.iterdir()}
    correction = corrected(plain, "2026-11-22")
    written = wrote(plain, correction)
    assert written.letter
    assert {path.parent for path in written.files} == {place(plain).path / digest(correction)[:16]}
    assert all(path.read_bytes() == content for path, content in before.items())
    (event,) = events.read(place(plain).log)
    assert (event.kind, event.record_sha256) == ("correction", digest(correction))
    assert event.details == {"replaces": digest(record()), "notice": "2026-11-22"}
    wrote(plain, correction)
    assert len(events.read(place(plain).log)) == 1
    assert place(plain).standing(events.read(place(plain).log)).sha256 == digest(correction)


def test_what_was_corrected_is_not_written_anew(plain: Output) -> None:
    wrote(plain, record())
    wrote(plain, corrected(plain, digest(record())[:12]))
    wrote(plain, record())  # the same again is no change
    with pytest.raises(ReportError, match="stays as it is"):
        wrote(plain, record(product="Another loan"))


@pytest.mark.parametrize("which", ["2026-11-21", "abcd", "", "0" * 64, "../../etc"])
def test_a_correction_of_no_letter_says_which_there_are(plain: Output, which: str) -> None:
    wrote(plain, record())
    with pytest.raises(ReportError, match=r"no letters of this decision.*There are: 2026-11-22"):
        place(plain).find(which)


def test_a_correction_needs_a_review_of_its_own(output: Output, words: None) -> None:
    wrote(output, record())
    review(output, record())
    wrote(output, record())
    correction = corrected(output, "2026-11-22")
    assert not wrote(output, correction).letter
    standing = place(output).standing(events.read(place(output).log))
    events.append(place(output).log, [found().of(standing.sha256)])
    assert wrote(output, correction).letter


@pytest.mark.rule("US-01")
def test_a_correction_names_the_letter_and_the_audit_its_record() -> None:
    replaced = Correction(record_sha256="ab" * 32, notice=dt.date(2026, 11, 22))
    made = record(corrects=replaced)
    assert "This letter replaces our letter of November 22, 2026." in text(
        report.letter_pdf(made, PERSON, records.config())
    )
    assert "replaces our letter" not in text(report.letter_pdf(record(), PERSON, records.config()))
    assert f"the letter of November 22, 2026, record {'ab' * 32}" in text(report.audit_pdf(made, records.config()))


# --- the addressee, apart ---------------------------------------------------------------------------------------------


@pytest.mark.rule("G-09")
def test_the_addressee_is_apart_from_everything_but_the_letter(plain: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    wrote(plain, record())
    folder = place(plain).path
    assert Addressee.model_validate_json((folder / "addressee.json").read_bytes()) == PERSON
    holding = [path.name for path in folder.iterdir() if b"Alvarez" in path.read_bytes()]
    assert holding == ["addressee.json"]  # the letter's text is compressed; the audit has no such text at all:
    assert "Alvarez" not in text((folder / "audit.pdf").read_bytes())
    assert "Alvarez" in text((folder / "notice.pdf").read_bytes())
    with pikepdf.open(folder / "audit.pdf") as pdf:
        assert list(pdf.attachments) == ["record.json"]


def test_the_documents_of_a_record_are_rendered_without_its_model(plain: Output) -> None:
    wrote(plain, record())
    first = files(plain)
    for path in place(plain).path.glob("*.pdf"):
        path.unlink()
    assert plain.render(record().decision.id).letter
    assert files(plain) == first


def test_a_purged_addressee_leaves_the_rest_valid_and_no_letter_can_be_rendered(plain: Output) -> None:
    wrote(plain, record())
    (place(plain).path / "addressee.json").unlink()
    assert place(plain).filed()[0].sha256 == digest(record())
    with pytest.raises(ReportError, match=r"addressee.json is missing.*name and address are not known"):
        plain.render(record().decision.id)
    audits = Output(plain.folder, plain.config, KEY, frozenset({"audit"}))
    assert [path.name for path in audits.render(record().decision.id).files] == ["record.json", "audit.pdf"]


@pytest.mark.parametrize("content", ["{}", "no json", json.dumps({"name": "Somebody else", "address": []})])
def test_an_addressee_that_was_changed_is_refused(plain: Output, content: str) -> None:
    wrote(plain, record())
    (place(plain).path / "addressee.json").write_text(content)
    with pytest.raises(ReportError, match=r"was changed|holds no name"):
        plain.render(record().decision.id)


@pytest.mark.parametrize("content", [b"", b"{}", b"[", canonical(records.record()) + b" "])
def test_a_record_that_was_changed_is_refused(plain: Output, content: bytes) -> None:
    wrote(plain, record())
    (place(plain).path / "record.json").write_bytes(content)
    with pytest.raises(ReportError, match=r"record.json (is no record|was changed)"):
        plain.render(record().decision.id)
