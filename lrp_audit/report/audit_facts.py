"""The record's facts as labelled lines: decision, ledger, reference, model and provenance (CA-01 to CA-05, CA-14)."""

from __future__ import annotations

from lrp_audit.language.display import scale_name
from lrp_audit.language.messages import Messages
from lrp_audit.records.record import Record, digest
from lrp_audit.report.actions import action_facts
from lrp_audit.report.formats import NOT_SUPPLIED, clip, exact, maybe_date, measure, scientific
from lrp_audit.report.names import name_of, sink_name
from lrp_audit.report.standing import Fact, due_date, is_late, recorded

CELL = 200  # characters of a value that a table shows; all of it is in the attached record
PROSE = 600  # characters of a model card's paragraph


def decision_facts(record: Record, say: Messages) -> tuple[Fact, ...]:
    """CA-01 and CA-02."""
    decision, dates, missing = record.decision, record.decision.dates, say(NOT_SUPPLIED)
    return (
        Fact(say("Decision"), clip(decision.id, CELL)),
        Fact(say("Applicant (pseudonym)"), decision.applicant),
        Fact(say("Product"), clip(decision.product or missing, CELL)),
        Fact(say("Amount"), clip(decision.amount or missing, CELL)),
        Fact(say("Application"), maybe_date(dates.application, say)),
        Fact(say("Completed"), maybe_date(dates.completion, say)),
        Fact(say("Decided"), maybe_date(dates.decision, say)),
        Fact(say("Notice due"), due_date(dates, say), flag=is_late(dates)),
        Fact(say("Decided by"), name_of(decision.decided_by, say)),
        Fact(say("Recorded by the lender"), recorded(record, say)),
        *action_facts(decision, say),
        *_scores(record, say),
        *_outside(record, say),
    )


def _scores(record: Record, say: Messages) -> tuple[Fact, ...]:
    outcome = record.outcome
    if outcome is None:
        return ()
    scale = scale_name(outcome, say)
    own = say(NOT_SUPPLIED) if outcome.estimator_score is None else exact(outcome.estimator_score, say)
    cutoff = say(
        "{value} ({scale}); {margin} as margin",
        value=exact(outcome.cutoff, say),
        scale=scale,
        margin=exact(outcome.cutoff_margin, say),
    )
    return (
        Fact(say("Score, explained graph"), f"{exact(outcome.score, say)} ({scale})"),
        Fact(say("Score, the lender's own estimator"), own, flag=outcome.near_cutoff),
        Fact(say("Cutoff"), cutoff),
        Fact(say("Margin toward the adverse outcome"), exact(outcome.margin, say)),
    )


def _outside(record: Record, say: Messages) -> tuple[Fact, ...]:
    """US-08 to US-10."""
    bureau = record.decision.bureau
    score = say("none") if bureau.score is None else f"{bureau.score}, {maybe_date(bureau.score_date, say)}"
    return (
        Fact(say("Consumer report used"), measure(bureau.report_used, say)),
        Fact(say("Bureau score"), score),
        Fact(say("Other outside information used"), measure(bureau.outside_information, say)),
    )


def ledger_facts(record: Record, say: Messages) -> tuple[Fact, ...]:
    """Explained = attributed + sinks + residual."""
    books = record.conservation
    if books is None:
        return ()
    sinks = tuple(
        Fact(say("Sink: {name}", name=sink_name(name, say)), exact(value, say))
        for name, value in sorted(books.sinks.items())
    )
    holds, tolerance = abs(books.residual) <= books.tolerance, scientific(books.tolerance, say)
    balance = say("{tolerance}: the books do NOT balance", tolerance=tolerance)
    if holds:
        balance = say("{tolerance}: the books balance", tolerance=tolerance)
    return (
        Fact(say("Difference explained, applicant less reference mean"), exact(books.explained, say)),
        Fact(say("Attributed to input columns"), exact(books.attributed, say)),
        *((Fact(say("Of it added, so that the sum is complete"), exact(books.moved, say)),) if books.moved else ()),
        *(sinks or (Fact(say("Sinks"), say("none")),)),
        Fact(say("Residual"), scientific(books.residual, say), flag=not holds),
        Fact(say("Tolerance"), balance),
    )


