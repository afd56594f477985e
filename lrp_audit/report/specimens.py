"""Made-up decisions at the edges, to try templates on: long, many, missing, hostile, every variant of a document."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lrp_audit.judging.reasons import group, stated
from lrp_audit.records.record import (
    Addressee,
    BureauFacts,
    Change,
    Check,
    ColumnContribution,
    Conservation,
    Correction,
    Counteroffer,
    Dates,
    DecisionFacts,
    Incompleteness,
    MethodFacts,
    ModelFacts,
    Outcome,
    Ranking,
    Reason,
    Record,
    ReferenceFacts,
    Refusal,
    TextFacts,
    Variation,
    Variations,
)
from lrp_audit.records.text_record import TextEvidence, TextWord
from lrp_audit.settings.branding import BrandingSection, Signatory
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.letter_config import AutomationSection, ContactSection, DatabaseSection, ReviewSection
from lrp_audit.settings.sections import (
    ApprovalSection,
    ColumnSection,
    CreditScoreSection,
    DecisionSection,
    DocumentsSection,
    FamilySection,
    InstitutionSection,
    ModelSection,
)

ADVERSE, MOST, IN_FAVOUR = 12, 37, 3  # columns against, most of them, and in favour: a family each
HOSTILE = "</p><h1>{{ 7 * 7 }}</h1><style>*{display:none}</style> {% raw %} &lt;b&gt; url(x)"
LONG = "Excessive obligations in relation to income, as reported by you and by others "
_DAY = dt.date(2026, 11, 16)
_DIGEST = "00" * 32


@dataclass(frozen=True)
class Specimen:
    """One case. A `draft` shows what is missing, where the document is a letter."""

    name: str
    record: Record
    addressee: Addressee
    config: AuditConfig
    draft: bool = False


def specimens(document: str) -> Iterator[Specimen]:
    """The cases of a document type, by the name of its folder."""
    makers = {"us-notice": _us_notices, "eu-letter": _explanations, "uk-letter": _explanations, "audit": _audits}
    return makers[document](_config("us-notice" if document == "audit" else document))


def _us_notices(config: AuditConfig) -> Iterator[Specimen]:
    full, person = _record(), _addressee()
    offer = Counteroffer(terms=("$5,000 over 24 months", LONG * 3), accept_by=_DAY)
    missing = Incompleteness(items=("Proof of income", LONG), respond_by=_DAY)
    on_request = config.documents.model_copy(update={"reasons": "on-request", "oral_reasons": True})
    yield Specimen("every block", full, person, config)
    yield Specimen("long reasons", _worded(full, LONG * 20), person, config)
    yield Specimen("counteroffer", _decided(full, action="counteroffer", counteroffer=offer), person, config)
    yield Specimen("incomplete", _decided(full, action="incomplete", incompleteness=missing), person, config)
    yield Specimen("on request", full, person, config.model_copy(update={"documents": on_request}))
    yield from _of_any_letter(full, config)


def _explanations(config: AuditConfig) -> Iterator[Specimen]:
    full, person = _record(), _addressee()
    approved = Outcome(
        adverse=False, margin=-1.0, cutoff_margin=0.0, score=0.3, cutoff=0.5, cutoff_on="probability",
        estimator_score=0.3,
    )  # fmt: skip
    none_found = Variations(found=(), tried=2048, most_changes=3, columns=("column_00",))
    yield Specimen("every block", full, person, config)
    yield Specimen("approval", full.model_copy(update={"outcome": approved}), person, config)
    yield Specimen("no variation", full.model_copy(update={"variations": none_found}), person, config)
    yield Specimen("40 columns", _record(MOST), person, config)
    yield from _of_any_letter(full, config)


def _of_any_letter(full: Record, config: AuditConfig) -> Iterator[Specimen]:
    long_name = Addressee(name="Wilhelmina-Alexandrine " * 3, address=("Long street name " * 5,) * 5)
    corrected = _decided(full, corrects=Correction(record_sha256=_DIGEST, notice=_DAY))
    section = BrandingSection(accent="#00529b", letterhead=(LONG,) * 3, signatory=Signatory(name="Ada", role="Head"))
    bare = AuditConfig(model=ModelSection(file="m.skops"), documents=config.documents)
    yield Specimen("long name", full, long_name, config)
    yield Specimen("correction", corrected, _addressee(), config)
    yield Specimen("branded", full, _addressee(), config.model_copy(update={"branding": section}))
    yield Specimen("hostile", *_hostile(full), config)
    yield Specimen("draft without anything", _decided(full, product=None), Addressee(), bare, draft=True)
    yield Specimen("refused draft", full.model_copy(update={"refusals": _REFUSALS}), _addressee(), config, draft=True)


def _audits(config: AuditConfig) -> Iterator[Specimen]:
    full = _record()
    words = tuple(TextWord(start=4 * i, end=4 * i + 3, relevance=(i % 5 - 2) / 2) for i in range(200))
    text = TextEvidence(column="text", label="Message", text="abc " * 200, words=words, masked={"name": 1})
    missing = tuple(
        item.model_copy(update={"value": None, "display": "not given", "missing": True, "imputed": True})
        for item in full.contributions
    )
    unscored = {"outcome": None, "contributions": (), "families": (), "reasons": (), "conservation": None}
    yield Specimen("every block", full.model_copy(update={"text_evidence": (text,)}), _addressee(), config)
    yield Specimen("40 columns", _record(MOST), _addressee(), config)
    yield Specimen("missing values", full.model_copy(update={"contributions": missing}), _addressee(), config)
    yield Specimen("refused", full.model_copy(update={"refusals": _REFUSALS}), _addressee(), config)
    yield Specimen("not scored", full.model_copy(update={**unscored, "refusals": _REFUSALS}), _addressee(), config)
    yield Specimen("hostile", *_hostile(full), config)


def _hostile(full: Record) -> tuple[Record, Addressee]:
    changed = tuple(item.model_copy(update={"label": HOSTILE, "display": HOSTILE}) for item in full.contributions)
    facts = _decided(_worded(full, HOSTILE), id=HOSTILE, product=HOSTILE, amount=HOSTILE)
    return facts.model_copy(update={"contributions": changed}), Addressee(name=HOSTILE, address=(HOSTILE,))


def _worded(record: Record, text: str) -> Record:
    reasons = tuple(reason.model_copy(update={"text": text.strip()}) for reason in record.reasons)
    return record.model_copy(update={"reasons": reasons})


def _decided(record: Record, **changes: Any) -> Record:
    return record.model_copy(update={"decision": record.decision.model_copy(update=changes)})


_REFUSALS = tuple(
    Refusal(state="UNMAPPED_PRINCIPAL_REASON", rule="RS-10", evidence=LONG, next_step=f"Write wording {number}.")
    for number in range(3)
)


def _addressee() -> Addressee:
    return Addressee(name="Ελένη Đurđević-Щербакова", address=("1 Example Street", "Sampletown"))


def _config(letter: str) -> AuditConfig:
    items = _columns(MOST)
    return AuditConfig(
        model=ModelSection(file="model.skops", name="Example model", version="1"),
        decision=DecisionSection(recorded_adverse=("denied",)),
        documents=DocumentsSection.model_validate({"letter": letter}),
        columns={item.column: ColumnSection(label=item.label, source=item.source) for item in items},
        families={item.family: FamilySection(label=item.label, columns=(item.column,)) for item in items},
        approval=ApprovalSection(by="A. Counsel", on=_DAY, version="1"),
        institution=InstitutionSection(**_contact("Lender"), contact="Credit Review Department", agency="fdic"),
        consumer_reporting_agency=ContactSection(**_contact("Agency")),
        credit_score=CreditScoreSection(source="Example Bureau", low=300, high=850),
        automation=AutomationSection(role="sole", not_used=("nationality", "health")),
        review=ReviewSection(**_contact("Review"), days_to_ask=30, days_to_answer=14),
        data_protection_officer=ContactSection(**_contact("Officer")),
        supervisory_authority=ContactSection(**_contact("Authority")),
        debt_advice=ContactSection(**_contact("Advice")),
        database=DatabaseSection(**_contact("Database"), categories=("payment history", "insolvencies")),
    )


def _contact(name: str) -> dict[str, Any]:
    """Told apart from every other by each of its lines."""
    return {
        "name": f"Example {name}", "address": (f"1 {name} Street", f"{name}town"), "telephone": f"+00 555 {name}",
        "email": f"{name}@example.org", "website": f"{name}.example.org",
    }  # fmt: skip


def _decision() -> DecisionFacts:
    bureau = BureauFacts(
        report_used=True, outside_information=True, score=612, score_date=_DAY - dt.timedelta(9),
        key_factors=("Balances", "Length of history", "Number of accounts", "Delinquency"), inquiries_key_factor=True,
    )  # fmt: skip
    application, completion, decision, notice, due = (_DAY + dt.timedelta(days) for days in range(5))
    dates = Dates(application=application, completion=completion, decision=decision, notice=notice, notice_due=due)
    return DecisionFacts(
        id="2026-000001", applicant="00", product="Personal loan", amount="9,000", dates=dates, bureau=bureau, age=41,
        reference="V-4711", database_result="two entries", addressee_sha256=_DIGEST,
    )  # fmt: skip


def _columns(adverse: int) -> tuple[ColumnContribution, ...]:
    return tuple(
        ColumnContribution(
            column=f"column_{number:02d}", label=f"Item number {number}", family=f"family_{number:02d}",
            relevance=(adverse - number) / 10 - (0.05 if number >= adverse else 0), value=number, display=str(number),
            reference_display="9", transformed=(0.5, -0.5), source="application form", mutable=True,
        )
        for number in range(adverse + IN_FAVOUR)
    )  # fmt: skip


def _record(adverse: int = ADVERSE) -> Record:
    """A refusal by score, with everything a record may hold but refusals and texts."""
    columns = _columns(adverse)
    families = group(columns)
    chosen, total = stated(families, 4), sum(item.relevance for item in columns)
    change = Change(column="column_00", label="Item number 0", value=1, display="1", from_display="0")
    numbers = {"stated": 1.98, "random": 0.21}
    return Record(
        decision=_decision(),
        model=ModelFacts(
            kind="network", name="Example model", version="1", file_sha256=_DIGEST, weights_sha256=_DIGEST,
            preprocessing_sha256=_DIGEST, classes=("approved", "denied"), adverse="denied", owner="Example owner",
            intended_use="Example use", known_limits="Example limits", validation_date=_DAY,
        ),
        outcome=Outcome(
            adverse=True, margin=1.4, cutoff_margin=0.0, score=0.8, cutoff=0.5, cutoff_on="probability",
            estimator_score=0.8,
        ),
        reference=ReferenceFacts(
            name="near_cutoff", representation="members", population=200, members=64, seed=0, date=_DAY,
            sha256=_DIGEST, mean_margin=1.4 - total,
        ),
        method=MethodFacts(name="LRP", rules="lrp0", target="logit of 'denied'", dtype="float64"),
        contributions=columns,
        families=families,
        conservation=Conservation(explained=total, attributed=total, tolerance=1e-9),
        reasons=tuple(
            Reason(rank=rank, family=item.family, text=f"Factor number {rank}", text_key=f"families.{item.family}.text",
                   relevance=item.relevance, columns=item.columns)
            for rank, item in enumerate(chosen, start=1)
        ),
        ranking=Ranking(gap=0.1, next_family=families[len(chosen)].family, covered=0.5),
        checks=(
            Check(id="put-back", title="Effect", status="performed", flag=True, measured=numbers, threshold=0.5,
                  statement="What was measured."),
            Check(id="stability", title="Stability", status="not performed"),
        ),
        flags=("Something to look at.",),
        variations=Variations(
            found=(Variation(changes=(change,), score=0.4, margin=-0.3),), tried=812, most_changes=3,
            columns=("column_00",),
        ),
        texts=TextFacts(language="en", version="1", approved_by="A. Counsel", approved_on=_DAY),
        config_sha256=_DIGEST,
        versions={"lrp_audit": "0.1.0"},
    )  # fmt: skip
