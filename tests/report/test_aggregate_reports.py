"""Reports on many decisions and on groups: valid files, in every language, with their figures attached and in print."""

from __future__ import annotations

import json

import numpy as np
import pages
import pytest
import records
from hypothesis import given
from hypothesis import strategies as st
from planted_decisions import additive, groups, tabled

from lrp_audit.aggregate.analysis import aggregate_report, group_report, groupings_of
from lrp_audit.aggregate.gather import gather
from lrp_audit.aggregate.tables import tables_of
from lrp_audit.aggregate.words import ReadText, word_profiles
from lrp_audit.language.messages import languages
from lrp_audit.records.aggregates import SMALLEST_GROUP, GroupComparison, GroupOutcome
from lrp_audit.records.record import canonical
from lrp_audit.report.aggregate import aggregate_html, aggregate_pdf
from lrp_audit.report.aggregate_report import AggregateReport
from lrp_audit.report.group_report import AttributeStatistics, GroupReport, groups_html, groups_pdf
from lrp_audit.settings.config import AuditConfig

CONFIG = records.config()
LANGUAGES = languages()


def _config(language: str) -> AuditConfig:
    documents = CONFIG.documents.model_copy(update={"audit_language": language})
    return CONFIG.model_copy(update={"documents": documents})


@pytest.fixture(scope="module")
def report() -> AggregateReport:
    """Every chapter: a planted strategy, words with a planted one, and drift."""
    rows = additive(600).array.copy()
    rows[:30, :3] *= 0.2
    rows[:30, 3] += 4
    values = rows.copy()
    before = tabled(rows, values)
    assert before.values is not None
    before.values["f1"] = np.where(rows[:, 1] > 0, "<b>owns</b>", "rents")
    after = additive(400, 1, prefix="e", shift=0.5)
    texts = [
        ReadText(number % 2 == 0, (("rent", 0.5), ("late", -0.1), *([("branch", 9.0)] if number < 60 else [])))
        for number in range(700)
    ]
    return aggregate_report(
        gather([before]), name="<i>2026</i>", words=word_profiles(lambda: texts), after=("2027", gather([after]))
    )


@pytest.fixture(scope="module")
def grouped() -> GroupReport:
    table = additive(400)
    labels = groups(table, np.where(np.arange(400) < 180, "women", "men")).assign(
        region=["<b>north</b>"] * 200 + ["south"] * 190 + ["far"] * 10, same="x", age=None
    )
    by = groupings_of(labels)
    return group_report(gather([table], by), by, name="2026", basis="Monitoring under 12 CFR 1002.13")


def test_the_report_is_valid_and_holds_its_figures(report: AggregateReport) -> None:
    pdf = aggregate_pdf(report, CONFIG)
    assert pages.failures(pdf, "PDF_A_3A", "PDF_UA_1") == []
    assert pages.attachments(pdf) == {"record.json": (canonical(report), "/Source")}
    text = pages.text(pdf)
    for part in ("What the decisions rest on", "Strategies", "By outcome", "branch 60 60 +9.00 0", "<i>2026</i>"):
        assert part in text
    assert "Strategy 1 is small and rests on one input" in text
    assert "The word “branch” is in few texts" in text
    strongest = report.prototypes.of("all")[0]
    assert f"{strongest.column} " in text
    drawings = [alt for role, alt in pages.elements(pdf) if role == "/Figure"]
    assert len(drawings) >= 4
    assert all(drawings)


def test_how_often_strategies_are_found_again_stands_in_page_and_table(report: AggregateReport) -> None:
    assert report.strategies is not None
    shares = [item.found_again for item in report.strategies.strategies]
    assert shares
    page = aggregate_html(report, CONFIG)
    assert "Found again" in page
    for share in shares:
        assert share is not None
        assert f">{share:.0%}<" in page
    assert tables_of(report)["strategies"]["found_again"].tolist() == shares


def test_a_report_is_the_same_bytes_every_time(report: AggregateReport) -> None:
    assert aggregate_pdf(report, CONFIG) == aggregate_pdf(report, CONFIG)


@pytest.mark.parametrize("language", LANGUAGES)
def test_reports_exist_in_the_languages_of_reviewers(
    language: str, report: AggregateReport, grouped: GroupReport
) -> None:
    for page in (aggregate_html(report, _config(language)), groups_html(grouped, _config(language))):
        assert f'lang="{language}"' in page
        assert "<b>" not in page.replace('<b class="flag">', "")
        assert "<i>" not in page


@pytest.mark.rule("BA-09")
def test_group_statistics_are_a_file_of_their_own(report: AggregateReport, grouped: GroupReport) -> None:
    pdf = groups_pdf(grouped, CONFIG)
    assert pages.failures(pdf, "PDF_A_3A", "PDF_UA_1") == []
    assert pages.attachments(pdf) == {"record.json": (canonical(grouped), "/Source")}
    text = pages.text(pdf)
    women = grouped.attributes[0].comparison.outcomes[1]
    assert women.approved is not None
    assert f"women 180 {women.approved}" in text
    assert "Monitoring under 12 CFR 1002.13" in text
    assert "Adverse impact ratio" not in pages.text(aggregate_pdf(report, CONFIG))


def test_groupings_that_say_nothing_are_named_with_the_reason(grouped: GroupReport) -> None:
    assert [item.comparison.name for item in grouped.attributes] == ["group", "region", "group × region"]
    text = pages.text(groups_pdf(grouped, CONFIG))
    assert "same is left out: all decisions are in one group." in text
    assert "age is left out: no decision has a group in it." in text


@pytest.mark.rule("BA-09", "G-07")
@given(st.integers(0, 2 * SMALLEST_GROUP))
def test_small_groups_are_suppressed_before_anything_is_written(size: int) -> None:
    found = _comparison(GroupOutcome(group="not given", decisions=size, approved=size // 2, approval_ratio=0.731))
    line = json.loads(canonical(found))["outcomes"][-1]
    shown = {name for name, value in line.items() if value is not None}
    assert (shown == {"group"}) == (size < SMALLEST_GROUP)


@pytest.mark.rule("G-07")
def test_a_suppressed_group_is_printed_without_figures() -> None:
    comparison = _comparison(GroupOutcome(group="not given", decisions=49, approved=31, approval_ratio=0.731))
    report = GroupReport(population="x", decisions=2200, attributes=(AttributeStatistics(comparison=comparison),))
    text = pages.text(groups_pdf(report, CONFIG))
    assert "not given suppressed" in text
    assert "0.731" not in text
    assert "49" not in text.split("Outcomes by")[1].split("Limits")[0]


def _comparison(*more: GroupOutcome) -> GroupComparison:
    return GroupComparison(
        name="sex",
        reference="men",
        correction="holm",
        unknown=0,
        sampled=2200,
        level=0.95,
        outcomes=(GroupOutcome(group="men", decisions=1200, approved=700), *more),
        differences=(),
    )
