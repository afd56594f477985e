"""Signatures: they leave every byte before them and both archival formats as they are, and every change shows."""

import asyncio
import datetime as dt
import io
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import explanations
import page
import pikepdf
import pypdfium2
import pytest
import records
import signing_keys as keys
from asn1crypto import tsp
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.sign.timestamps import DummyTimeStamper

from lrp_audit.commands.signatures import read_roots
from lrp_audit.commands.verification import verify
from lrp_audit.errors import ReportError, SigningError
from lrp_audit.history.decision_folder import DecisionFolder
from lrp_audit.language import texts
from lrp_audit.language.messages import for_applicants
from lrp_audit.records.record import Correction, canonical
from lrp_audit.report import audit_pdf, letter_pdf
from lrp_audit.settings.signing_config import SigningSection, TokenSection
from lrp_audit.signing import PASSPHRASE, Signer, open_signer, passphrase

NOON = dt.datetime(2026, 11, 16, 12, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys")
    keys.write_pkcs12(path / "lender.p12")
    keys.write_root(path / "root.pem")
    return path


@pytest.fixture(scope="module")
def signer(folder: Path) -> Signer:
    return opened(folder)


def opened(folder: Path, file: str = "lender.p12", ask: Callable[[str], str] = lambda _: keys.PASSPHRASE) -> Signer:
    return open_signer(SigningSection(pkcs12=file), folder, ask, now=keys.now())


@lru_cache
def document(name: str) -> bytes:
    if name == "audit":
        return audit_pdf(records.record(), records.config(), signable=True)
    return letter_pdf(records.record(), records.addressee(), records.config(), signable=True)


def failures(pdf: bytes, profile: str) -> list[str]:
    result = page.validate_pdf_bytes(pdf, profile=getattr(page.ValidationProfile, profile))
    return [failure.message for failure in result.failures]


def text(pdf: bytes) -> str:
    with pypdfium2.PdfDocument(pdf) as pages:
        return " ".join(" ".join(item.get_textpage().get_text_bounded() for item in pages).split())


def time_stamper() -> DummyTimeStamper:
    certificate, key = keys.time_stamps().asn1()
    return DummyTimeStamper(tsa_cert=certificate, tsa_key=key, certs_to_embed=None)


def found(path: Path, *, trust: Path | None = None) -> dict[bool | None, list[str]]:
    sentences: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for finding in verify(path, () if trust is None else read_roots(trust)):
        sentences[finding.holds].append(finding.sentence)
    return sentences


# --- what a signature leaves as it is ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ec", "rsa"])
@pytest.mark.parametrize(("name", "profiles"), [("audit", ("PDF_A_3A", "PDF_UA_1")), ("letter", ("PDF_UA_1",))])
def test_a_signed_document_begins_with_the_unsigned_one_and_keeps_its_formats(
    tmp_path: Path, kind: str, name: str, profiles: tuple[str, ...]
) -> None:
    keys.write_pkcs12(tmp_path / "key.p12", keys.lender(kind))
    signed = opened(tmp_path, "key.p12").sign(document(name)).pdf
    assert signed.startswith(document(name))
    assert len(signed) > len(document(name))
    for profile in profiles:
        assert failures(signed, profile) == []


@pytest.mark.slow
@pytest.mark.parametrize(("letter", "language"), [*explanations.LETTERS, ("us-notice", "es")])
def test_every_letter_can_be_a_signed_correction(letter: str, language: str, signer: Signer) -> None:
    config = records.config() if letter == "us-notice" else explanations.config(letter, language)
    documents = config.documents.model_copy(update={"language": language})
    made = records.record() if letter == "us-notice" else explanations.record(language)
    corrects = Correction(record_sha256="ab" * 32, notice=dt.date(2026, 11, 3))
    made = made.model_copy(update={"decision": made.decision.model_copy(update={"corrects": corrects})})
    settings = config.model_copy(update={"documents": documents})
    pdf = letter_pdf(made, records.addressee(), settings, signable=True)
    assert failures(signer.sign(pdf).pdf, "PDF_UA_1") == []
    legal = texts.load(language)
    said = text(pdf)
    assert legal["replaces-letter"].fill(date=for_applicants(settings).date(corrects.notice)) in said
    assert legal["digital-signature"].text.strip() in said


def test_a_document_that_is_not_to_be_signed_has_no_field(signer: Signer) -> None:
    plain = letter_pdf(records.record(), records.addressee(), records.config())
    with pikepdf.open(io.BytesIO(plain)) as pdf:
        assert "/AcroForm" not in pdf.Root
    assert "digitally signed" not in text(plain)
    assert "digitally signed" in text(document("letter"))
    with pytest.raises(SigningError, match="cannot be signed"):
        signer.sign(plain)


def test_the_field_is_invisible_and_part_of_the_structure(signer: Signer) -> None:
    with pikepdf.open(io.BytesIO(signer.sign(document("audit")).pdf)) as pdf:
        widget = pdf.Root.AcroForm.Fields[0]
        assert [float(number) for number in widget.Rect] == [0, 0, 0, 0]
        assert "digitally signed" in str(widget.TU)
        entry = list(pdf.Root.StructTreeRoot.ParentTree.Nums)[-1]
        assert entry.S == "/Form"
        assert entry.K[0].Obj.objgen == widget.objgen


def test_two_signatures_of_a_document_differ_behind_the_same_bytes(signer: Signer) -> None:
    first, second = signer.sign(document("letter")), signer.sign(document("letter"))
    assert first.pdf != second.pdf
    assert first.details["sha256"] != second.details["sha256"]
    assert first.details["signer"] == "Example Bank"


@pytest.mark.slow
def test_the_key_is_read_once(folder: Path, signer: Signer) -> None:
    """At most 20 ms a document; the limit here leaves room for a busy machine."""
    pdf = document("letter")
    signer.sign(pdf)

    def seconds() -> float:
        began = time.perf_counter()
        signer.sign(pdf)
        return time.perf_counter() - began

    assert statistics.median(seconds() for _ in range(15)) < 0.06


# --- verification -----------------------------------------------------------------------------------------------------


@pytest.mark.rule("CA-14")
def test_a_signed_audit_is_verified_with_its_record(tmp_path: Path, folder: Path, signer: Signer) -> None:
    path = tmp_path / "audit.pdf"
    path.write_bytes(signer.sign(document("audit")).pdf)
    (tmp_path / "record.json").write_bytes(canonical(records.record()))
    sentences = found(path, trust=folder / "root.pem")
    assert sentences[False] == []
    said = " ".join(sentences[True])
    assert "as Example Bank signed it" in said
    assert "trusted root" in said
    assert "The attached record is canonical JSON" in said
    assert "record.json, is the one" in said
    assert "no time stamp" in " ".join(sentences[None])


def test_a_signer_whom_nobody_trusts_is_named_and_not_vouched_for(tmp_path: Path, signer: Signer) -> None:
    path = tmp_path / "audit.pdf"
    path.write_bytes(signer.sign(document("audit")).pdf)
    assert found(path)[False] == []
    assert "was not checked" in " ".join(found(path)[None])
    stranger = keys.write_root(tmp_path / "stranger.pem", keys.lender("rsa"))
    assert "leads to no trusted root" in " ".join(found(path, trust=stranger)[False])


@pytest.mark.slow
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_flipped_bit_of_a_signed_document_goes_unseen(
    tmp_path_factory: pytest.TempPathFactory, folder: Path, signer: Signer, place: float, bit: int
) -> None:
    content = bytearray(signer.sign(document("letter")).pdf)
    container = slice(
        content.index(b"/Contents <"), content.index(b"/ByteRange")
    )  # may hold padding, which says nothing
    position = int(place * len(content))
    if container.start <= position < container.stop:
        return
    content[position] ^= 1 << bit
    path = tmp_path_factory.mktemp("flipped") / "letter.pdf"
    path.write_bytes(content)
    assert found(path, trust=folder / "root.pem")[False]


def test_what_is_added_behind_a_signature_is_seen(tmp_path: Path, folder: Path, signer: Signer) -> None:
    from pyhanko.pdf_utils.generic import TextStringObject, pdf_name
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    writer = IncrementalPdfFileWriter(io.BytesIO(signer.sign(document("letter")).pdf))
    writer.root[pdf_name("/Lang")] = TextStringObject("fr")
    writer.update_root()
    path = tmp_path / "letter.pdf"
    with path.open("wb") as file:
        writer.write(file)
    assert "added to the file behind the signature" in " ".join(found(path, trust=folder / "root.pem")[False])


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\nno", b"\0" * 100])
def test_what_is_no_pdf_is_no_traceback(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.pdf"
    path.write_bytes(content)
    assert "cannot be read as a PDF" in found(path)[False][0]


def test_a_document_of_another_record_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "audit.pdf"
    path.write_bytes(audit_pdf(records.record(), records.config()))
    (tmp_path / "record.json").write_bytes(canonical(records.record(flags=("changed",))))
    assert found(path)[False] == ["The record beside it, record.json, is another one, or was changed."]


def test_an_attached_record_that_was_exchanged_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "audit.pdf"
    with pikepdf.open(io.BytesIO(audit_pdf(records.record(), records.config()))) as pdf:
        pdf.Root.AF[0].EF.F.write(canonical(records.record(flags=("changed",))))
        identifier = pdf.trailer.ID[0]
        pdf.save(path)
    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        assert pdf.trailer.ID[0] == identifier
    assert "not the one that the document was made from" in " ".join(found(path)[False])


def test_an_unsigned_document_says_so_and_fails_where_trust_is_asked_for(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "audit.pdf"
    path.write_bytes(audit_pdf(records.record(), records.config()))
    assert "It is not signed." in found(path)[None]
    assert "It is not signed." in found(path, trust=folder / "root.pem")[False]


def test_verification_reads_the_event_log_beside(tmp_path: Path, signer: Signer) -> None:
    path, place, record = tmp_path / "audit.pdf", DecisionFolder(tmp_path), records.record()
    signed = signer.sign(document("audit"))
    path.write_bytes(signed.pdf)
    place.log_signature(path, record, signed.details, NOON)
    assert "The event log holds this signature." in found(path)[True]
    path.write_bytes(signer.sign(document("audit")).pdf)
    assert "The event log does not hold this signature." in found(path)[False]
    path.write_bytes(audit_pdf(record, records.config()))
    assert "this file is not" in " ".join(found(path)[False])
    place.log.write_bytes(place.log.read_bytes().replace(b"Example", b"Another"))
    assert any("event log" in sentence for sentence in found(path)[False])


@pytest.mark.parametrize("content", [b"", b"text", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_file_without_a_certificate_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "root.pem"
    path.write_bytes(content)
    with pytest.raises(ReportError, match="holds no certificate"):
        read_roots(path)


# --- time stamps ------------------------------------------------------------------------------------------------------


def test_a_time_stamp_is_verified_against_its_root(tmp_path: Path, folder: Path, signer: Signer) -> None:
    signed = replace(signer, time_stamper=time_stamper()).sign(document("audit"))
    assert signed.details["level"] == "PAdES B-T"
    assert signed.pdf.startswith(document("audit"))
    for profile in ("PDF_A_3A", "PDF_UA_1"):
        assert failures(signed.pdf, profile) == []
    path = tmp_path / "audit.pdf"
    path.write_bytes(signed.pdf)
    sentences = found(path, trust=folder / "root.pem")
    assert sentences[False] == []
    assert "Test time-stamp server saw the signature at" in " ".join(sentences[True])


def test_a_time_stamp_outlives_the_certificate(tmp_path: Path, folder: Path) -> None:
    keys.write_pkcs12(tmp_path / "ended.p12", keys.lender(ended=True))
    section = SigningSection(pkcs12="ended.p12")
    before = keys.now() - 2 * keys.DAY
    expired = open_signer(section, tmp_path, lambda _: keys.PASSPHRASE, now=before)
    path = tmp_path / "letter.pdf"
    path.write_bytes(expired.sign(document("letter")).pdf)
    assert "is not valid" in " ".join(found(path, trust=folder / "root.pem")[False])
    certificate, key = keys.time_stamps().asn1()
    stamper = DummyTimeStamper(tsa_cert=certificate, tsa_key=key, certs_to_embed=None, fixed_dt=before)
    path.write_bytes(replace(expired, time_stamper=stamper).sign(document("letter")).pdf)
    assert found(path, trust=folder / "root.pem")[False] == []


class _Server(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        request = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
        answer = asyncio.run(time_stamper().async_request_tsa_response(request)).dump()
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Server) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/"
        listening.shutdown()
        thread.join()


def test_a_time_stamp_server_is_asked_over_http(tmp_path: Path, folder: Path, server: str) -> None:
    section = SigningSection(pkcs12="lender.p12", timestamp_url=server)
    signed = open_signer(section, folder, lambda _: keys.PASSPHRASE, now=keys.now()).sign(document("letter"))
    assert signed.details["time_stamp"] == server
    path = tmp_path / "letter.pdf"
    path.write_bytes(signed.pdf)
    assert "saw the signature" in " ".join(found(path, trust=folder / "root.pem")[True])


def test_a_time_stamp_server_that_does_not_answer_is_one_sentence(folder: Path) -> None:
    section = SigningSection(pkcs12="lender.p12", timestamp_url="http://127.0.0.1:9/")
    absent = open_signer(section, folder, lambda _: keys.PASSPHRASE, now=keys.now())
    with pytest.raises(SigningError, match=r"time-stamp server http://127.0.0.1:9/ did not answer"):
        absent.sign(document("letter"))


# --- keys -------------------------------------------------------------------------------------------------------------


def test_a_wrong_passphrase_is_one_sentence(folder: Path) -> None:
    with pytest.raises(SigningError, match="the passphrase is wrong") as caught:
        opened(folder, ask=lambda _: "guess")
    assert "guess" not in str(caught.value)


def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    keys.write_pkcs12(tmp_path / "ended.p12", keys.lender(ended=True))
    with pytest.raises(SigningError, match=r"certificate of Example Bank is valid from .*renew it"):
        opened(tmp_path, "ended.p12")


@pytest.mark.parametrize(("content", "match"), [(None, "cannot be read"), (b"no key", "is no PKCS #12")])
def test_a_file_that_is_no_key_is_one_sentence(tmp_path: Path, content: bytes | None, match: str) -> None:
    if content is not None:
        (tmp_path / "x.p12").write_bytes(content)
    with pytest.raises(SigningError, match=match):
        opened(tmp_path, "x.p12")


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    only = pkcs12.serialize_key_and_certificates(None, None, None, [keys.lender().certificate], NoEncryption())
    (tmp_path / "x.p12").write_bytes(only)
    with pytest.raises(SigningError, match="holds no key"):
        opened(tmp_path, "x.p12", ask=lambda _: "")


def test_the_passphrase_comes_from_the_environment_or_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSPHRASE, "from the environment")
    assert passphrase("passphrase of x.p12") == "from the environment"
    monkeypatch.delenv(PASSPHRASE)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(SigningError, match=PASSPHRASE):
        passphrase("passphrase of x.p12")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda prompt: prompt)
    assert passphrase("passphrase of x.p12") == "Passphrase of x.p12: "


# --- tokens -----------------------------------------------------------------------------------------------------------

MODULES = (os.environ.get("LRP_AUDIT_TEST_PKCS11", ""), "/usr/lib/softhsm/libsofthsm2.so")
MODULE = next((path for path in MODULES if path and Path(path).is_file()), None)


def section(module: str, token: str = "lender") -> SigningSection:
    return SigningSection(pkcs11=TokenSection(module=module, token=token, key="letters"))


@pytest.mark.parametrize(("content", "match"), [(None, "there is no file"), (b"no library", "cannot sign")])
def test_a_module_that_cannot_be_loaded_is_one_sentence(tmp_path: Path, content: bytes | None, match: str) -> None:
    if content is not None:
        (tmp_path / "module.so").write_bytes(content)
    with pytest.raises(SigningError, match=match):
        open_signer(section("module.so"), tmp_path, lambda _: "1234", now=keys.now())


def test_a_missing_extra_names_what_installs_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pkcs11", None)
    with pytest.raises(SigningError, match=r"pip install 'lrp_audit\[pkcs11\]'"):
        open_signer(section("module.so"), tmp_path, lambda _: "1234", now=keys.now())


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A token of SoftHSM with a key and its certificate, behind the PIN 1234."""
    tool = shutil.which("softhsm2-util")
    if MODULE is None or tool is None:
        pytest.skip("needs SoftHSM (Debian: softhsm2)")
    import pkcs11
    from pkcs11.util.ec import decode_ec_private_key
    from pkcs11.util.x509 import decode_x509_certificate

    home = tmp_path_factory.mktemp("tokens")
    (home / "softhsm2.conf").write_text(f"directories.tokendir = {home}\nlog.level = ERROR\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(home / "softhsm2.conf"))
        made = [tool, "--module", MODULE, "--init-token", "--free", "--label", "lender", "--so-pin", "5678"]
        subprocess.run([*made, "--pin", "1234"], check=True, capture_output=True)
        lender = keys.lender()
        der = lender.key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        certificate = lender.certificate.public_bytes(Encoding.DER)
        with pkcs11.lib(MODULE).get_token(token_label="lender").open(user_pin="1234", rw=True) as session:
            label = {pkcs11.Attribute.LABEL: "letters", pkcs11.Attribute.TOKEN: True}
            session.create_object({**decode_ec_private_key(der), **label, pkcs11.Attribute.SIGN: True})
            session.create_object({**decode_x509_certificate(certificate), **label})
        yield MODULE


@pytest.mark.parametrize(("name", "pin", "match"), [("lender", "9999", "PIN is wrong"), ("other", "1234", "No token")])
def test_a_token_that_refuses_is_one_sentence(token: str, name: str, pin: str, match: str, tmp_path: Path) -> None:
    with pytest.raises(SigningError, match=match):
        open_signer(section(token, name), tmp_path, lambda _: pin, now=keys.now())


def test_a_token_signs(tmp_path: Path, folder: Path, token: str) -> None:
    signer = open_signer(section(token), tmp_path, lambda _: "1234", now=keys.now())
    path = tmp_path / "letter.pdf"
    path.write_bytes(signer.sign(document("letter")).pdf)
    assert found(path, trust=folder / "root.pem")[False] == []
