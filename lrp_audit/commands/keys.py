"""The keys that commands work with: the one that signs, and the secret that names folders of decisions."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from lrp_audit.errors import ConfigError, SigningError

if TYPE_CHECKING:
    from lrp_audit.settings.config import AuditConfig
    from lrp_audit.signing import Signer


def require_extra() -> None:
    """Raise SigningError where the extra `sign` is not installed."""
    try:
        import pyhanko  # noqa: F401
    except ImportError:
        raise SigningError("Signatures need an extra: pip install 'lrp_audit[sign]'.") from None


def signer_of(config: AuditConfig, folder: Path) -> Signer:
    """The key of `[signing]`, open; its passphrase comes from the environment or is asked for.

    Raises:
        SigningError: the extra, the section or the key is missing, or the key cannot be used.
    """
    return opened_key(config, folder)[0]


def opened_key(config: AuditConfig, folder: Path) -> tuple[Signer, str]:
    """As `signer_of`, with the passphrase, which other processes need that are to sign."""
    require_extra()
    from lrp_audit.signing import open_signer, passphrase

    if config.signing is None:
        raise SigningError('--sign needs the section [signing] in audit.toml: pkcs12 = "key.p12", or a token.')
    known: list[str] = []

    def ask(purpose: str) -> str:
        known.append(passphrase(purpose))
        return known[-1]

    signer = open_signer(config.signing, folder, ask, now=dt.datetime.now(dt.UTC))
    return signer, known[-1]


def naming_key(settings: AuditConfig, config: Path) -> bytes:
    """The key that named the folders; a new one would find none of them.

    Raises:
        ConfigError: there is none, or it cannot be read.
    """
    from lrp_audit.privacy.pseudonym import load_key

    path = config.parent / settings.documents.key_file
    if not path.exists():
        raise ConfigError(
            f"There is no key file {path}: the folders of decisions were named with it, so none is found."
        )
    return load_key(path)
