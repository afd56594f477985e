"""Keyed pseudonyms: what stands for a person in records, file names and logs (G-09).

A plain hash of an id is no pseudonym, since ids can be enumerated; HMAC-SHA256 under a secret key is. The key is made
on first use and kept beside audit.toml; whoever loses it can no longer link old documents to ids.
"""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path
from typing import Literal

from lrp_audit.errors import ConfigError

KEY_BYTES = 32
Purpose = Literal["applicant", "file", "addressee"]


def load_key(path: Path) -> bytes:
    """The key in `path`, made (readable by its owner only) if the file does not exist.

    Raises:
        ConfigError: the file cannot be read or made, or holds something else than 32 bytes in hexadecimal.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_key(path)
    except OSError as error:
        raise ConfigError(
            f"The key file {path} cannot be made ({error.strerror}); set documents.key_file to a writable place."
        ) from None
    key = secrets.token_bytes(KEY_BYTES)
    with os.fdopen(descriptor, "w") as file:
        file.write(key.hex() + "\n")
    return key


def _read_key(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError) as error:
        raise ConfigError(f"The key file {path} cannot be read as a hexadecimal key ({error}).") from None
    if len(key) != KEY_BYTES:
        raise ConfigError(f"The key file {path} holds {len(key)} bytes where {KEY_BYTES} are needed.")
    return key


def pseudonym(key: bytes, purpose: Purpose, text: str) -> str:
    """HMAC-SHA256 of `text` in hexadecimal; pseudonyms made for different purposes cannot be joined."""
    return hmac.digest(key, f"{purpose}\0{text}".encode("utf-8", "surrogatepass"), "sha256").hex()
