"""Signatures in PDF files (PAdES B-B; with a time-stamp server B-T), and beside manifests. Needs the extra `sign`.

A signature is appended: the bytes of the unsigned document stay what they are, so that who makes the document again can
compare. The signed tail holds the time and is never the same twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import getpass
import hashlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asn1crypto import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko.sign.general import SigningError as HankoError
from pyhanko.sign.timestamps import HTTPTimeStamper, TimeStamper, TimestampRequestError
from pyhanko_certvalidator.registry import SimpleCertificateStore

from lrp_audit.errors import SigningError
from lrp_audit.sealing.manifest import SignedBy
from lrp_audit.settings.signing_config import FIELD, SigningSection, TokenSection

PASSPHRASE = "LRP_AUDIT_SIGNING_PASSPHRASE"
_CONTAINER, _TIME_STAMP = 8192, 32768  # hexadecimal digits kept free for a signature without certificates, and a token
Ask = Callable[[str], str]  # what for -> passphrase or PIN


@dataclass(frozen=True)
class Signed:
    """A signed document, and what the event log says of its signature."""

    pdf: bytes
    details: dict[str, str]


@dataclass(frozen=True)
class Signer:
    """A key that is open, with its certificate; signs any number of documents."""

    keys: signers.Signer
    certificate: x509.Certificate
    time_stamper: TimeStamper | None = None

    def sign(self, pdf: bytes) -> Signed:
        """Fill the empty signature field of a document, behind its own bytes.

        Raises:
            SigningError: there is no such field, or the token or the time-stamp server does not do its part.
        """
        metadata = signers.PdfSignatureMetadata(
            field_name=FIELD, md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES
        )
        signer = signers.PdfSigner(metadata, signer=self.keys, timestamper=self.time_stamper)
        with self._in_one_sentence():
            output = signer.sign_pdf(
                _Appending(io.BytesIO(pdf)), existing_fields_only=True, bytes_reserved=self._reserved()
            )
        signed = output.getvalue()
        details = {
            "sha256": hashlib.sha256(signed).hexdigest(),
            "level": "PAdES B-B" if self.time_stamper is None else "PAdES B-T",
            "signer": name_of(self.certificate),
            "certificate_sha256": self.certificate.sha256.hex(),
        }
        return Signed(signed, details if self.time_stamper is None else {**details, "time_stamp": self._server})

    @property
    def signs_as(self) -> SignedBy:
        """Who signs, as a batch's manifest says it."""
        server = None if self.time_stamper is None else self._server
        digest = self.certificate.sha256.hex()
        return SignedBy(signer=name_of(self.certificate), certificate_sha256=digest, time_stamp=server)

    def sign_detached(self, content: bytes) -> bytes:
        """A CMS signature over any bytes, to be kept beside them (RFC 5652; CAdES attributes).

        Raises:
            SigningError: the token or the time-stamp server does not do its part.
        """
        with self._in_one_sentence():
            signed = asyncio.run(
                self.keys.async_sign_general_data(content, "sha256", use_cades=True, timestamper=self.time_stamper)
            )
        return bytes(signed.dump())

    @contextlib.contextmanager
    def _in_one_sentence(self) -> Iterator[None]:
        """Errors of keys and servers as one sentence."""
        try:
            yield
        except TimestampRequestError as error:
            raise SigningError(
                f"The time-stamp server {self._server} did not answer as one ({error.__cause__ or error}); nothing was "
                "signed. Try again, or remove signing.timestamp_url."
            ) from None
        except (HankoError, TimeoutError, ValueError, RuntimeError) as error:  # a token's errors are RuntimeErrors
            raise SigningError(f"The document cannot be signed: {_said(error)}.") from None

    @property
    def _server(self) -> str:
        return str(getattr(self.time_stamper, "url", "local"))

    def _reserved(self) -> int:
        """Hexadecimal digits that hold any signature of this key: room is set aside before signing, in one go."""
        certificates = {self.certificate.dump(), *(item.dump() for item in self.keys.cert_registry)}
        held = _CONTAINER + sum(2 * len(item) for item in certificates)
        return held if self.time_stamper is None else held + _TIME_STAMP


class _Appending(IncrementalPdfFileWriter):
    def _update_meta(self) -> None:
        """The XMP packet stays as it is: pyHanko's would break the extension schema that PDF/A asks for."""


