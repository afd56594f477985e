"""`lrp-audit validate` on small models: the record, what audits cite of it, and mistakes in one sentence."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import page
import pandas as pd
import pytest
import skops.io
import torch
from records import record
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from lrp_audit.adapters.tabular import adapt
from lrp_audit.deciding.decision_model import score_all
from lrp_audit.deciding.session import decision_model, new_session
from lrp_audit.errors import ConfigError, DataError
from lrp_audit.language.messages import ENGLISH
from lrp_audit.records.record import ValidationFacts, canonical
from lrp_audit.report.audit_facts import model_facts, provenance_facts
from lrp_audit.report.validation import validation_html, validation_pdf
from lrp_audit.report.validation_report import ValidationReport
from lrp_audit.settings.config import AuditConfig
from lrp_audit.validation.labels import label_randomisation
from lrp_audit.validation.refit import RefitError, refit_estimator, refit_network
from lrp_audit.validation.sample import draw_sample, labels_of
from lrp_audit.validation.validate import Validation, Wanted, checking, prepare

COLUMNS = ("income", "debt", "age", "savings", "months")
Command = Callable[..., Any]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """400 applicants; debt and income decide, with noise, and nothing else does."""
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(generator.normal(size=(400, len(COLUMNS))).round(3), columns=list(COLUMNS))
    odds = 2 * frame["debt"] - 1.5 * frame["income"] + 0.5 * generator.normal(size=400)
    return frame.assign(outcome=np.where(odds > 0.5, "denied", "approved"))


@pytest.fixture(scope="module")
def pipeline(table: pd.DataFrame) -> Any:
    network = MLPClassifier((8,), random_state=0, max_iter=5000, alpha=1.0, solver="lbfgs")
    return make_pipeline(StandardScaler(), network).fit(table[list(COLUMNS)], table["outcome"])


def settings(**changes: Any) -> AuditConfig:
    values = {"model": {"file": "model.skops"}, "decision": {"adverse": "denied"}, **changes}
    return checking(AuditConfig.model_validate(values))


def wanted(**changes: Any) -> Wanted:
    given = {"label": "outcome", "size": 60, "draws": 3, "seconds": 60.0, "date": dt.date(2026, 11, 27), **changes}
    return Wanted(data_sha256="0" * 64, seed=0, **given)


def ready(model: Any, table: pd.DataFrame, config: AuditConfig | None = None, **changes: Any) -> Validation:
    config = config or settings()
    decisions = decision_model(config, adapt(model), table)
    return prepare(new_session(config, decisions, bytes(32)), table, wanted(**changes))


@pytest.fixture(scope="module")
def report(pipeline: Any, table: pd.DataFrame) -> ValidationReport:
    counted: list[int] = []
    validation = ready(pipeline, table)
    found = validation.run(lambda: counted.append(1))
    assert len(counted) == validation.steps
    return found


@pytest.mark.rule("CA-03")
def test_a_model_that_learned_passes_and_says_with_what_data(report: ValidationReport) -> None:
    assert (report.data.rows, report.data.sample, report.data.label) == (400, 60, "outcome")
    assert report.date == dt.date(2026, 11, 27)
    assert not report.parameters.flag
    true, shuffled = report.labels.true, report.labels.shuffled
    assert true is not None
    assert shuffled is not None
    assert true.similarity is not None
    assert shuffled.similarity is not None
    assert true.similarity > 0.9
    assert shuffled.similarity < 0.5
    assert true.right is not None
    assert shuffled.right is not None
    assert true.right > 0.9 > shuffled.right


def test_all_checks_of_an_audit_are_summed_up_over_the_refused_rows(report: ValidationReport) -> None:
    found = {check.id: check for check in report.checks}
    assert {"put-back", "direction", "integrated-gradients", "stability", "curves"} <= found.keys()
    assert found["put-back"].performed == report.data.refused
    assert report.residual is not None
    assert report.residual.highest <= 1
    assert report.sinks == ()  # relevance from members reaches the columns whole


@pytest.mark.slow
def test_the_record_is_reproducible_and_has_no_clock(report: ValidationReport, pipeline: Any, table: Any) -> None:
    again = ready(pipeline, table).run()
    assert canonical(again) == canonical(report)


@pytest.mark.rule("G-03")
@pytest.mark.parametrize("language", ["en", "de", "es", "fr"])
def test_the_page_is_valid_in_every_language_of_audits_and_draws_no_conclusion(
    report: ValidationReport, language: str
) -> None:
    config = settings(documents={"audit_language": language})
    html = validation_html(report, config)
    for word in ("compliant", "unbiased", "passed", "konform", "bestanden"):
        assert word not in html.lower()
    pdf = validation_pdf(report, config)
    for profile in ("PDF_UA_1", "PDF_A_3A"):
        assert page.validate_pdf_bytes(pdf, profile=getattr(page.ValidationProfile, profile)).is_compliant


def test_the_users_model_is_never_written_to(pipeline: Any, table: pd.DataFrame) -> None:
    model = adapt(pipeline)
    before = {name: value.clone() for name, value in model.module.state_dict().items()}
    decisions = decision_model(settings(), model, table)
    prepare(new_session(settings(), decisions, bytes(32)), table, wanted(label=None, draws=1)).run()
    assert all(torch.equal(value, before[name]) for name, value in model.module.state_dict().items())
    assert adapt(pipeline).weights_sha256 == model.weights_sha256


# --- fitting again ----------------------------------------------------------------------------------------------------


def test_a_torch_network_is_trained_again_by_a_plain_loop(table: pd.DataFrame) -> None:
    torch.manual_seed(0)
    inputs = {"input": torch.tensor(table[list(COLUMNS)].to_numpy())}
    truth = (table["outcome"] == "denied").to_numpy().astype(int)
    module = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 2)).double().eval()
    trained = refit_network(module, inputs, truth, "softmax", classes=2, seconds=60, seed=0)
    model = adapt(trained, columns=COLUMNS, classes=("approved", "denied"))

    def weights(one: Any) -> list[np.ndarray]:
        """A stand-in for relevance: the gradient's sum for one class over another at some rows."""
        x = inputs["input"][:20].clone().requires_grad_()
        output = one.module(x)
        (slope,) = torch.autograd.grad((output[:, 1] - output[:, 0]).sum(), x)
        return list(slope.numpy())

    found = label_randomisation(model, weights, table, truth, seconds=60, seed=0)
    assert found.how == "plain loop"
    assert found.true.right is not None
    assert found.true.right > 0.9
    assert found.true.similarity > 0.6
    assert found.shuffled.similarity < found.true.similarity


