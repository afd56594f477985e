"""Judged rows as canonical records, byte for byte what `canonical` makes of whole ones."""

from __future__ import annotations

from pydantic import BaseModel

from lrp_audit.deciding.decisions import Judged
from lrp_audit.records import canonical
from lrp_audit.records.record import Record

_SHARED = frozenset({"model", "method", "reference", "texts"})  # one object for many rows, written once
_COLUMNS = frozenset({"contributions", "families"})
_OWN = set(Record.model_fields) - _SHARED - _COLUMNS


class Writer:
    """Writes records; what many of them share is written the first time it is met."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[BaseModel, str]] = {}  # with the part itself, so that no other takes its id

    def written(self, judged: Judged) -> bytes:
        """The canonical JSON of a row's record."""
        outline = judged.outline
        fields = {name: canonical.text(value) for name, value in outline.model_dump(mode="json", include=_OWN).items()}
        fields |= {name: self._shared(getattr(outline, name)) for name in _SHARED}
        fields["contributions"], fields["families"] = (
            ("[]", "[]") if judged.columns is None else judged.columns.written()
        )
        return canonical.joined(fields).encode()

    def _shared(self, part: BaseModel | None) -> str:
        if part is None:
            return "null"
        found = self._known.get(id(part))
        if found is None:
            found = self._known[id(part)] = part, canonical.text(part.model_dump(mode="json"))
        return found[1]
