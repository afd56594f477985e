"""How documents are made to look: whose templates, which colour and logo, and on what paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lrp_audit.report.brand import NO_BRAND, Brand, brand
from lrp_audit.report.user_templates import UserTemplates, user_templates
from lrp_audit.settings.config import AuditConfig


@dataclass(frozen=True)
class Look:
    """By default the package's own templates without a brand."""

    brand: Brand = NO_BRAND
    templates: UserTemplates | None = None
    paper: Literal["letter", "A4"] = "letter"

    def templates_of(self, document: str) -> UserTemplates | None:
        """The user's templates where they hold this type of document."""
        return self.templates if self.templates is not None and self.templates.has(document) else None


PLAIN = Look()


def look(config: AuditConfig) -> Look:
    """What `[branding]` and `[documents] templates` ask for. Raises ReportError where a file cannot be used."""
    paper: Literal["letter", "A4"] = "letter" if config.documents.letter == "us-notice" else "A4"
    return Look(brand(config), user_templates(config), paper)


def versions(config: AuditConfig) -> dict[str, str]:
    """Digests of a user's files that a document's bytes depend on, for the record."""
    found = look(config)
    logo, own = found.brand.sha256, found.templates
    return {**({} if logo is None else {"logo": logo}), **({} if own is None else {"templates": own.sha256})}
