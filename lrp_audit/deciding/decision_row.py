"""One judged decision as one row of a table: what `decisions.parquet` holds, column by column.

A row states what lists, reports and counts need of a decision; words, contributions and evidence stand in its record.
`+` means toward the adverse outcome.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from lrp_audit.deciding.weighed import Weighed
from lrp_audit.records.record import Record

DECISIONS_VERSION = "1"  # of the schema: a column that changes its meaning, or goes, is another version

_TEXT, _NUMBER, _DATE, _COUNT, _TRUTH = pa.string(), pa.float64(), pa.date32(), pa.int32(), pa.bool_()
_REASON = pa.struct(
    [
        ("rank", _COUNT),
        ("family", _TEXT),
        ("text", _TEXT),
        ("text_key", _TEXT),
        ("relevance", _NUMBER),
        ("direction", _TEXT),
        ("code", _TEXT),
    ]
)
_CHECK = pa.struct(
    [("id", _TEXT), ("title", _TEXT), ("status", _TEXT), ("flag", _TRUTH), ("measured", pa.map_(_TEXT, _NUMBER))]
)

_FIELDS: tuple[tuple[str, Any, str], ...] = (
    ("row", pa.int64(), "row of the source, from 0"),
    ("id", _TEXT, "as the source gives it; without an id column 'row N', counted from 1"),
    ("applicant", _TEXT, "pseudonym: keyed hash of the id"),
    ("folder", _TEXT, "name of the folder that documents lie in: another keyed hash of the id"),
    ("product", _TEXT, "facts.product"),
    ("amount", _TEXT, "facts.amount"),
    ("decided_by", _TEXT, "score, rule or human"),
    ("action", _TEXT, "denied, counteroffer or incomplete: what a notice would be about"),
    ("application_date", _DATE, "facts.application_date"),
    ("completion_date", _DATE, "facts.completion_date"),
    ("decision_date", _DATE, "facts.decision_date"),
    ("counteroffer_date", _DATE, "of an earlier counteroffer: the notice is then due 90 days after it"),
    ("notice_date", _DATE, "printed on the notice"),
    ("notice_due", _DATE, "last day of the notice (12 CFR 1002.9)"),
    ("notice_sent", _DATE, "facts.sent_date"),
    ("outcome", _TEXT, "adverse or favourable by the model's score; null where the row could not be scored"),
    ("score", _NUMBER, "on the scale of the cutoff, from the explained graph"),
    ("margin", _NUMBER, "of the adverse outcome, before the cutoff is subtracted"),
    ("cutoff", _NUMBER, "on the scale of the score"),
    ("estimator_score", _NUMBER, "the model's own score on its own path; null for texts"),
    ("near_cutoff", _TRUTH, "nearer to the cutoff than the two scores are to each other"),
    ("state", _TEXT, "the state that refuses the letter; null where one may go to review"),
    ("states", pa.list_(_TEXT), "every state, in order of precedence"),
    ("rule", _TEXT, "rules behind the first state"),
    ("next_step", _TEXT, "what to do about it"),
    ("reasons", pa.list_(_REASON), "principal reasons as a letter would state them"),
    ("covered", _NUMBER, "share of what counted against that the stated reasons hold"),
    ("gap", _NUMBER, "last stated family less first unstated one"),
    ("near_tie", _TRUTH, "that gap is within checks.near_tie"),
    ("explained", _NUMBER, "margin less the mean margin of the reference"),
    ("attributed", _NUMBER, "sum of all relevance"),
    ("moved", _NUMBER, "part of it that was added to make it complete"),
    ("absorbed", _NUMBER, "sum of the sinks"),
    ("residual", _NUMBER, "explained - attributed - absorbed"),
    ("reference_mean", _NUMBER, "mean margin of the reference"),
    ("checks", pa.list_(_CHECK), "checks with their numbers"),
    ("flags", _COUNT, "sentences for the reviewer, how many"),
    ("variations", _COUNT, "variations found; null where none were searched for"),
    ("model_version", _TEXT, "model.version"),
    ("weights_sha256", _TEXT, "of the model's weights"),
    ("model_file_sha256", _TEXT, "of the model file"),
    ("reference_sha256", _TEXT, "of the reference; null where the row was not explained"),
    ("texts_version", _TEXT, "approval.version"),
    ("config_sha256", _TEXT, "of the settings"),
    ("language", _TEXT, "of the letter"),
    ("retain_until", _DATE, "last day that documents are kept; null where nobody has said how long"),
    ("basis", _TEXT, "why so long"),
    ("legal_hold", _TRUTH, "nothing may be deleted; holds set or lifted later stand in events.jsonl"),
    ("record_sha256", _TEXT, "digest of the canonical record; null in a run without records"),
    ("failure", _TEXT, "what went wrong while the row was judged or its documents were written; null for nothing"),
)

DECISIONS = pa.schema(
    [pa.field(name, kind, metadata={"description": words}) for name, kind, words in _FIELDS],
    metadata={"lrp_audit_decisions": DECISIONS_VERSION},
)
"""The columns of a judged row. Every one may be null but `row`, `id` and `applicant`."""

DOCUMENTS = pa.field(
    "documents",
    pa.list_(pa.struct([("name", _TEXT), ("sha256", _TEXT), ("bytes", pa.int64())])),
    metadata={"description": "files that were written of the decision"},
)
"""The column that a run adds for the documents it wrote."""


class DecisionRows:
    """Collects rows, column by column."""

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {name: [] for name in DECISIONS.names if name not in _LISTS}
        self._states, self._reasons = _Lists(("state",)), _Lists(_names(_REASON))
        self._checks, self._measured = _Lists(("id", "title", "status", "flag")), _Lists(("name", "value"))

    def add(self, record: Record, row: int, folder: str, record_sha256: str | None) -> None:
        """Add the row of one record; `row` is that of the source. Contributions and families are not looked at."""
        values = {"row": row, "folder": folder, "record_sha256": record_sha256, **_decided(record)}
        values |= {**_scored(record), **_explained(record)}
        for name, column in self._columns.items():
            column.append(values.get(name))
        self._states.add([(item.state,) for item in record.refusals])
        self._reasons.add(
            [
                (item.rank, item.family, item.text, item.text_key, item.relevance, item.direction, item.code)
                for item in record.reasons
            ]
        )
        self._checks.add([(item.id, item.title, item.status, item.flag) for item in record.checks])
        for check in record.checks:
            self._measured.add(
                [(name, float(value)) for name, value in check.measured.items() if type(value) is not str]
            )

    def table(self) -> pa.Table:
        """The rows so far; schema `DECISIONS`."""
        arrays = {name: pa.array(values, DECISIONS.field(name).type) for name, values in self._columns.items()}
        arrays["states"] = self._states.array(pa.array(self._states.fields["state"], _TEXT))
        arrays["reasons"] = self._reasons.structs(_REASON)
        numbers = pa.MapArray.from_arrays(
            pa.array(self._measured.offsets, pa.int32()),
            pa.array(self._measured.fields["name"], _TEXT),
            pa.array(self._measured.fields["value"], _NUMBER),
        )
        arrays["checks"] = self._checks.structs(_CHECK, measured=numbers)
        return pa.table([arrays[name] for name in DECISIONS.names], schema=DECISIONS)


def decision_row(record: Record, row: int, folder: str, record_sha256: str | None) -> dict[str, Any]:
    """One row by itself."""
    rows = DecisionRows()
    rows.add(record, row, folder, record_sha256)
    (found,) = rows.table().to_pylist()
    return dict(found)


class _Lists:
    """Lists of structs, kept as their fields and where each list begins."""

    def __init__(self, names: Sequence[str]) -> None:
        self.offsets = [0]
        self.fields: dict[str, list[Any]] = {name: [] for name in names}
        self._columns = tuple(self.fields.values())

    def add(self, items: Sequence[tuple[Any, ...]]) -> None:
        """Add one list."""
        if items:
            for column, values in zip(self._columns, zip(*items, strict=True), strict=True):
                column.extend(values)
        self.offsets.append(len(self._columns[0]))

    def structs(self, kind: Any, **more: pa.Array) -> pa.Array:
        """As an array of lists of structs; fields that stand elsewhere are given."""
        arrays = [
            more[field.name] if field.name in more else pa.array(self.fields[field.name], field.type) for field in kind
        ]
        return self.array(pa.StructArray.from_arrays(arrays, fields=list(kind)))

    def array(self, values: pa.Array) -> pa.Array:
        """As an array of lists of the given values."""
        return pa.ListArray.from_arrays(pa.array(self.offsets, pa.int32()), values)


def _names(kind: Any) -> list[str]:
    return [field.name for field in kind]


def _decided(record: Record) -> dict[str, Any]:
    decision, refusal = record.decision, record.refusal
    dates, retention = decision.dates, decision.retention
    return {
        "id": decision.id,
        "applicant": decision.applicant,
        "product": decision.product,
        "amount": decision.amount,
        "decided_by": decision.decided_by,
        "action": decision.action,
        "application_date": dates.application,
        "completion_date": dates.completion,
        "decision_date": dates.decision,
        "counteroffer_date": decision.counteroffer.made,
        "notice_date": dates.notice,
        "notice_due": dates.notice_due,
        "notice_sent": dates.notice_sent,
        "state": None if refusal is None else refusal.state,
        "rule": None if refusal is None else refusal.rule,
        "next_step": None if refusal is None else refusal.next_step,
        "flags": len(record.flags),
        "model_version": record.model.version,
        "weights_sha256": record.model.weights_sha256,
        "model_file_sha256": record.model.file_sha256,
        "texts_version": record.texts.version,
        "config_sha256": record.config_sha256,
        "language": record.texts.language,
        "retain_until": retention.retain_until,
        "basis": retention.basis,
        "legal_hold": retention.legal_hold,
    }


def _scored(record: Record) -> dict[str, Any]:
    outcome = record.outcome
    if outcome is None:
        return {}
    return {
        "outcome": "adverse" if outcome.adverse else "favourable",
        "score": outcome.score,
        "margin": outcome.margin,
        "cutoff": outcome.cutoff,
        "estimator_score": outcome.estimator_score,
        "near_cutoff": outcome.near_cutoff,
    }


def _explained(record: Record) -> dict[str, Any]:
    books, ranking, found = record.conservation, record.ranking, record.variations
    row: dict[str, Any] = {"covered": ranking.covered, "gap": ranking.gap, "near_tie": ranking.near_tie}
    if books is not None:
        row |= {"explained": books.explained, "attributed": books.attributed, "moved": books.moved}
        row |= {"absorbed": math.fsum(books.sinks.values()), "residual": books.residual}
    if record.reference is not None:
        row |= {"reference_mean": record.reference.mean_margin, "reference_sha256": record.reference.sha256}
    if found is not None:
        row["variations"] = len(found.found) + bool(found.left_out)
    return row


class RelevanceRows:
    """Collects relevance by input of the model."""

    def __init__(self, inputs: Sequence[str]) -> None:
        self._inputs = tuple(inputs)
        self._rows: list[int] = []
        self._ids: list[str] = []
        self._columns: tuple[list[float | None], ...] = tuple([] for _ in inputs)
        self._nothing = [None] * len(self._inputs)

    def add(self, row: int, identifier: str, weighed: Weighed | None) -> None:
        """Add a row of the source; `weighed` is None where it was not explained."""
        self._rows.append(row)
        self._ids.append(identifier)
        values = self._nothing if weighed is None else weighed.by_input(self._inputs)
        for column, value in zip(self._columns, values, strict=True):
            column.append(value)

    def table(self) -> pa.Table:
        """`row`, `id`, and a column for every input, null where a row was not explained."""
        arrays = [pa.array(self._rows, pa.int64()), pa.array(self._ids, _TEXT)]
        arrays += [pa.array(column, _NUMBER) for column in self._columns]
        return pa.table(arrays, names=["row", "id", *relevance_names(self._inputs)])


_LISTS = frozenset({"states", "reasons", "checks"})  # built of their own parts


def relevance_names(inputs: Sequence[str]) -> list[str]:
    """Columns of the table of relevance for the model's inputs; one that is called `row` or `id` is `input row`."""
    taken, names = {"row", "id"}, []
    for given in inputs:
        name = given
        while name in taken:
            name = f"input {name}"
        taken.add(name)
        names.append(name)
    return names
