"""What column and class names suggest: facts, protected data, reason families. Proposals for a person to check."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

ADVERSE_CLASSES = frozenset({
    "denied", "deny", "denial", "rejected", "reject", "declined", "decline", "refused", "refuse", "default",
    "defaulted", "bad", "charged off", "delinquent",
})  # fmt: skip

# Fact of `[facts]` -> names its column commonly has, as words joined by "_".
FACT_NAMES: dict[str, tuple[str, ...]] = {
    "id": (
        "id", "application_id", "app_id", "decision_id", "loan_id", "case_id", "application_number", "loan_number",
        "applicant_id", "customer_id", "account_id",
    ),
    "name": ("name", "applicant_name", "full_name", "customer_name", "applicant"),
    "address": ("address", "applicant_address", "mailing_address", "customer_address", "postal_address"),
    "product": ("product", "product_name", "loan_product", "credit_product", "product_type"),
    "amount": ("amount", "amount_requested", "requested_amount", "loan_amount", "credit_amount"),
    "application_date": ("application_date", "date_of_application", "applied_on", "applied_at"),
    "completion_date": ("completion_date", "completed_on", "application_completed"),
    "decision_date": ("decision_date", "date_of_decision", "decided_on", "decided_at"),
    "sent_date": ("sent_date", "notice_sent", "notice_date", "sent_on"),
    "decided_by": ("decided_by", "decision_source"),
    "decided_reasons": ("decided_reasons", "decision_reasons", "rule_reasons"),
    "bureau_score": ("bureau_score", "fico", "fico_score", "credit_score"),
    "bureau_score_date": ("bureau_score_date", "fico_date", "credit_score_date"),
    "bureau_key_factors": ("bureau_key_factors", "key_factors", "credit_score_factors"),
    "bureau_inquiries_factor": ("bureau_inquiries_factor", "inquiries_factor"),
    "consumer_report_used": ("consumer_report_used", "credit_report_used"),
    "outside_information_used": ("outside_information_used",),
    "outcome": ("outcome", "recorded_outcome", "decision", "recorded_decision", "final_decision"),
    "score": ("score", "recorded_score", "model_score"),
    "model_version": ("model_version",),
}  # fmt: skip

AGE_NAMES = frozenset({
    "age", "ages", "applicant_age", "customer_age", "client_age", "borrower_age", "person_age", "age_years",
    "age_in_years", "age_at_application", "dob", "date_of_birth", "birth_date", "birthdate", "birth_year",
    "year_of_birth",
})  # fmt: skip

# Words of a column name that suggest a prohibited basis (12 CFR 1002.2(z)) or a special category (GDPR Art. 9).
PROTECTED_WORDS: dict[Literal["prohibited", "special"], frozenset[str]] = {
    "prohibited": frozenset({
        "sex", "gender", "male", "female", "race", "racial", "ethnic", "ethnicity", "afam", "black", "white",
        "hispanic", "color", "colour", "religion", "religious", "nationality", "origin", "foreign", "foreigner",
        "marital", "marriage", "married", "divorced", "widowed", "spouse", "single", "welfare", "pregnant",
        "pregnancy",
    }),
    "special": frozenset({
        "health", "disability", "disabled", "diagnosis", "union", "political", "politics", "party", "genetic",
        "biometric", "sexual", "orientation", "belief",
    }),
}  # fmt: skip

# Facts that may be inputs of the model as well.
SHARED_FACTS = frozenset({"product", "amount", "bureau_score"})

# Family, where a name of "_"-joined words suggests it (first match wins), and the id of the proposed sample reason.
FAMILIES: tuple[tuple[str, str, str], ...] = (
    ("inquiries", "inquir|enquir", "credit-inquiries"),
    ("bankruptcy", "bankrupt", "credit-bankruptcy"),
    ("foreclosure", "foreclos|reposs", "credit-foreclosure"),
    ("garnishment", "garnish", "credit-garnishment"),
    ("collections", "collections?(_|$)|judge?ment", "credit-collection"),
    (
        "delinquencies",
        "delinq|late(_|$)|past_due|overdue|arrear|missed|derog|default|pay(ment)?_hist",
        "credit-delinquent",
    ),
    ("obligations", "dti(_|$)|debts?(_|$)|obligation|instal?lment|burden", "obligations-excessive"),
    ("collateral", "collateral|ltv(_|$)|loan_to_value|appraise", "collateral-insufficient"),
    ("down_payment", "down_?payment", "down-payment-inadequate"),
    ("employment_type", "employ[a-z]*_(type|status)|irregular_employ", "employment-irregular"),
    ("occupation", "occupation|profession|job(_type|_title)?$", "occupation-type"),
    ("employment", "employ|job|tenure", "employment-length"),
    ("income", "income|salary|wage|earning", "income-insufficient"),
    ("residence", "residence|address", "residence-length"),
    ("credit_experience", "trade_?lines?|oldest|credit_(age|history|experience)", "credit-limited"),
)


def words(name: str) -> tuple[str, ...]:
    """`applicantName`, `applicant-name` and `APPLICANT_NAME` are all ("applicant", "name")."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return tuple(word.lower() for word in re.split(r"[\W_]+", spaced) if word)


def fact_columns(columns: Iterable[str]) -> dict[str, str]:
    """Fact -> the column whose name says that it holds it, in the order of `FACT_NAMES`; a column serves one fact."""
    by_name: dict[str, str] = {}
    for column in columns:
        by_name.setdefault("_".join(words(column)), column)
    found = {}
    for fact, names in FACT_NAMES.items():
        if named := [by_name[name] for name in names if name in by_name]:
            found[fact] = named[0]
    return found


def protected_columns(columns: Iterable[str]) -> dict[str, Literal["prohibited", "special", "age"]]:
    """Columns whose names suggest a prohibited basis, a special category of data, or age; and which of them."""
    found: dict[str, Literal["prohibited", "special", "age"]] = {}
    for column in columns:
        parts = words(column)
        if "_".join(parts) in AGE_NAMES:
            found[column] = "age"
        for kind, suggestive in PROTECTED_WORDS.items():
            if suggestive.intersection(parts):
                found.setdefault(column, kind)
    return found


def family(column: str) -> tuple[str, str] | None:
    """The reason family a column's name suggests, and the id of its sample reason; None where it suggests none."""
    joined = "_".join(words(column))
    return next(((name, reason) for name, pattern, reason in FAMILIES if re.search(f"(^|_)({pattern})", joined)), None)


def adverse_class(classes: Iterable[str]) -> str | None:
    """The one class whose name can only mean refusal or default; None where none or several do."""
    found = [name for name in classes if " ".join(words(name)) in ADVERSE_CLASSES]
    return found[0] if len(found) == 1 else None
