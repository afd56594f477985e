"""The section [signing] of audit.toml: the key that signs documents, and who confirms the time.

[signing]
pkcs12 = "signing.p12"           # or a token:
timestamp_url = "https://tsa.example/rfc3161"

[signing.pkcs11]
module = "/usr/lib/softhsm/libsofthsm2.so"
token = "lender"
key = "letters"

Passphrases and PINs never stand here: they are asked for, or taken from the environment.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

FIELD = "Signature"  # name of the signature field in documents


def _filled(value: str) -> str:
    if not value.strip():
        raise ValueError("it must not be empty")
    return value


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it must be the http or https address of a time-stamp server (RFC 3161)")
    return value


Filled = Annotated[str, AfterValidator(_filled)]
Address = Annotated[str, AfterValidator(_address)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TokenSection(_Section):
    """A key on a token or in a hardware module, which it never leaves (PKCS #11)."""

    module: Filled  # the module's shared library; relative to audit.toml, or a full path
    token: Filled  # label
    key: Filled  # label of the private key
    certificate: Filled | None = None  # label; default: the key's


class SigningSection(_Section):
    """Who signs (PAdES B-B), and with a time-stamp server B-T."""

    pkcs12: Filled | None = None  # key and certificates in a file, relative to audit.toml
    pkcs11: TokenSection | None = None
    timestamp_url: Address | None = None

    @model_validator(mode="after")
    def _one_key(self) -> SigningSection:
        if (self.pkcs12 is None) == (self.pkcs11 is None):
            raise ValueError("name one key, either pkcs12 (a file) or [signing.pkcs11] (a token)")
        return self
