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
_but_relevance = itemgetter(*(Reason.model_fields.keys() - {"relevance"}))


class Writer:
    """Writes records; what many of them share is written the first time it is met."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[BaseModel, str]] = {}  # with the part itself, so that no other takes its id
        self._reasons: dict[tuple[object, ...], str] = {}
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
        fields["reasons"] = canonical.listed(map(self._of_reason, outline.reasons))
        fields["decision"] = self._of_decision(outline.decision)
        fields["versions"], fields["checks"] = self._of_versions(outline.versions), self._of_checks(outline.checks)
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

    def _of_reason(self, reason: Reason) -> str:
        """A reason, which is the same in many rows but for its relevance."""
        key = _but_relevance(vars(reason))
        form = self._reasons.get(key)
        if form is None:
            form = self._reasons[key] = canonical.form(reason, {"relevance": "%s"})
        return form % canonical.number(reason.relevance)

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

    def _of_checks(self, checks: tuple[Check, ...]) -> str:
        """Checks, which are the same objects in every row where nothing is checked."""
        if not same_objects(checks, self._checks[0]):
            self._checks = checks, canonical.text(checks)
        return self._checks[1]