class Slow(LogisticRegression):
    """Never ends."""

    def fit(self, x: Any, y: Any, sample_weight: Any = None) -> Any:
        while True:
            pass


@pytest.mark.slow
def test_a_fit_ends_when_its_time_is_over_and_a_failing_one_says_why(table: pd.DataFrame) -> None:
    rows, labels = table[list(COLUMNS)], table["outcome"].to_numpy()
    with pytest.raises(RefitError, match="longer than 1 seconds"):
        refit_estimator(Slow(), rows, labels, seconds=1, seed=0)
    with pytest.raises(RefitError, match="fitting failed"):
        refit_estimator(LogisticRegression(), rows, labels[:10], seconds=60, seed=0)


def test_what_cannot_be_fitted_again_is_not_performed_with_the_reason(pipeline: Any, table: pd.DataFrame) -> None:
    test = ready(pipeline, table, draws=1, seconds=0.001).run().labels
    assert test.how is None
    assert test.reason == "one fit takes longer than 0.001 seconds (--refit-seconds)"
    assert ready(pipeline, table, draws=1, label=None).run().labels.reason == "no label column was named"


# --- mistakes ---------------------------------------------------------------------------------------------------------


def test_tables_that_say_nothing_are_refused(pipeline: Any, table: pd.DataFrame) -> None:
    decisions = decision_model(settings(), adapt(pipeline), table)
    with pytest.raises(DataError, match="have 49 rows, and at least 50"):
        draw_sample(decisions, table.head(49), size=50, seed=0)
    broken = table.assign(income=np.where(np.arange(400) < 10, table["income"], np.nan))
    with pytest.raises(DataError, match=r"Of 400 rows the model can read 10.*row 11.*income"):
        draw_sample(decisions, broken, size=50, seed=0)
    with pytest.raises(DataError, match="refuses all 200 rows"):
        draw_sample(decisions, table.assign(debt=50.0), size=50, seed=0)
    with pytest.raises(DataError, match="refuses none of all 200 rows"):
        draw_sample(decisions, table.assign(debt=-50.0), size=50, seed=0)


@pytest.mark.parametrize(
    ("column", "cells", "said"),
    [
        ("nowhere", None, "no column 'nowhere'"),
        ("income", None, "is an input of the model"),
        ("label", ["denied", None], "no value in 1 rows, first in row 2"),
        ("label", ["denied", "maybe"], "holds 'maybe', which is no class of the model"),
        ("label", ["denied", "denied"], "one class only, 'denied'"),
    ],
)
def test_labels_that_cannot_be_used_are_named(column: str, cells: Any, said: str) -> None:
    frame = pd.DataFrame({"income": [1.0, 2.0], **({} if cells is None else {"label": cells})})
    with pytest.raises(DataError, match=said):
        labels_of(frame, column, {"approved": 0, "denied": 1}, COLUMNS)


