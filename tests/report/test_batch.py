"""The report on a batch counts every decision once, prints what it counted, and gives no verdict."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

import decision_rows
import pages
import pytest
import records
from counted_records import counted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrp_audit.language.messages import SOURCE_LANGUAGE, languages
from lrp_audit.records.record import Counteroffer, Dates, Record, Refusal, canonical
from lrp_audit.report import counting
from lrp_audit.report.batch import batch_html, batch_pdf
from lrp_audit.report.batch_report import (
    MOST_LISTED,
    BatchReport,
    Count,
    Difference,
    HumanReview,
    Manifest,
    ManifestLine,
    Replay,
    RunFacts,
    Scope,
)

CONFIG = records.config()
ALL = [case.record for case in records.cases()]
SCOPE = Scope(
    population="Consumer loans",
    source="decisions.parquet",
    filters=("amount below $25,000",),
    sampling="simple random, 18 of 400",
    seed=4711,
    exclusions=(Count(name="test applications", count=3),),
)
BARE = RunFacts(scope=Scope(population="Consumer loans", source="decisions.parquet"))
FULL = RunFacts(
    scope=SCOPE,
    expected=25,
    names={"model": "Consumer loans", "reference": "near_cutoff"},
    other_codes=("9",),
    replay=Replay(recomputed=5, matching=4, differences=(Difference(id="2026-004711", what="record hash differs"),)),
    escalations={"2026-004711": "decision withdrawn"},
    review=HumanReview(upheld=6, overturned=3, returned=1, waiting=2, median_hours=3.5),
    exceptions=("Two decisions were imported by hand.",),
    manifest=Manifest(
        algorithm="SHA-256",
        root=records.HASH,
        leaves=14,
        lines=(ManifestLine(id="2026-004711", document="notice.pdf", leaf="77ab" + records.HASH[4:]),),
        signer="Lakeshore Community Bank",
    ),
)


def dated(number: int, late: int, **dates: dt.date | None) -> Record:
    """A decision whose notice went out so many days after it was due."""
    due = dt.date(2026, 11, 1)
    facts = records.decision(
        id=f"late-{number:04d}", dates=Dates(notice_due=due, notice_sent=due + dt.timedelta(days=late), **dates)
    )
    return records.record(decision=facts)


def coded(code: str) -> Record:
    plain = records.record()
    reasons = (plain.reasons[0].model_copy(update={"code": code}), *plain.reasons[1:])
    return plain.model_copy(update={"reasons": reasons})


def countered() -> Record:
    offer = Counteroffer(made=dt.date(2026, 8, 3))
    return records.record(decision=dated(5, 2).decision.model_copy(update={"counteroffer": offer}))


def protected(state: str) -> Record:
    return records.record(refusals=(Refusal(state=state, rule="G-04", evidence="e", next_step="n"),))


def summarise(batch: Iterable[Record], run: RunFacts, **more: Any) -> BatchReport:
    return counting.summarise(decision_rows.columns(decision_rows.table([*batch], **more)), run)


def full() -> BatchReport:
    stopped = [protected("PROHIBITED_BASIS_INFLUENTIAL"), protected("AGE_62_NEGATIVE")]
    return summarise(
        [*ALL, *stopped, coded("9"), dated(1, 12)],
        FULL,
        failed={"2026-000009": "ReportError in report/render.py"},
        documents={0: {"notice.pdf": "77ab" + records.HASH[4:], "audit.pdf": records.HASH}},
    )


BATCH = [*ALL, dated(1, 3), dated(2, -3), dated(3, -30), dated(4, 0, decision=dt.date(2026, 9, 1)), coded("9"),
         *map(protected, ("PROHIBITED_BASIS_INFLUENTIAL", "AGE_62_NEGATIVE", "NOT_ADVERSE")), countered(),
         records.with_text("employment", "You did not meet our internal standards")]  # fmt: skip


@pytest.mark.rule("BA-02")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(BATCH), max_size=20),
    st.sampled_from([None, dt.date(2026, 11, 5), dt.date(2027, 4, 1)]),
    st.dictionaries(st.sampled_from(["f1", "f2", "2026-004711"]), st.just("ReportError"), max_size=2),
    st.integers(1, 9),
)
def test_columns_count_as_records_do(
    batch: list[Record], as_of: dt.date | None, failed: dict[str, str], size: int
) -> None:
    run = FULL.model_copy(update={"scope": SCOPE.model_copy(update={"as_of": as_of})})
    columns = decision_rows.columns(decision_rows.table(batch, failed=failed), size)
    found, other = counting.summarise(columns, run), counted(batch, run, failed)
    assert canonical(found) == canonical(other)
    done = found.completeness
    assert done.decisions == len(batch) + len(failed) == done.ready + done.failed + sum(c.count for c in done.refused)
    assert sum(band.early + band.near + band.late + band.undated for band in found.timeliness) == done.decisions


def test_long_lists_are_cut_and_counted_whole() -> None:
    """Memory stays flat: what is listed has an end, and its number is told all the same."""
    batch = [dated(number, 1 + number % 9) for number in range(MOST_LISTED + 7)]
    found = summarise([*batch, *batch], BARE, failed={f"f{number}": "ReportError" for number in range(MOST_LISTED + 3)})
    assert (len(found.late), found.timeliness[0].late) == (MOST_LISTED, 2 * len(batch))
    worst = sorted([*batch, *batch], key=lambda r: (-(int(r.decision.id[-4:]) % 9), r.decision.id))
    assert [case.id for case in found.late] == [record.decision.id for record in worst[:MOST_LISTED]]
    done = found.completeness
    assert (len(done.duplicates), done.repeated) == (MOST_LISTED, len(batch))
    assert (len(done.failures), done.failed) == (MOST_LISTED, MOST_LISTED + 3)
    page = batch_html(found, CONFIG)
    assert "Failed decision: the first 100 of 503 are printed; decisions.csv has all of them." in page
    assert "Late decision: the first 500 of 1,014 are printed; decisions.csv has all of them." in page


@pytest.mark.rule("G-10")
def test_the_order_of_records_makes_no_difference() -> None:
    assert canonical(summarise(ALL, FULL)) == canonical(summarise(reversed(ALL), FULL))


@pytest.mark.rule("BA-12")
def test_is_archival_and_accessible_with_the_canonical_report_attached() -> None:
    report = full()
    pdf = batch_pdf(report, CONFIG)
    assert pages.failures(pdf, "PDF_A_3A", "PDF_UA_1") == []
    assert pages.attachments(pdf) == {"record.json": (canonical(report), "/Source")}
    manifest = pages.text(pdf).split("Root hash of records")[1]
    assert records.HASH in manifest
    for part in ("SHA-256", "Lakeshore Community Bank", "notice.pdf"):
        assert part in manifest
    assert report.manifest is not None
    assert report.manifest.lines[0].leaf in manifest.replace(" ", "")


@pytest.mark.rule("BA-01")
@pytest.mark.rule("BA-06")
@pytest.mark.rule("BA-10")
def test_prints_what_the_run_knows() -> None:
    text = pages.text(batch_pdf(full(), CONFIG))
    for part in (
        "Population Consumer loans",
        "Period November 9, 2026 – November 9, 2026",
        "Filters amount below $25,000",
        "Sampling simple random, 18 of 400; seed 4711",
        "test applications 3",
        "Documents written 2",
        "Without a record 2 FLAG",
        "Failed 1 FLAG",
        "2026-000009 ReportError in report/render.py",
        "With more than one record 2026-004711",
        "Recomputed 5 With the same hash 4",
        "2026-004711 record hash differs",
        "Upheld 6 (60.0%) Overturned 3 (30.0%) Returned 1 (10.0%) Waiting 2",
        "Median hours to a review 3.5",
    ):
        assert part in text


@pytest.mark.rule("BA-03")
def test_300_late_cases_are_listed_over_pages_with_their_head() -> None:
    report = summarise([dated(number, 1 + number % 40) for number in range(300)], BARE)
    texts = pages.page_texts(batch_pdf(report, CONFIG))
    listed = re.findall(r"late-\d{4}", " ".join(texts))
    assert sorted(listed) == [f"late-{number:04d}" for number in range(300)]
    with_cases = [text for text in texts if "late-" in text]
    assert len(with_cases) > 3
    assert all("Late decision Due Notice Days late" in text for text in with_cases)
    days = [case.days for case in report.late]
    assert days == sorted(days, reverse=True)


@pytest.mark.rule("BA-03")
def test_a_letter_that_was_refused_has_no_notice_until_one_is_sent() -> None:
    refused = records.record(refusals=(records.REFUSAL,))
    found = summarise([refused, records.record()], BARE).timeliness[0]
    assert (found.undated, found.early) == (1, 1)


@pytest.mark.rule("BA-03")
def test_a_notice_that_is_due_and_not_sent_is_late() -> None:
    due = records.record().decision.dates.notice_due
    assert due is not None
    refused = records.record(refusals=(records.REFUSAL,))
    favourable = records.record(refusals=(records.REFUSAL.model_copy(update={"state": "NOT_ADVERSE"}),))
    for after, late in ((0, []), (1, [1]), (9, [9])):
        scope = SCOPE.model_copy(update={"as_of": due + dt.timedelta(days=after)})
        found = summarise([refused, favourable], RunFacts(scope=scope))
        assert [case.days for case in found.late] == late
        assert found.timeliness[0].late + found.timeliness[0].undated == 2
    assert "2026-004711 December 5, 2026 not supplied 9" in pages.text(batch_pdf(found, CONFIG))


@pytest.mark.rule("BA-04")
def test_versions_stand_with_the_dates_they_change() -> None:
    first = dated(1, 0, decision=dt.date(2026, 9, 1))
    model = first.model.model_copy(update={"version": "3.3"})
    second = dated(2, 0, decision=dt.date(2026, 10, 1)).model_copy(update={"model": model})
    report = summarise([second, first], FULL)
    found = [(use.version.split()[2], use.first, use.decisions) for use in report.versions if use.kind == "model"]
    assert found == [("3.2", dt.date(2026, 9, 1), 1), ("3.3", dt.date(2026, 10, 1), 1)]
    text = pages.text(batch_pdf(report, CONFIG))
    assert text.index("September 1, 2026") < text.index("October 1, 2026")


@pytest.mark.rule("BA-05")
def test_reasons_are_counted_and_scanned() -> None:
    text = "You did not meet our internal standards"
    report = summarise([records.record(), coded("9"), records.with_text("employment", text)], FULL)
    assert (report.reasons.total, report.reasons.other) == (12, 1)
    assert [(hit.text, hit.count, hit.id) for hit in report.reasons.forbidden] == [(text, 1, "2026-004711")]
    assert summarise([coded("9")], BARE).reasons.other is None  # nobody said which codes mean "other"
    printed = pages.text(batch_pdf(report, CONFIG))
    assert "Share of “other” 1 (8.3%)" in printed
    assert report.reasons.forbidden[0].fault in printed


@pytest.mark.rule("BA-07")
def test_quality_is_told_per_check_with_its_spread() -> None:
    found = summarise([records.record()] * 3, BARE)
    flagged = {quality.id: quality.flagged for quality in found.quality}
    assert flagged["second-reference"] == 3
    assert flagged["put-back"] == 0
    text = pages.text(batch_pdf(found, CONFIG))
    assert "put back to the reference random 0.21 0.21 0.21" in text
    assert "Conservation error mean 3.1e−15" in text


@pytest.mark.rule("BA-08")
def test_protected_hits_stand_with_the_outcome_of_their_escalation() -> None:
    states = ("AGE_62_NEGATIVE", "PROHIBITED_BASIS_INFLUENTIAL", "SPECIAL_CATEGORY_INFLUENTIAL")
    report = summarise([records.record(), *map(protected, states)], FULL)
    assert [hit.state for hit in report.protected.hits] == list(states)
    assert [count.count for count in report.protected.states] == [1, 1, 1]
    text = pages.text(batch_pdf(report, CONFIG))
    assert all(f"2026-004711 {state} decision withdrawn" in text for state in states)


@pytest.mark.rule("BA-11")
@pytest.mark.rule("G-03")
def test_states_exceptions_and_limits_and_no_verdict() -> None:
    text = pages.text(batch_pdf(full(), CONFIG))
    assert "Two decisions were imported by hand." in text
    assert "Whether that meets a law is not for it to say." in text
    assert not re.search(r"\b(compliant|unbiased|lawful|fair|passed)\b", text, flags=re.IGNORECASE)


def test_an_empty_batch_is_a_report_too() -> None:
    report = summarise([], BARE)
    pdf = batch_pdf(report, CONFIG)
    assert pages.failures(pdf, "PDF_A_3A", "PDF_UA_1") == []
    text = pages.text(pdf)
    assert "Decisions 0 Ready for review 0 Refused 0" in text
    assert "No decision was recomputed before this report was made." in text


@pytest.mark.rule("BA-02")
def test_letters_are_held_against_decisions_that_are_ready() -> None:
    refused = records.record(refusals=(records.REFUSAL,))
    beside = {"record.json": records.HASH, "addressee.json": records.HASH}
    written = {0: {"notice.pdf": records.HASH, **beside}, 2: {"audit.pdf": records.HASH, **beside}}
    found = summarise([records.record(), records.record(), refused], BARE, documents=written).completeness
    assert {(item.name, item.count) for item in found.documents} == {("notice.pdf", 1), ("audit.pdf", 1)}
    assert (found.ready, found.without_letter) == (2, 1)


def test_documents_too_many_for_paper_are_named_elsewhere() -> None:
    written = {number: {"notice.pdf": records.HASH, "audit.pdf": records.HASH} for number in range(MOST_LISTED)}
    report = summarise([dated(number, 0) for number in range(MOST_LISTED)], FULL, documents=written)
    assert [(c.name, c.count) for c in report.completeness.documents] == [("audit.pdf", 500), ("notice.pdf", 500)]
    assert "the first 1 of 1,000 are printed; leaves/ has all of them." in batch_html(report, CONFIG)


def test_long_and_hostile_ids_stay_text_on_the_page() -> None:
    long = "LN" + "0123456789" * 30
    named = [dated(1, 5).model_copy(update={"decision": dated(1, 5).decision.model_copy(update={"id": name})})
             for name in (long, records.HOSTILE)]  # fmt: skip
    pdf = batch_pdf(summarise(named, BARE), CONFIG)
    assert pages.failures(pdf, "PDF_A_3A", "PDF_UA_1") == []
    assert long in re.sub(r"\s", "", pages.text(pdf))
    assert "{{7*7}}" in pages.text(pdf)
    assert "<img" not in batch_html(summarise(named, BARE), CONFIG)


@pytest.mark.parametrize("language", [name for name in languages() if name != SOURCE_LANGUAGE])
def test_reports_exist_in_the_languages_of_reviewers(language: str) -> None:
    documents = CONFIG.documents.model_copy(update={"audit_language": language})
    config = CONFIG.model_copy(update={"documents": documents})
    assert f'lang="{language}"' in batch_html(full(), config)
