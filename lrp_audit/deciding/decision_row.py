"""One judged decision as one row of a table: what `decisions.parquet` holds, column by column.

A row states what lists, reports and counts need of a decision; words, contributions and evidence stand in its record.
`+` means toward the adverse outcome.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from lrp_audit.records.record import Check, Record

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


def decision_table(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """Rows as `decision_row` makes them."""
    return pa.Table.from_pylist(list(rows), schema=DECISIONS)


def decision_row(record: Record, row: int, folder: str, record_sha256: str | None) -> dict[str, Any]:
    """One record as a row; `row` is that of the source."""
    decision, dates, refusal = record.decision, record.decision.dates, record.refusal
    return {
        "row": row,
        "id": decision.id,
        "applicant": decision.applicant,
        "folder": folder,
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
        "states": [item.state for item in record.refusals],
        "rule": None if refusal is None else refusal.rule,
        "next_step": None if refusal is None else refusal.next_step,
        "flags": len(record.flags),
        "model_version": record.model.version,
        "weights_sha256": record.model.weights_sha256,
        "model_file_sha256": record.model.file_sha256,
        "texts_version": record.texts.version,
        "config_sha256": record.config_sha256,
        "language": record.texts.language,
        **decision.retention.model_dump(),
        "record_sha256": record_sha256,
        **_scored(record),
        **_explained(record),
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
    row: dict[str, Any] = {
        "reasons": [_reason(item.model_dump()) for item in record.reasons],
        "checks": [_check(item) for item in record.checks],
        "covered": ranking.covered,
        "gap": ranking.gap,
        "near_tie": ranking.near_tie,
    }
    if books is not None:
        row |= {"explained": books.explained, "attributed": books.attributed, "moved": books.moved}
        row |= {"absorbed": math.fsum(books.sinks.values()), "residual": books.residual}
    if record.reference is not None:
        row |= {"reference_mean": record.reference.mean_margin, "reference_sha256": record.reference.sha256}
    if found is not None:
        row["variations"] = len(found.found) + bool(found.left_out)
    return row


def _reason(fields: dict[str, Any]) -> dict[str, Any]:
    return {field.name: fields[field.name] for field in _REASON}


def _check(check: Check) -> dict[str, Any]:
    numbers = [(name, float(value)) for name, value in check.measured.items() if not isinstance(value, str)]
    return {**check.model_dump(include={"id", "title", "status", "flag"}), "measured": numbers}


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
