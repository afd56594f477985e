"""Judged rows as canonical records, byte for byte what `canonical` makes of whole ones."""

from __future__ import annotations

from operator import itemgetter

from pydantic import BaseModel

from lrp_audit.deciding.decision_row import same_objects
from lrp_audit.deciding.decisions import Judged
from lrp_audit.records import canonical
from lrp_audit.records.record import Check, DecisionFacts, Reason, Record

_SHARED = frozenset({"model", "method", "reference", "texts"})  # one object for many rows, written once
_COLUMNS = frozenset({"contributions", "families"})
_OWN = Record.model_fields.keys() - _SHARED - _COLUMNS - {"decision", "reasons", "checks", "versions"}
_VARYING: dict[type[BaseModel], str] = {Reason: "relevance", Check: "measured"}  # the field that few rows share
_but_varying = {kind: itemgetter(*(kind.model_fields.keys() - {name})) for kind, name in _VARYING.items()}


class Writer:
    """Writes records; what many of them share is written the first time it is met."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[BaseModel, str]] = {}  # with the part itself, so that no other takes its id
        self._forms: dict[tuple[object, ...], str] = {}
        self._versions: tuple[dict[str, str], str] = {}, "{}"  # of the row before
        self._checks: tuple[tuple[Check, ...], str] = (), "[]"

    def written(self, judged: Judged) -> bytes:
        """The canonical JSON of a row's record."""
        return canonical.joined(self.fields(judged)).encode()

    def fields(self, judged: Judged) -> dict[str, str]:
        """The same, field by field."""
        outline = judged.outline
        fields = {name: canonical.text(getattr(outline, name)) for name in _OWN}
        fields |= {name: self.shared(getattr(outline, name)) for name in _SHARED}
        fields["reasons"] = canonical.listed(map(self._varying, outline.reasons))
        fields["decision"] = self._of_decision(outline.decision)
        fields["versions"], fields["checks"] = self._of_versions(outline.versions), self.checks(outline.checks)
        fields["contributions"], fields["families"] = (
            ("[]", "[]") if judged.columns is None else judged.columns.written()
        )
        return fields

    def shared(self, part: BaseModel | None) -> str:
        """A part that is one object in many records."""
        if part is None:
            return "null"
        found = self._known.get(id(part))
        if found is None:
            found = self._known[id(part)] = part, canonical.text(part)
        return found[1]

    def _varying(self, part: Reason | Check) -> str:
        """A part that is the same in many rows but for one field."""
        kind, fields = type(part), vars(part)
        name, key = _VARYING[kind], (kind, *_but_varying[kind](fields))
        form = self._forms.get(key)
        if form is None:
            form = self._forms[key] = canonical.form(part, {name: "%s"})
        return form % canonical.text(fields[name])

    def _of_decision(self, decision: DecisionFacts) -> str:
        """Facts, whose parts are often the same objects as in other rows: dates, or what nobody knows anything of."""
        fields = vars(decision).items()
        return canonical.joined({
            name: self.shared(value) if isinstance(value, BaseModel) else canonical.text(value)
            for name, value in fields
        })  # fmt: skip

    def _of_versions(self, versions: dict[str, str]) -> str:
        if versions != self._versions[0]:
            self._versions = versions, canonical.text(versions)
        return self._versions[1]

    def checks(self, checks: tuple[Check, ...]) -> str:
        """Checks, which are the same objects in every row where nothing is checked."""
        if not same_objects(checks, self._checks[0]):
            self._checks = checks, canonical.listed(map(self._varying, checks))
        return self._checks[1]