class _KeySigner(signers.Signer):
    """Signs with a key in memory, read once; pyHanko's own reads it again for every signature, in 90 ms for RSA."""

    def __init__(self, key: RSAPrivateKey | EllipticCurvePrivateKey, certificate: x509.Certificate, chain: Any) -> None:
        super().__init__(signing_cert=certificate, cert_registry=chain)
        self._key = key

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(data, PKCS1v15(), hashes.SHA256())
        return self._key.sign(data, ECDSA(hashes.SHA256()))


def open_signer(section: SigningSection, folder: Path, ask: Ask, *, now: dt.datetime) -> Signer:
    """Open the key of `[signing]`.

    Args:
        section: the settings.
        folder: where audit.toml lies; paths are relative to it.
        ask: called once, with what the passphrase is for.
        now: with a time zone; the certificate has to be valid then.

    Raises:
        SigningError: key, passphrase, token or certificate cannot be used; the message says which and why.
    """
    if section.pkcs11 is not None:
        keys = _token(section.pkcs11, folder, ask)
    else:
        keys = _file(folder / str(section.pkcs12), ask)
    certificate = keys.signing_cert
    _require_valid(certificate, now)
    url = section.timestamp_url
    return Signer(keys, certificate, None if url is None else HTTPTimeStamper(url))


def name_of(certificate: x509.Certificate) -> str:
    """Whose certificate it is: the common name where there is one."""
    common = certificate.subject.native.get("common_name")
    return common if isinstance(common, str) else str(certificate.subject.human_friendly)


def passphrase(purpose: str) -> str:
    """From the environment, else typed at the terminal.

    Raises:
        SigningError: it is not in the environment, and there is no terminal.
    """
    if (given := os.environ.get(PASSPHRASE)) is not None:
        return given
    if not sys.stdin.isatty():
        raise SigningError(f"There is no terminal to ask for the {purpose} at: put it into the variable {PASSPHRASE}.")
    return getpass.getpass(f"{purpose[0].upper()}{purpose[1:]}: ")


def _file(path: Path, ask: Ask) -> signers.Signer:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SigningError(f"signing.pkcs12: {path} cannot be read: {error.strerror}.") from None
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(content, ask(f"passphrase of {path.name}").encode())
    except ValueError:
        raise SigningError(f"{path} cannot be opened: the passphrase is wrong, or the file is no PKCS #12.") from None
    if key is None or certificate is None:
        raise SigningError(f"{path} holds no key with its certificate; export both into one PKCS #12 file.")
    if not isinstance(key, (RSAPrivateKey, EllipticCurvePrivateKey)):
        raise SigningError(f"{path} holds a key that PDF readers cannot check; use RSA or an elliptic curve.")
    chain: Any = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    chain.register_multiple(_asn1(item) for item in others)
    return _KeySigner(key, _asn1(certificate), chain)


def _asn1(certificate: Any) -> x509.Certificate:
    return x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def _token(section: TokenSection, folder: Path, ask: Ask) -> signers.Signer:
    try:
        import pkcs11  # noqa: PLC0415  # an extra of its own
        from pyhanko.config.pkcs11 import TokenCriteria  # noqa: PLC0415
        from pyhanko.sign.pkcs11 import PKCS11Signer, open_pkcs11_session  # noqa: PLC0415
    except ImportError:
        raise SigningError("Keys on tokens need an extra: pip install 'lrp_audit[pkcs11]'.") from None
    module, criteria = folder / section.module, TokenCriteria(label=section.token)
    if not module.is_file():
        raise SigningError(f"signing.pkcs11.module: there is no file {module}.")
    try:
        pin = ask(f"PIN of the token {section.token}")
        session = open_pkcs11_session(str(module), token_criteria=criteria, user_pin=pin)
        keys = PKCS11Signer(
            session,
            cert_label=section.certificate or section.key,
            key_label=section.key,
            use_raw_mechanism=True,  # the token signs a hash: fewer tokens hash as well
        )
        keys.signing_cert  # noqa: B018  # loads key and certificate, or fails here
    except (pkcs11.exceptions.PKCS11Error, RuntimeError, OSError) as error:
        why = "the PIN is wrong" if isinstance(error, pkcs11.exceptions.PinIncorrect) else _said(error)
        raise SigningError(f"The token '{section.token}' cannot sign: {why}.") from None
    return keys


def _said(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__


def _require_valid(certificate: x509.Certificate, now: dt.datetime) -> None:
    start, end = certificate.not_valid_before, certificate.not_valid_after
    if not start <= now <= end:
        raise SigningError(
            f"The certificate of {name_of(certificate)} is valid from {start.date()} to {end.date()}, "
            f"and today is {now.date()}: renew it."
        )
