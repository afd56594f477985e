"""People and offices to write to or to ring, as letters print them."""

from __future__ import annotations

from dataclasses import dataclass

from lrp_audit.language.messages import Messages
from lrp_audit.report.slots import Slot, Slots
from lrp_audit.settings.letter_config import ContactSection


@dataclass(frozen=True)
class Contact:
    """Name, address and ways to reach someone, ready to print."""

    name: Slot
    address: tuple[Slot, ...]
    reach: tuple[str, ...]  # telephone, e-mail, website
    department: str | None = None


def contact(section: ContactSection | None, key: str, what: str, slots: Slots, say: Messages) -> Contact:
    """A section of audit.toml as a contact; `key` and `what` name it where it is missing."""
    if section is None:
        return Contact(slots.miss(f"{key}.name", say("{what}: name", what=what)), (), ())
    address: tuple[Slot, ...] = section.address
    if not address:
        address = (slots.miss(f"{key}.address", say("{what}: address", what=what)),)
    reach = tuple(way for way in (section.telephone, section.email, section.website) if way)
    return Contact(slots.need(section.name, f"{key}.name", say("{what}: name", what=what)), address, reach)
