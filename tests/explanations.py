"""Decisions, settings and cases for letters that explain, in four languages. Everybody and everything is made up."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import records

from lrp_audit.records.record import Change, ColumnContribution, DecisionFacts, Reason, Record, Variation, Variations
from lrp_audit.settings.config import AuditConfig
from lrp_audit.settings.letter_config import AutomationSection, ContactSection, DatabaseSection, ReviewSection
from lrp_audit.settings.sections import (
    ApprovalSection,
    ColumnSection,
    DecisionSection,
    DocumentsSection,
    FamilySection,
    InstitutionSection,
    ModelSection,
)

LETTERS = (("eu-letter", "en"), ("eu-letter", "de"), ("eu-letter", "fr"), ("eu-letter", "es"), ("uk-letter", "en"))


@dataclass(frozen=True)
class Language:
    """What a lender writes in one language: labels of columns and families, wording, sources."""

    columns: dict[str, str]
    families: dict[str, str]
    source: str
    not_used: tuple[str, ...]
    product: str
    amount: str


LANGUAGES = {
    "en": Language(
        columns={
            "dti_ratio": "Debt payments to income",
            "loan_to_income": "Loan to yearly income",
            "months_employed": "Time in current job",
            "inq_6m": "Credit enquiries in six months",
            "collateral_ltv": "Loan to value of the car",
            "oldest_line_y": "Oldest credit agreement",
            "purpose_cd": "Purpose",
            "savings_amt": "Savings",
            "customer_since": "Years as our customer",
            "region_zip3": "Region",
        },
        families={
            "obligations": "Debts compared with income",
            "employment": "Time in current job",
            "inquiries": "Recent credit enquiries",
            "collateral": "Value of the car",
            "credit_age": "Length of credit history",
            "purpose": "Purpose of the loan",
            "savings": "Savings",
            "relationship": "Time as our customer",
            "region": "Region",
        },
        source="application form",
        not_used=("nationality", "health", "social networks"),
        product="Car loan",
        amount="€9,000",
    ),
    "de": Language(
        columns={
            "dti_ratio": "Monatliche Raten im Verhältnis zum Einkommen",
            "loan_to_income": "Kredit im Verhältnis zum Jahreseinkommen",
            "months_employed": "Dauer der jetzigen Beschäftigung",
            "inq_6m": "Kreditanfragen in sechs Monaten",
            "collateral_ltv": "Kredit im Verhältnis zum Wert des Autos",
            "oldest_line_y": "Ältester Kreditvertrag",
            "purpose_cd": "Verwendungszweck",
            "savings_amt": "Ersparnisse",
            "customer_since": "Jahre als unser Kunde",
            "region_zip3": "Region",
        },
        families={
            "obligations": "Schulden im Verhältnis zum Einkommen",
            "employment": "Dauer der jetzigen Beschäftigung",
            "inquiries": "Kreditanfragen in letzter Zeit",
            "collateral": "Wert des Autos",
            "credit_age": "Dauer der Kreditgeschichte",
            "purpose": "Verwendungszweck",
            "savings": "Ersparnisse",
            "relationship": "Dauer der Kundenbeziehung",
            "region": "Region",
        },
        source="Antragsformular",
        not_used=("Staatsangehörigkeit", "Gesundheit", "soziale Netzwerke"),
        product="Autokredit",
        amount="9.000 €",
    ),
    "fr": Language(
        columns={
            "dti_ratio": "Mensualités par rapport aux revenus",
            "loan_to_income": "Crédit par rapport aux revenus annuels",
            "months_employed": "Ancienneté dans l’emploi actuel",
            "inq_6m": "Demandes de crédit en six mois",
            "collateral_ltv": "Crédit par rapport à la valeur de la voiture",
            "oldest_line_y": "Contrat de crédit le plus ancien",
            "purpose_cd": "Objet du crédit",
            "savings_amt": "Épargne",
            "customer_since": "Années comme client",
            "region_zip3": "Région",
        },
        families={
            "obligations": "Dettes par rapport aux revenus",
            "employment": "Ancienneté dans l’emploi actuel",
            "inquiries": "Demandes de crédit récentes",
            "collateral": "Valeur de la voiture",
            "credit_age": "Ancienneté des crédits",
            "purpose": "Objet du crédit",
            "savings": "Épargne",
            "relationship": "Ancienneté comme client",
            "region": "Région",
        },
        source="formulaire de demande",
        not_used=("la nationalité", "la santé", "les réseaux sociaux"),
        product="Crédit automobile",
        amount="9 000 €",
    ),
    "es": Language(
        columns={
            "dti_ratio": "Cuotas mensuales en relación con los ingresos",
            "loan_to_income": "Crédito en relación con los ingresos anuales",
            "months_employed": "Antigüedad en el empleo actual",
            "inq_6m": "Solicitudes de crédito en seis meses",
            "collateral_ltv": "Crédito en relación con el valor del coche",
            "oldest_line_y": "Contrato de crédito más antiguo",
            "purpose_cd": "Finalidad",
            "savings_amt": "Ahorros",
            "customer_since": "Años como cliente",
            "region_zip3": "Región",
        },
        families={
            "obligations": "Deudas en relación con los ingresos",
            "employment": "Antigüedad en el empleo actual",
            "inquiries": "Solicitudes de crédito recientes",
            "collateral": "Valor del coche",
            "credit_age": "Antigüedad de los créditos",
            "purpose": "Finalidad del crédito",
            "savings": "Ahorros",
            "relationship": "Antigüedad como cliente",
            "region": "Región",
        },
        source="formulario de solicitud",
        not_used=("nacionalidad", "salud", "redes sociales"),
        product="Préstamo para coche",
        amount="9000 €",
    ),
}


def contact(name: str, **more: Any) -> ContactSection:
    return ContactSection(name=name, address=("Musterweg 1", "1000 Beispielstadt"), telephone="+00 555 0100", **more)


def config(letter: str = "eu-letter", language: str = "en", **changes: Any) -> AuditConfig:
    """A complete audit.toml of a made-up lender."""
    said = LANGUAGES[language]
    office = contact("Musterkreditbank (fiktiv)").model_dump()
    sections: dict[str, Any] = {
        "model": ModelSection(file="model.skops", name="Consumer loans", version="3.2"),
        "decision": DecisionSection(recorded_adverse=("denied",)),
        "documents": DocumentsSection(letter=letter, language=language),  # type: ignore[arg-type]
        "columns": {
            name: ColumnSection(label=label, source=said.source, family=family)
            for (name, _, family, *_), label in zip(records.COLUMNS, said.columns.values(), strict=True)
        },
        "families": {
            name: FamilySection(label=label, text={language: label}) for name, label in said.families.items()
        },
        "approval": ApprovalSection(by="R. Beispiel", on=dt.date(2026, 9, 14), version="7"),
        "institution": InstitutionSection(**office),
        "automation": AutomationSection(role="sole", not_used=said.not_used),
        "review": ReviewSection(
            name="Team Überprüfung", address=office["address"], email="review@example.org",
            days_to_ask=30, days_to_answer=14,
        ),
        "data_protection_officer": contact("Datenschutz (fiktiv)", email="privacy@example.org"),
        "supervisory_authority": contact("Aufsicht (fiktiv)", website="authority.example.org"),
        "debt_advice": contact("Schuldnerberatung (fiktiv)"),
        "database": DatabaseSection(**contact("Auskunftei (fiktiv)").model_dump(), categories=("A-Daten", "B-Daten")),
    }  # fmt: skip
    return AuditConfig(**sections).model_copy(update=changes)


def columns(language: str) -> tuple[ColumnContribution, ...]:
    said = LANGUAGES[language]
    return tuple(
        item.model_copy(update={"label": said.columns[item.column], "source": said.source})
        for item in records.columns()
    )


FOUND = Variations(
    found=(
        Variation(
            changes=(
                Change(column="dti_ratio", label="Monthly payments", value=0.31, display="31 %", from_display="46 %"),
            ),
            score=0.41,
            margin=-0.3,
        ),
        Variation(
            changes=(
                Change(column="inq_6m", label="Credit enquiries", value=2, display="2", from_display="7"),
                Change(column="savings_amt", label="Savings", value=6e3, display="€6,000", from_display="€4,200"),
            ),
            score=0.44,
            margin=-0.2,
        ),
        Variation(
            changes=(Change(column="x", label="Third item", value=1, display="1", from_display="2"),),
            score=0.45,
            margin=-0.1,
        ),
    ),
    tried=812,
    most_changes=3,
    columns=("dti_ratio", "inq_6m", "savings_amt"),
)
NONE_FOUND = Variations(found=(), tried=2048, most_changes=3, columns=("dti_ratio",))


def record(language: str = "en", **changes: Any) -> Record:
    """A refusal by score with its variations, as `decisions` would record it under `config`."""
    plain, said = records.record(), LANGUAGES[language]
    facts: dict[str, Any] = {
        "decision": decision(language),
        "contributions": columns(language),
        "families": tuple(item.model_copy(update={"label": said.families[item.family]}) for item in plain.families),
        "reasons": tuple(
            item.model_copy(
                update={"text": said.families[item.family], "text_key": f"families.{item.family}.text.{language}"}
            )
            for item in plain.reasons
        ),
        "variations": FOUND,
    }
    return plain.model_copy(update={**facts, **changes})


def decision(language: str = "en", **changes: Any) -> DecisionFacts:
    said = LANGUAGES[language]
    facts = {"product": said.product, "amount": said.amount, "reference": "V-4711", "database_result": "3"}
    return records.decision(**{**facts, **changes})


def supplied(language: str, by: str, reasons: tuple[str, ...]) -> Record:
    """A decision of a rule or a person, which the score did not make and nothing explains."""
    said = tuple(
        Reason(rank=rank, family="", text=text, text_key="facts.decided_reasons", relevance=0.0, columns=())
        for rank, text in enumerate(reasons, start=1)
    )
    nothing: dict[str, Any] = {"contributions": (), "families": (), "variations": None, "reference": None}
    facts = decision(language, decided_by=by, decided_reasons=reasons)
    return record(language, decision=facts, reasons=said, **nothing)


def hostile(language: str) -> Record:
    """Values that would be markup, templates and resources if they were not text."""
    bad = records.HOSTILE
    contributions = tuple(item.model_copy(update={"value": bad, "display": bad}) for item in columns(language)[:2])
    facts = decision(language, product=bad, amount="<b>1</b>", reference=bad, database_result=bad)
    change = Change(column="a", label=bad, value=bad, display=bad, from_display=bad)
    changed = FOUND.model_copy(update={"found": (Variation(changes=(change,), score=0.1, margin=-1.0),)})
    return record(language, decision=facts, contributions=(*contributions, *columns(language)[2:]), variations=changed)


def wide(language: str) -> Record:
    """Forty columns, each a family of its own."""
    plain = records.record(records.WIDE)
    source = LANGUAGES[language].source
    contributions = tuple(item.model_copy(update={"source": source}) for item in plain.contributions)
    labels = {item.family: item.label for item in plain.contributions}
    families = tuple(item.model_copy(update={"label": labels[item.family]}) for item in plain.families)
    reasons = tuple(item.model_copy(update={"text": labels[item.family]}) for item in plain.reasons)
    return record(language, contributions=contributions, families=families, reasons=reasons)


def with_wide_columns(settings: AuditConfig, language: str) -> AuditConfig:
    """Settings that name the forty columns."""
    source = LANGUAGES[language].source
    named = {item.column: ColumnSection(label=item.label, source=source) for item in records.columns(records.WIDE)}
    return settings.model_copy(update={"columns": named})
