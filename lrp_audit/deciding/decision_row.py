"""One judged decision as one row of a table: what `decisions.parquet` holds, column by column.

A row states what lists, reports and counts need of a decision; words, contributions and evidence stand in its record.
`+` means toward the adverse outcome.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter, is_
from typing import Any

import pyarrow as pa

from lrp_audit.deciding.weighed import Weighed
from lrp_audit.records.record import Check, Record

DECISIONS_VERSION = "1"  # of the schema: a column that changes its meaning, or goes, is another version

_TEXT, _NUMBER, _DATE, _COUNT, _TRUTH = pa.string(), pa.float64(), pa.date32(), pa.int32(), pa.bool_()
REASON = pa.struct(
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
    ("reasons", pa.list_(REASON), "principal reasons as a letter would state them"),
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


_OUTCOMES = ("favourable", "adverse")


class _Part:
    """A part of a record that may be missing, and the columns it fills.

    Args:
        columns: column -> where its value stands in the part.
    """

    def __init__(self, **columns: str) -> None:
        self.names = tuple(columns)
        self._read = attrgetter(*columns.values())
        self._nothing = (None,) * len(columns)

    def values(self, part: object) -> tuple[Any, ...]:
        """The values of the columns, each null where there is no such part."""
        return self._nothing if part is None else tuple(self._read(part))


_DECIDED = _Part(
    id="decision.id",
    applicant="decision.applicant",
    product="decision.product",
    amount="decision.amount",
    decided_by="decision.decided_by",
    action="decision.action",
    application_date="decision.dates.application",
    completion_date="decision.dates.completion",
    decision_date="decision.dates.decision",
    counteroffer_date="decision.counteroffer.made",
    notice_date="decision.dates.notice",
    notice_due="decision.dates.notice_due",
    notice_sent="decision.dates.notice_sent",
    covered="ranking.covered",
    gap="ranking.gap",
    near_tie="ranking.near_tie",
    model_version="model.version",
    weights_sha256="model.weights_sha256",
    model_file_sha256="model.file_sha256",
    texts_version="texts.version",
    config_sha256="config_sha256",
    language="texts.language",
    retain_until="decision.retention.retain_until",
    basis="decision.retention.basis",
    legal_hold="decision.retention.legal_hold",
)
_REFUSED = _Part(state="state", rule="rule", next_step="next_step")
_SCORED = _Part(
    outcome="adverse",
    score="score",
    margin="margin",
    cutoff="cutoff",
    estimator_score="estimator_score",
    near_cutoff="near_cutoff",
)
_BOOKED = _Part(explained="explained", attributed="attributed", moved="moved", residual="residual", absorbed="absorbed")
_COMPARED = _Part(reference_mean="mean_margin", reference_sha256="sha256")
_PARTS = (_DECIDED, _REFUSED, _SCORED, _BOOKED, _COMPARED)
_COUNTED = ("row", "folder", "record_sha256", "flags", "variations")
_PLAIN = (*_COUNTED, *(name for part in _PARTS for name in part.names))
_read_reason = attrgetter(*(field.name for field in REASON))
_read_check = attrgetter(*(field.name for field in _CHECK if field.name != "measured"))
_read_state = attrgetter("state")


class DecisionRows:
    """Collects rows, which become columns together."""

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []
        self._states, self._reasons, self._checks = _Lists(), _Lists(), CheckLists()

    def add(self, record: Record, row: int, folder: str, record_sha256: str | None) -> None:
        """Add the row of one record; `row` is that of the source. Contributions and families are not looked at."""
        found = record.variations
        self._rows.append(
            (
                row,
                folder,
                record_sha256,
                len(record.flags),
                None if found is None else len(found.found) + bool(found.left_out),
                *_DECIDED.values(record),
                *_REFUSED.values(record.refusal),
                *_SCORED.values(record.outcome),
                *_BOOKED.values(record.conservation),
                *_COMPARED.values(record.reference),
            )
        )
        self._states.add(map(_read_state, record.refusals))
        self._reasons.add(map(_read_reason, record.reasons))
        self._checks.add(record.checks)

    def table(self) -> pa.Table:
        """The rows so far; schema `DECISIONS`."""
        columns: dict[str, Any] = dict(zip(_PLAIN, _columns(self._rows, len(_PLAIN)), strict=True))
        columns["outcome"] = [None if adverse is None else _OUTCOMES[adverse] for adverse in columns["outcome"]]
        columns["failure"] = [None] * len(self._rows)
        arrays = {name: pa.array(values, DECISIONS.field(name).type) for name, values in columns.items()}
        arrays["states"] = self._states.array(pa.array(self._states.items, _TEXT))
        arrays["reasons"] = self._reasons.structs(REASON)
        arrays["checks"] = self._checks.array()
        return pa.table([arrays[name] for name in DECISIONS.names], schema=DECISIONS)


def decision_row(record: Record, row: int, folder: str, record_sha256: str | None) -> dict[str, Any]:
    """One row by itself."""
    rows = DecisionRows()
    rows.add(record, row, folder, record_sha256)
    (found,) = rows.table().to_pylist()
    return dict(found)


class _Lists:
    """Lists of values, or of structs as tuples, kept one after the other with where each list begins."""

    def __init__(self) -> None:
        self.offsets = [0]
        self.items: list[Any] = []

    def add(self, items: Iterable[Any]) -> None:
        """Add one list."""
        self.items.extend(items)
        self.offsets.append(len(self.items))

    def structs(self, kind: Any, **more: pa.Array) -> pa.Array:
        """As an array of lists of structs; fields that stand elsewhere are given."""
        own = [field for field in kind if field.name not in more]
        columns = zip(own, _columns(self.items, len(own)), strict=True)
        arrays = more | {field.name: pa.array(values, field.type) for field, values in columns}
        return self.array(pa.StructArray.from_arrays([arrays[field.name] for field in kind], fields=list(kind)))

    def array(self, values: pa.Array) -> pa.Array:
        """As an array of lists of the given values."""
        return pa.ListArray.from_arrays(pa.array(self.offsets, pa.int32()), values)


class CheckLists:
    """Lists of checks. Where nothing is checked every row has the same one, which is kept once."""

    def __init__(self) -> None:
        self._places: list[int] = []
        self._last: tuple[Check, ...] | None = None  # of the row before
        self._checks, self._measured = _Lists(), _Lists()

    def add(self, checks: tuple[Check, ...]) -> None:
        """Add one list."""
        if self._last is None or not same_objects(checks, self._last):
            self._last = checks
            self._checks.add(map(_read_check, checks))
            for check in checks:
                self._measured.add(
                    (name, float(value)) for name, value in check.measured.items() if type(value) is not str
                )
        self._places.append(len(self._checks.offsets) - 2)

    def array(self) -> pa.Array:
        """As an array of lists of structs."""
        names, values = _columns(self._measured.items, 2)
        offsets = pa.array(self._measured.offsets, pa.int32())
        numbers = pa.MapArray.from_arrays(offsets, pa.array(names, _TEXT), pa.array(values, _NUMBER))
        return self._checks.structs(_CHECK, measured=numbers).take(pa.array(self._places, pa.int64()))


def same_objects(checks: tuple[Check, ...], others: tuple[Check, ...]) -> bool:
    """Whether two lists hold the same checks; equal ones would not do: 1 equals true, and is written otherwise."""
    return len(checks) == len(others) and all(map(is_, checks, others))


def _columns(rows: Sequence[tuple[Any, ...]], count: int) -> Sequence[Sequence[Any]]:
    """So many columns of rows, which may be none."""
    return list(zip(*rows, strict=True)) if rows else [()] * count


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
