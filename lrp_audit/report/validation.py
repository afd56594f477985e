"""The validation record on paper, for reviewers of models: PDF/A-3a + PDF/UA-1 with the record attached."""

from __future__ import annotations

from collections.abc import Sequence

from lrp_audit.language.messages import Messages, for_reviewers, message
from lrp_audit.records.record import digest
from lrp_audit.report import sections
from lrp_audit.report.batch_report import Distribution
from lrp_audit.report.formats import NOT_SUPPLIED, clip, measure
from lrp_audit.report.names import name_of, sink_name
from lrp_audit.report.sections import Printed, Section, Table, table
from lrp_audit.report.standing import Fact
from lrp_audit.report.validation_report import Fit, LayerSimilarity, ValidationReport
from lrp_audit.settings.config import AuditConfig

FOLDER = "validation"
_HOW = {
    "scikit-learn": message("the estimator, cloned and fitted by scikit-learn"),
    "plain loop": message("the network from drawn weights, by a plain training loop (Adam)"),
}


def validation_pdf(report: ValidationReport, config: AuditConfig) -> bytes:
    """The record as PDF, with its canonical JSON attached.

    Raises:
        ReportError: a font cannot be used, or the document is too long.
    """
    return sections.pdf(_printed(report, config), report, FOLDER, config, report.date)


def validation_html(report: ValidationReport, config: AuditConfig) -> str:
    """The record as one page of HTML with its style inside."""
    return sections.html(_printed(report, config), FOLDER, config, styled=True)


def _printed(report: ValidationReport, config: AuditConfig) -> Printed:
    say = for_reviewers(config)
    makers = (_subject, _data, _parameters, _labels, _checks, _conservation, _provenance, _limits)
    return Printed(say("Validation record"), digest(report), tuple(make(report, say) for make in makers))


def _subject(report: ValidationReport, say: Messages) -> Section:
    model, reference, missing = report.model, report.reference, say(NOT_SUPPLIED)
    people = say("{name}, {count} people", name=name_of(reference.name, say), count=reference.population)
    lines = (
        Fact(say("Model"), clip(model.name or missing, 200)),
        Fact(say("Version"), clip(model.version or missing, 200)),
        Fact(say("Kind"), model.kind),
        Fact(say("Owner"), clip(model.owner or missing, 200)),
        Fact(say("Validated"), say.date(report.date)),
        Fact(say("Method and rules"), f"{report.method.name}, {report.method.rules}"),
        Fact(say("Target"), clip(report.method.target, 200)),
        Fact(say("Reference"), people if reference.population else name_of(reference.name, say)),
    )
    return Section(say("Model and method"), (), lines)


def _data(report: ValidationReport, say: Messages) -> Section:
    data = report.data
    drawn = say(
        "{sample} rows, {refused} of them refused by the model; seed {seed}",
        sample=_count(data.sample, say),
        refused=_count(data.refused, say),
        seed=data.seed,
    )
    lines = (
        Fact(say("Rows"), _count(data.rows, say)),
        Fact(say("Rows that the model can read"), _count(data.usable, say)),
        Fact(say("Sample"), drawn),
        Fact(say("Label column"), say("none") if data.label is None else clip(data.label, 200)),
        Fact(say("SHA-256 of the file"), data.sha256),
    )
    return Section(say("Data used"), (), lines)


def _parameters(report: ValidationReport, say: Messages) -> Section:
    test = report.parameters
    note = say(
        "Layers of a copy of the network are drawn anew at random, and decisions explained again. An explanation that "
        "depends on what the network learned loses its order: the rank correlation with the model's own explanation is "
        "then near 0, and 1 where nothing changes. Without signs some likeness remains for any method that multiplies "
        "with the input; nothing is concluded from it."
    )
    rise = say(NOT_SUPPLIED) if test.complexity_rise is None else say.percent(test.complexity_rise, 1)
    last = test.cascading[-1].signed if test.cascading else None
    lines = (
        Fact(say("All layers drawn: rank correlation"), _spread(last, say), flag=test.flag),
        Fact(say("Threshold, flagged above"), measure(test.threshold, say)),
        Fact(say("Draws of each"), f"{test.draws}; {say('seed {seed}', seed=test.seed)}"),
        Fact(say("Rise of complexity, all layers drawn"), rise),
    )
    kinds = (
        (say("Cascading, from the last layer down to"), test.cascading),
        (say("Alone"), test.independent),
        (say("Cascading, over noisy inputs, down to"), test.smooth),
    )
    tables = tuple(item for title, steps in kinds for item in _steps(title, steps, say))
    return Section(say("Parameter randomisation"), (note,), lines, tables)


