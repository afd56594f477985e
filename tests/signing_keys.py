"""A certification authority of the tests' own, with keys it vouches for. Nobody outside the tests trusts it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PASSPHRASE = "sesame"
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Identity:
    """A key and its certificate, as `cryptography` objects."""

    key: Any
    certificate: x509.Certificate

    def asn1(self) -> tuple[asn1_x509.Certificate, asn1_keys.PrivateKeyInfo]:
        der = self.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        certificate = asn1_x509.Certificate.load(self.certificate.public_bytes(Encoding.DER))
        return certificate, asn1_keys.PrivateKeyInfo.load(der)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


@lru_cache
def authority() -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder("Test authority", "Test authority", key, now() - 400 * DAY, now() + 400 * DAY)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return Identity(key, builder.sign(key, SHA256()))


@lru_cache
def lender(kind: str = "ec", ended: bool = False) -> Identity:
    """A key that signs documents: `ec` or `rsa`."""
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 3072)
    end = now() - DAY if ended else now() + 100 * DAY
    builder = _builder("Example Bank", "Test authority", key, now() - 300 * DAY, end)
    return Identity(key, builder.add_extension(_usage(), critical=True).sign(authority().key, SHA256()))


@lru_cache
def time_stamps() -> Identity:
    key = rsa.generate_private_key(65537, 2048)  # the only kind that pyHanko's stand-in signs with
    builder = _builder("Test time-stamp server", "Test authority", key, now() - 300 * DAY, now() + 100 * DAY)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return Identity(key, builder.add_extension(_usage(), critical=True).sign(authority().key, SHA256()))


def _builder(common: str, issuer: str, key: Any, start: dt.datetime, end: dt.datetime) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(name(common)).issuer_name(name(issuer))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    subject = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return builder.not_valid_before(start).not_valid_after(end).add_extension(subject, critical=False)


def _usage(*, signs_certificates: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=not signs_certificates,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def write_pkcs12(path: Path, identity: Identity | None = None) -> Path:
    """The identity with its authority's certificate in a file that PASSPHRASE opens."""
    who = identity or lender()
    encryption = BestAvailableEncryption(PASSPHRASE.encode())
    chain = [authority().certificate]
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"lender", who.key, who.certificate, chain, encryption))
    return path


def write_root(path: Path, identity: Identity | None = None) -> Path:
    path.write_bytes((identity or authority()).certificate.public_bytes(Encoding.PEM))
    return path