def test_labels_are_read_however_numbers_are_written() -> None:
    frame = pd.DataFrame({"label": [1.0, 0.0], "text": ["1", "0"]})
    for column in frame:
        assert labels_of(frame, str(column), {"0": 0, "1": 1}, ()).tolist() == [1, 0]
    assert labels_of(frame, "label", {}, ()).tolist() == [1.0, 0.0]


def test_a_sample_holds_both_outcomes_in_equal_parts_and_follows_its_seed(pipeline: Any, table: pd.DataFrame) -> None:
    decisions = decision_model(settings(), adapt(pipeline), table)
    first, same, other = (draw_sample(decisions, table, size=80, seed=seed) for seed in (0, 0, 1))
    assert int(first.adverse.sum()) == 40
    assert first.frame.equals(same.frame)
    assert not first.frame.equals(other.frame)
    assert [item.adverse for item in score_all(decisions, first.frame)] == first.adverse.tolist()


# --- citing -----------------------------------------------------------------------------------------------------------


def cite(folder: Path, pipeline: Any, table: pd.DataFrame, more: str = "") -> Any:
    """The model's facts where audit.toml names a record."""
    from lrp_audit.settings.config import load

    text = f'[model]\nfile = "model.skops"\nvalidation = "validation.json"\n{more}\n[decision]\nadverse = "denied"\n'
    (folder / "audit.toml").write_text(text, encoding="utf-8")
    return decision_model(load(folder / "audit.toml"), adapt(pipeline), table).facts


@pytest.mark.rule("CA-03")
def test_audits_cite_the_record_of_this_very_model(
    tmp_path: Path, report: ValidationReport, pipeline: Any, table: pd.DataFrame
) -> None:
    (tmp_path / "validation.json").write_bytes(canonical(report))
    facts = cite(tmp_path, pipeline, table)
    assert facts.validation_date == dt.date(2026, 11, 27)
    assert (facts.validation.data_sha256, facts.validation.rows) == ("0" * 64, 400)
    other = make_pipeline(StandardScaler(), LogisticRegression()).fit(table[list(COLUMNS)], table["outcome"])
    with pytest.raises(ConfigError, match="is about another model, with other weights"):
        cite(tmp_path, other, table)
    with pytest.raises(ConfigError, match="validation_date is 2026-01-01, but"):
        cite(tmp_path, pipeline, table, more="validation_date = 2026-01-01")


@pytest.mark.rule("CA-03")
def test_audits_print_digest_date_and_data_of_the_record() -> None:
    facts = ValidationFacts(sha256="a" * 64, date=dt.date(2026, 11, 27), data_sha256="b" * 64, rows=3000)
    found = record()
    cited = found.model_copy(
        update={"model": found.model.model_copy(update={"validation": facts, "validation_date": facts.date})}
    )
    lines = {line.label: line.text for line in (*model_facts(cited, ENGLISH), *provenance_facts(cited, ENGLISH))}
    assert lines["Validation record"] == "a" * 64
    assert lines["Validated"] == f"November 27, 2026, on 3,000 rows of data {'b' * 12}"
    without = {line.label: line.text for line in provenance_facts(found, ENGLISH)}
    assert without["Validation record"] == "not supplied"


def test_a_changed_or_foreign_record_is_refused(
    tmp_path: Path, report: ValidationReport, pipeline: Any, table: pd.DataFrame
) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        cite(tmp_path, pipeline, table)
    (tmp_path / "validation.json").write_text('{"a": 1}', encoding="utf-8")
    with pytest.raises(ConfigError, match="is no validation record"):
        cite(tmp_path, pipeline, table)
    content = json.loads(canonical(report))
    content["parameters"]["flag"] = True
    (tmp_path / "validation.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ConfigError, match="was changed after it was written"):
        cite(tmp_path, pipeline, table)


def test_the_command_writes_record_and_page_and_says_the_digest(
    command: Command, tmp_path: Path, pipeline: Any, table: pd.DataFrame
) -> None:
    skops.io.dump(pipeline, tmp_path / "model.skops")
    table.to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "audit.toml").write_text('[model]\nfile = "model.skops"\n[decision]\nadverse = "denied"\n', "utf-8")
    arguments = [tmp_path / "model.skops", tmp_path / "table.csv", "--config", tmp_path / "audit.toml"]
    more = ["--as-of", "2026-11-27", "--out", tmp_path / "out", "--sample", 60, "--draws", 1]
    result = command("validate", *arguments, *more)
    assert result.code == 0, result.err
    import hashlib

    content = (tmp_path / "out" / "validation.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() in result.out
    assert (tmp_path / "out" / "validation.pdf").read_bytes().startswith(b"%PDF")
    assert not list(tmp_path.glob("*.key"))
    wrong = command("validate", *arguments, *more, "--label", "nowhere")
    assert (wrong.code, "no column 'nowhere'" in wrong.err) == (2, True)