def _steps(title: str, steps: Sequence[LayerSimilarity], say: Messages) -> tuple[Table, ...]:
    head = (title, say("Rank correlation"), say("without signs"))
    rows = (
        (step.layer or say("the whole network"), _spread(step.signed, say), _spread(step.sizes, say)) for step in steps
    )
    return table(head, rows, say)[0]


def _labels(report: ValidationReport, say: Messages) -> Section:
    test, title = report.labels, say("Label randomisation")
    if test.reason is not None or test.how is None:
        return Section(title, (say("Not performed: {reason}.", reason=test.reason or say(NOT_SUPPLIED)),))
    note = say(
        "The model is fitted again on the same rows: on their labels, which shows what another fit alone changes, and "
        "on the labels in random order, from which nothing can be learned."
    )
    lines = (
        Fact(say("Fitted again"), f"{say(_HOW[test.how])}; {say('{count} rows', count=_count(test.rows, say))}"),
        Fact(say("Threshold of shuffled labels, flagged above"), measure(test.threshold, say)),
    )
    head = (say("Labels"), say("Rank correlation"), say("Labels predicted"))
    rows = (_fit(say("as they are"), test.true, say), _fit(say("shuffled"), test.shuffled, say))
    return Section(title, (note,), lines, table(head, rows, say)[0])


def _fit(name: str, fit: Fit | None, say: Messages) -> tuple[str, ...]:
    if fit is None:
        return (name, "–", "–")
    similar = "–" if fit.similarity is None else measure(fit.similarity, say)
    return (name, similar, "–" if fit.right is None else say.percent(fit.right, 1))


def _checks(report: ValidationReport, say: Messages) -> Section:
    note = say("Every check of an audit, over the decisions of the sample that the model refuses.")
    rows = (
        (
            check.title,
            _count(check.performed, say),
            _count(check.flagged, say),
            "; ".join(f"{name_of(found.name, say)}: {_spread(found, say)}" for found in check.measured),
        )
        for check in report.checks
    )
    head = (say("Check"), say("Performed"), say("Flagged"), say("Measured"))
    tables, notes = table(head, rows, say)
    limits = table(
        (say("Threshold"), say("Value")),
        ((name, measure(value, say)) for name, value in sorted(report.thresholds.items())),
        say,
    )[0]
    return Section(say("Checks over the sample"), (note, *notes), (), tables + limits)


def _conservation(report: ValidationReport, say: Messages) -> Section:
    rows = ((sink_name(sink.name, say), _spread(sink, say)) for sink in report.sinks)
    tables, notes = table((say("Where relevance went"), say("Share of what was attributed")), rows, say)
    worst = 0.0 if report.residual is None else report.residual.highest
    line = Fact(say("Largest residual over its tolerance"), measure(worst, say), flag=worst > 1)
    return Section(say("Conservation"), notes, (line,), tables)


def _provenance(report: ValidationReport, say: Messages) -> Section:
    model = report.model
    lines = (
        Fact(say("Model file"), model.file_sha256 or say(NOT_SUPPLIED)),
        Fact(say("Model weights"), model.weights_sha256),
        Fact(say("Pre-processing"), model.preprocessing_sha256 or say("none")),
        Fact(say("Reference"), report.reference.sha256),
        Fact(say("Configuration"), report.config_sha256),
        Fact(say("Versions"), " · ".join(f"{name} {version}" for name, version in sorted(report.versions.items()))),
    )
    return Section(say("Provenance"), (), lines)


def _limits(report: ValidationReport, say: Messages) -> Section:
    return Section(
        say("Limits"),
        listed=(
            say(
                "It states what was checked, how, and with what result. Whether that meets a law is not for it to say."
            ),
            say("An explanation that depends on the network can still be wrong: see the checks over the sample."),
            say("All figures are of the sample; other applicants may differ from it."),
        ),
    )


def _spread(found: Distribution | None, say: Messages) -> str:
    if found is None:
        return "–"
    low, mean, high = (measure(value, say) for value in (found.lowest, found.mean, found.highest))
    return say("mean {mean}, {low} to {high}", mean=mean, low=low, high=high)


def _count(count: int, say: Messages) -> str:
    return say.number(count, ",")
