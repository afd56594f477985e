"""Realistic records, addressees and settings for tests of documents. Everybody and everything in them is made up."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from lrp_audit.judging.reasons import group, stated
from lrp_audit.language import texts
from lrp_audit.records.record import (
    Addressee,
    BureauFacts,
    Check,
    ColumnContribution,
    Conservation,
    Dates,
    DecisionFacts,
    MethodFacts,
    ModelFacts,
    Outcome,
    Ranking,
    Reason,
    Record,
    Recorded,
    ReferenceFacts,
    Refusal,
    TextFacts,
)
from lrp_audit.settings.config import AuditConfig, ContactSection
from lrp_audit.settings.sections import (
    ApprovalSection,
    CreditScoreSection,
    FactsSection,
    FamilySection,
    InstitutionSection,
    ModelSection,
)

# column, label, family, relevance, value, shown, shown of the reference
COLUMNS: tuple[tuple[Any, ...], ...] = (
    ("dti_ratio", "Debt payments to income", "obligations", 0.71, 0.46, "46%", "31%"),
    ("loan_to_income", "Loan to yearly income", "obligations", 0.25, 0.38, "38%", "22%"),
    ("months_employed", "Time in current job", "employment", 0.52, 8, "8 months", "60 months"),
    ("inq_6m", "Inquiries in six months", "inquiries", 0.41, 7, "7", "2"),
    ("collateral_ltv", "Loan to value of the car", "collateral", 0.30, 0.91, "91%", "78%"),
    ("oldest_line_y", "Oldest credit line", "credit_age", 0.14, 3, "3 years", "11 years"),
    ("purpose_cd", "Purpose", "purpose", 0.17, "A43", "radio or television", "used car"),
    ("savings_amt", "Savings", "savings", -0.29, 4200.0, "$4,200.00", "$1,150.00"),
    ("customer_since", "Years as our customer", "relationship", -0.15, 6, "6 years", "4 years"),
    ("region_zip3", "Region", "region", -0.03, "606", "606", "606"),
)
WORDING = {
    "obligations": ("Obligations to income", "obligations-excessive"),
    "employment": ("Employment", "employment-length"),
    "inquiries": ("Recent inquiries", "credit-inquiries"),
    "collateral": ("Collateral value", "collateral-insufficient"),
    "credit_age": ("Credit age", "credit-limited"),
    "purpose": ("Purpose of the loan", "income-insufficient"),
}
LABELS = {family: label for family, (label, _) in WORDING.items()}
HOSTILE = (
    "{{7*7}} {% raw %} <img src=file:///etc/passwd> <link rel=attachment href=file:///etc/passwd>"
    " <style>*{display:none}</style> </td></table> @page{size:1in} url(http://127.0.0.1:9/x)"
)
HASH = "4be1" + "0f3a9c27" * 7 + "12d8"


def addressee(**changes: Any) -> Addressee:
    return Addressee(name="Maria Alvarez", address=("1418 West Carmen Avenue", "Chicago, IL 60640")).model_copy(
        update=changes
    )


def config(**changes: Any) -> AuditConfig:
    """A complete audit.toml of a made-up bank, as checked settings."""
    legal = texts.load("en")
    sections: dict[str, Any] = {
        "model": ModelSection(file="model.skops", name="Consumer loans", version="3.2"),
        "facts": FactsSection(id="application", name="applicant", address="address"),
        "families": {
            family: FamilySection(label=label, text={"en": legal.reasons[reason].text})
            for family, (label, reason) in WORDING.items()
        },
        "approval": ApprovalSection(by="J. Okafor, General Counsel", on=dt.date(2026, 9, 14), version="7"),
        "institution": InstitutionSection(
            name="Lakeshore Community Bank",
            address=("200 North Harbor Drive", "Chicago, IL 60601"),
            telephone="(312) 555-0142",
            contact="Credit Review Department",
            agency="fdic",
        ),
        "consumer_reporting_agency": ContactSection(
            name="Midland Credit Reporting",
            address=("P.O. Box 4410", "Columbus, OH 43004"),
            telephone="1-800-555-0117",
        ),
        "credit_score": CreditScoreSection(source="Midland Credit Reporting", low=300, high=850),
    }
    return AuditConfig(**sections).model_copy(update=changes)


def columns(rows: tuple[tuple[Any, ...], ...] = COLUMNS) -> tuple[ColumnContribution, ...]:
    found = [
        ColumnContribution(
            column=name,
            label=label,
            family=family,
            relevance=relevance,
            value=value,
            display=shown,
            reference_display=typical,
            transformed=(0.0, 1.0, 0.0, 0.0) if isinstance(value, str) else (round(relevance * 1.7, 6),),
            source="application form",
        )
        for name, label, family, relevance, value, shown, typical in rows
    ]
    return tuple(sorted(found, key=lambda item: (-item.relevance, item.column)))


def decision(**changes: Any) -> DecisionFacts:
    facts = DecisionFacts(
        id="2026-004711",
        applicant="9f2c41d07be35a18",
        product="Personal loan",
        amount="$9,000",
        dates=Dates(
            application=dt.date(2026, 11, 2),
            completion=dt.date(2026, 11, 5),
            decision=dt.date(2026, 11, 9),
            notice=dt.date(2026, 11, 22),
            notice_due=dt.date(2026, 12, 5),
        ),
        recorded=Recorded(outcome="denied", score=0.8038, model_version="3.2"),
        bureau=BureauFacts(report_used=True),
        age=41,
    )
    return facts.model_copy(update=changes)


def full_bureau() -> BureauFacts:
    return BureauFacts(
        report_used=True,
        outside_information=True,
        score=612,
        score_date=dt.date(2026, 11, 5),
        key_factors=(
            "Proportion of balances to credit limits is too high",
            "Length of time accounts have been established",
            "Too many accounts with balances",
            "Time since delinquency is too recent",
        ),
        inquiries_key_factor=True,
    )


CHECKS = (
    Check(
        id="put-back",
        title="Effect of the stated reasons, put back to the reference",
        status="performed",
        measured={"stated": 1.98, "random": 0.21},
        statement="Fall of the adverse margin with the stated reasons put back, and with as many random families.",
    ),
    Check(
        id="direction",
        title="Direction of the stated reasons",
        status="performed",
        measured={"confirmed": 4, "tested": 4, "stated": 4},
        statement="A direction word is printed only where the model confirms it; elsewhere the factor is named.",
    ),
    Check(
        id="second-reference",
        title="Same reasons under the second reference",
        status="performed",
        flag=True,
        measured={"kept": 2, "stated": 4},
        threshold=3.0,
        statement="Stated families that are also principal when compared with the other population.",
    ),
    Check(id="integrated-gradients", title="Agreement with integrated gradients", status="not performed"),
    Check(id="stability", title="Stability under small input noise", status="not performed"),
    Check(id="proxy-screen", title="Screen for proxies of protected attributes", status="not performed"),
    Check(id="variations", title="Verified variations", status="not performed"),
)


def record(rows: tuple[tuple[Any, ...], ...] = COLUMNS, **changes: Any) -> Record:
    """A refusal by score with four reasons, as `decisions` would record it."""
    settings = config()
    contributions = columns(rows)
    families = group(contributions, LABELS)
    chosen = stated(families, 4)
    against = [family.relevance for family in families if family.relevance > 0]
    total = sum(item.relevance for item in contributions)
    facts: dict[str, Any] = {
        "decision": decision(),
        "model": ModelFacts(
            kind="scikit-learn Pipeline ending in MLPClassifier",
            name="Consumer loans",
            version="3.2",
            file_sha256=HASH,
            weights_sha256="9c0d" + HASH[4:],
            preprocessing_sha256="77ab" + HASH[4:],
            classes=("approved", "denied"),
            adverse="denied",
            owner="Retail credit risk",
            intended_use="Unsecured personal loans up to $25,000",
            validation_date=dt.date(2026, 6, 30),
        ),
        "outcome": Outcome(
            adverse=True,
            margin=1.41,
            cutoff_margin=0.0,
            score=0.8038,
            cutoff=0.5,
            cutoff_on="probability",
            estimator_score=0.8038,
        ),
        "reference": ReferenceFacts(
            name="near_cutoff",
            representation="members",
            population=200,
            members=64,
            seed=0,
            date=dt.date(2026, 10, 1),
            sha256=HASH,
            mean_margin=1.41 - total,
        ),
        "method": MethodFacts(
            name="LRP",
            rules="lrp0",
            target="logit of 'denied' minus logit of 'approved'",
            dtype="float64",
        ),
        "contributions": contributions,
        "families": families,
        "conservation": Conservation(explained=total, attributed=total, residual=3.1e-15, tolerance=1e-9),
        "reasons": tuple(
            Reason(
                rank=rank,
                family=family.family,
                text=settings.families[family.family].text["en"] if family.family in settings.families else "",
                text_key=f"families.{family.family}.text.en",
                relevance=family.relevance,
                columns=family.columns,
            )
            for rank, family in enumerate(chosen, start=1)
        ),
        "ranking": Ranking(
            gap=chosen[-1].relevance - families[len(chosen)].relevance
            if chosen and len(families) > len(chosen)
            else None,
            next_family=families[len(chosen)].family if len(families) > len(chosen) else None,
            covered=sum(family.relevance for family in chosen) / sum(against) if against else None,
        ),
        "checks": CHECKS,
        "flags": ("Only 2 of the 4 stated reasons hold under the second reference (threshold 3).",),
        "texts": TextFacts(
            language="en", version="7", approved_by="J. Okafor, General Counsel", approved_on=dt.date(2026, 9, 14)
        ),
        "config_sha256": "e02f" + HASH[4:],
        "versions": {"lrp_audit": "0.1.0", "python": "3.11.2", "torch": "2.13.0", "weasyprint": "70.0"},
    }
    return Record(**{**facts, **changes})


REFUSAL = Refusal(
    state="UNMAPPED_PRINCIPAL_REASON",
    rule="RS-10",
    evidence="Family 'purpose' ranks fourth with +0.300 and has no approved wording.",
    next_step="Add families.purpose.text.en to audit.toml and have it approved.",
)
WIDE = tuple(
    (
        f"bureau_variable_{i:02d}",
        f"Bureau variable {i}",
        f"family_{i:02d}",
        (20.5 - i) / 17,
        i * 3.25,
        f"{i * 3.25:,}",
        "9",
    )
    for i in range(40)
)
HUGE = (
    ("exposure", "Exposure", "obligations", -1e9, -1e9, "−1,000,000,000", "0"),
    ("income", "Income", "employment", 2.5e8, None, "not given", "$41,000.00"),
    ("lines", "Credit lines", "inquiries", 1e-7, 4, "4", "4"),
)
LONG_REASON = " ".join(["Excessive obligations in relation to income, as reported by you"] * 34)  # 306 words


@dataclass(frozen=True)
class Case:
    """One document case. `issued`: the notice may go out; the others only as drafts."""

    name: str
    record: Record
    addressee: Addressee
    config: AuditConfig
    issued: bool = True


def _unscored() -> Record:
    refusal = Refusal(
        state="INVALID_INPUT",
        rule="G-02",
        evidence="column 'dti_ratio' holds 'n/a', which is not a number.",
        next_step="Correct the row and run it again.",
    )
    return record(
        outcome=None,
        reference=None,
        method=None,
        contributions=(),
        families=(),
        conservation=None,
        reasons=(),
        ranking=Ranking(),
        checks=(),
        flags=(),
        refusals=(refusal,),
    )


def _hostile() -> Record:
    rows = tuple((f"{name} {HOSTILE}", label, family, *rest) for name, label, family, *rest in COLUMNS[:1])
    rows += tuple((name, label, family, r, HOSTILE, HOSTILE, HOSTILE) for name, label, family, r, *_ in COLUMNS[1:2])
    return record(
        rows + COLUMNS[2:],
        decision=decision(id=HOSTILE * 3, product=HOSTILE, amount="<b>1</b>", bureau=full_bureau()),
        flags=(HOSTILE,),
    )


def _routed(facts: DecisionFacts) -> Record:
    """A decision of a rule or a person: its reasons are the supplied ones, not the score's (RS-04, RS-05)."""
    supplied = tuple(
        Reason(rank=rank, family="", text=text, text_key="facts.decided_reasons", relevance=0.0, columns=())
        for rank, text in enumerate(facts.decided_reasons, start=1)
    )
    return record(decision=facts, reasons=supplied, ranking=Ranking())