def reference_facts(record: Record, say: Messages) -> tuple[Fact, ...]:
    """RS-07 and CA-05; the hash stands under provenance."""
    reference, method, facts = record.reference, record.method, []
    if reference is not None:
        represented = say(
            "{how}, {members}, seed {seed}",
            how=name_of(reference.representation, say),
            members=say.number(reference.members, ","),
            seed=reference.seed,
        )
        facts += [
            Fact(say("Population"), name_of(reference.name, say)),
            Fact(say("People behind it"), say.number(reference.population, ",")),
            Fact(say("Represented by"), represented),
            Fact(say("Date of the data"), maybe_date(reference.date, say)),
            Fact(say("Mean margin"), exact(reference.mean_margin, say)),
        ]
    if method is not None:
        facts += [
            Fact(say("Method and rules"), f"{method.name}, {method.rules}"),
            Fact(say("Target"), clip(method.target, CELL)),
            Fact(say("Precision"), method.dtype),
        ]
    return tuple(facts)


def model_facts(record: Record, say: Messages) -> tuple[Fact, ...]:
    """CA-03."""
    model, missing = record.model, say(NOT_SUPPLIED)
    classes = ", ".join(model.classes) or say("none")
    return (
        Fact(say("Model"), model.name or missing),
        Fact(say("Version"), model.version or missing),
        Fact(say("Kind"), model.kind),
        Fact(say("Classes"), say("{classes}; adverse: {adverse}", classes=classes, adverse=model.adverse)),
        Fact(say("Owner"), model.owner or missing),
        Fact(say("Intended use"), clip(model.intended_use or missing, PROSE)),
        Fact(say("Known limits"), clip(model.known_limits or missing, PROSE)),
        Fact(say("Validated"), _validated(record, say)),
    )


def _validated(record: Record, say: Messages) -> str:
    date, found = maybe_date(record.model.validation_date, say), record.model.validation
    if found is None:
        return date
    data = found.data_sha256[:12]
    return say("{date}, on {count} rows of data {sha256}", date=date, count=say.number(found.rows, ","), sha256=data)


def provenance_facts(record: Record, say: Messages) -> tuple[Fact, ...]:
    """CA-03 and CA-14: hashes (SHA-256) and versions."""
    model, wording, missing = record.model, record.texts, say(NOT_SUPPLIED)
    approved = (
        missing if wording.approved_by is None else f"{wording.approved_by}, {maybe_date(wording.approved_on, say)}"
    )
    texts = say(
        "{language}, version {version}; approved: {approved}",
        language=wording.language,
        version=wording.version or missing,
        approved=approved,
    )
    return (
        Fact(say("Record, as attached"), digest(record)),
        Fact(say("Model file"), model.file_sha256 or missing),
        Fact(say("Model weights"), model.weights_sha256),
        Fact(say("Pre-processing"), model.preprocessing_sha256 or say("none")),
        Fact(say("Validation record"), missing if model.validation is None else model.validation.sha256),
        Fact(say("Reference"), record.reference.sha256 if record.reference else say("none")),
        Fact(say("Configuration"), record.config_sha256 or missing),
        Fact(say("Addressee, keyed"), record.decision.addressee_sha256 or missing),
        Fact(say("Reason texts"), texts),
        *_retention(record, say),
        Fact(say("Versions"), " · ".join(f"{name} {version}" for name, version in sorted(record.versions.items()))),
    )


def _retention(record: Record, say: Messages) -> tuple[Fact, ...]:
    """How long documents are kept (regulations, section 6)."""
    retention, missing = record.decision.retention, say(NOT_SUPPLIED)
    return (
        Fact(say("Kept until"), maybe_date(retention.retain_until, say)),
        Fact(say("Basis of that period"), clip(retention.basis or missing, CELL)),
        Fact(say("Legal hold, as recorded"), say("yes: nothing is deleted") if retention.legal_hold else say("no")),
    )
