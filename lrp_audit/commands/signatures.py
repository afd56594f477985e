"""What can be said of a signature: who signed, whether it fits, whom it leads to, and who confirms the time.

Needs the extra `sign`. PDF files hold their signature; a batch's manifest has one beside it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from asn1crypto import cms, pem, x509
from pyhanko.sign.validation import async_validate_detached_cms
from pyhanko.sign.validation.status import StandardCMSSignatureStatus
from pyhanko_certvalidator import ValidationContext

from lrp_audit.errors import ReportError
from lrp_audit.sealing.finding import Finding
from lrp_audit.signing import name_of

for _library in ("pyhanko", "pyhanko_certvalidator"):
    logging.getLogger(_library).addHandler(logging.NullHandler())  # what they log is in the findings

Status = TypeVar("Status", bound=StandardCMSSignatureStatus)
Roots = Sequence[x509.Certificate]


def read_roots(path: Path) -> tuple[x509.Certificate, ...]:
    """The certificates in a PEM or DER file.

    Raises:
        ReportError: the file cannot be read, or holds none.
    """
    try:
        content = path.read_bytes()
        found = [der for _, _, der in pem.unarmor(content, multiple=True)] if pem.detect(content) else [content]
        certificates = tuple(x509.Certificate.load(der, strict=True) for der in found)
        for certificate in certificates:
            certificate.native  # noqa: B018  # parses all of it
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError:
        raise ReportError(f"{path} holds no certificate (PEM or DER).") from None
    return certificates


def validated(validate: Callable[[ValidationContext, ValidationContext], Status], roots: Roots) -> Status:
    """A signature's status now; where a trusted server saw it while its certificate was valid, as of then.

    Args:
        validate: given the contexts of signer and time stamp.
        roots: certificates that are trusted.
    """
    now = ValidationContext(trust_roots=list(roots), allow_fetching=False)
    status = validate(now, now)
    stamp = status.timestamp_validity
    if status.trusted or stamp is None or not (stamp.intact and stamp.valid and stamp.trusted):
        return status
    then = ValidationContext(trust_roots=list(roots), allow_fetching=False, moment=stamp.timestamp)
    return validate(then, ValidationContext(trust_roots=list(roots), allow_fetching=False))


def stated(status: StandardCMSSignatureStatus, roots: Roots) -> Iterator[Finding]:
    """Who signed, whether it fits, whether that is somebody trusted, and when it was."""
    signer = name_of(status.signing_cert)
    if not (status.intact and status.valid):
        yield Finding(False, f"The signature of {signer} does not fit: the document was changed after it was signed.")
        return
    yield Finding(True, f"It is as {signer} signed it.")
    if not roots:
        yield Finding(None, f"Whether {signer} is who it says was not checked; --trust ROOT.pem names whom to trust.")
    elif status.trusted:
        yield Finding(True, "The certificate leads to a trusted root.")
    else:
        yield Finding(False, f"The certificate of {signer} is not valid, or leads to no trusted root.")
    yield _time_stamp(status, trusting=bool(roots))


def of_detached(content: bytes, signature: bytes, certificate_sha256: str, roots: Roots) -> tuple[Finding, ...]:
    """What can be said of a detached CMS signature over `content`, due from a certificate with this digest."""

    def validate(signer: ValidationContext, stamp: ValidationContext) -> StandardCMSSignatureStatus:
        signed = cms.ContentInfo.load(signature, strict=True)["content"]
        return asyncio.run(
            async_validate_detached_cms(content, signed, signer_validation_context=signer, ts_validation_context=stamp)
        )

    try:
        status = validated(validate, roots)
        if status.signing_cert.sha256.hex() != certificate_sha256:
            return (Finding(False, f"{name_of(status.signing_cert)} signed it, and not whom it names."),)
        return tuple(stated(status, roots))
    except Exception as error:  # a damaged signature can break its reader in any way
        return (Finding(False, f"The signature cannot be read: {error or type(error).__name__}."),)


def _time_stamp(status: StandardCMSSignatureStatus, *, trusting: bool) -> Finding:
    stamp = status.timestamp_validity
    if stamp is None:
        claimed = status.signer_reported_dt
        return Finding(None, f"It has no time stamp; the signer says {claimed or 'no time'}.")
    server = name_of(stamp.signing_cert)
    if not (stamp.intact and stamp.valid):
        return Finding(False, f"The time stamp of {server} does not fit the signature.")
    if trusting and not stamp.trusted:
        return Finding(False, f"The time stamp of {server} leads to no trusted root.")
    return Finding(True if trusting else None, f"{server} saw the signature at {stamp.timestamp.isoformat()}.")