def _worded(plain: Record) -> Record:
    """The record with the name of each reason's family as its wording."""
    labels = {family.family: family.label for family in plain.families}
    worded = tuple(reason.model_copy(update={"text": labels[reason.family]}) for reason in plain.reasons)
    return plain.model_copy(update={"reasons": worded})


def with_text(family: str, text: str) -> Record:
    plain = record()
    changed = tuple(
        reason.model_copy(update={"text": text}) if reason.family == family else reason for reason in plain.reasons
    )
    return plain.model_copy(update={"reasons": changed})


def _missing_values() -> Record:
    rows = columns()
    holes = tuple(
        item.model_copy(update={"value": None, "display": "not given", "missing": True, "imputed": index % 2 == 0})
        for index, item in enumerate(rows)
    )
    return record(contributions=holes)


def cases() -> tuple[Case, ...]:
    """Every kind of decision that a document must stand."""
    person, settings = addressee(), config()
    bare = AuditConfig(model=ModelSection(file="model.skops"))
    rule = decision(decided_by="rule", decided_reasons=("Bankruptcy", "Unable to verify employment"))
    human = decision(decided_by="human", decided_reasons=("Collection action or judgment",))
    unnamed = DecisionFacts(id="row 1", applicant="00")
    protected = columns()[:3] + tuple(c.model_copy(update={"protected": "age"}) for c in columns()[3:4]) + columns()[4:]
    approved = record().outcome.model_copy(update={"adverse": False, "margin": -0.8, "score": 0.31})
    greek = addressee(name="Ελένη Παπαδοπούλου-Ωνάση", address=("Οδός Ερμού 12", "105 63 Αθήνα"))
    cyrillic = addressee(name="Žofia Đurđević Александра Щербакова", address=("ул. Лермонтова 5", "Санкт-Петербург"))
    long_name = addressee(
        name="Wilhelmina-Alexandrine Featherstonehaugh-Montgomery de la Cruz", address=("Line 1",) * 5
    )
    return (
        Case("ordinary", record(), person, settings),
        Case("bureau", record(decision=decision(bureau=full_bureau())), person, settings),
        Case("no-report", record(decision=decision(bureau=BureauFacts())), person, settings),
        Case("refused", record(refusals=(REFUSAL,)), person, settings, issued=False),
        Case("unscored", _unscored(), person, settings, issued=False),
        Case("approved", record(outcome=approved, refusals=(REFUSAL,)), person, settings, issued=False),
        Case("wide", _worded(record(WIDE)), person, settings),
        Case("hostile", _hostile(), addressee(name=HOSTILE, address=(HOSTILE,)), settings),
        Case("greek", record(), greek, settings),
        Case("cyrillic", record(), cyrillic, settings),
        Case("long-name", record(), long_name, settings),
        Case("missing", _missing_values(), person, settings),
        Case("huge", record(HUGE), person, settings),
        Case("long-reason", with_text("employment", LONG_REASON), person, settings),
        Case("rule", _routed(rule), person, settings),
        Case("human", _routed(human), person, settings),
        Case("protected", record(contributions=protected), person, settings),
        Case("bare", record(refusals=(REFUSAL,), decision=unnamed), Addressee(), bare, issued=False),
    )
