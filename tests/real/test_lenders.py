"""The whole path on real loan data: every denial of a hold-out part is explained, letters and audits for a sample."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import page
import pandas as pd
import pytest
import torch
from lenders import LENDERS

from lrp_audit import report
from lrp_audit.adapters.tabular import adapt
from lrp_audit.deciding.decisions import Decision, decide
from lrp_audit.deciding.session import Session, new_session
from lrp_audit.deciding.tabular_decisions import tabular_decisions
from lrp_audit.settings.config import AuditConfig

pytestmark = pytest.mark.real

TRUTH_DECISIONS = 40
PERMUTATIONS = 24  # antithetic pairs per member


@dataclass(frozen=True)
class Audited:
    session: Session
    config: AuditConfig
    table: pd.DataFrame
    denied: list[Decision]


@pytest.fixture(scope="module", params=LENDERS)
def audited(request):
    lender = LENDERS[request.param]()
    pipeline, held_out = lender.split()
    table = held_out.assign(case=[f"{lender.name}-{row}" for row in range(len(held_out))], who="Ann Example")
    table = table.assign(
        where="1 Main St;Springfield, ZZ 00000", kind="loan", decided="2026-11-02", completed="2026-11-01"
    )
    config = AuditConfig.model_validate(_settings(lender, held_out.columns))
    model = tabular_decisions(config, adapt(pipeline), held_out, file_sha256="0" * 64)
    session = new_session(config, model, bytes(32))
    denied = table[pipeline.predict_proba(held_out)[:, 1] >= lender.cutoff].reset_index(drop=True)
    return Audited(session, config, denied, list(decide(session, denied, notice=dt.date(2026, 11, 10))))


def _settings(lender, columns):
    contact = {"name": "Example Bank", "address": ("1 Example Plaza",), "telephone": "555-0100"}
    return {
        "model": {"file": "model.skops", "name": lender.name, "version": "1"},
        "decision": {"adverse": "denied", "cutoff": lender.cutoff},
        "facts": {
            "id": "case",
            "name": "who",
            "address": "where",
            "product": "kind",
            "decision_date": "decided",
            "completion_date": "completed",
        },
        "reference": {"date": dt.date(2026, 10, 1)},
        "families": {
            f"f{i}": {"columns": (name,), "text": {"en": f"Factor number {i}"}} for i, name in enumerate(columns)
        },
        "institution": {**contact, "agency": "ftc"},
        "approval": {"by": "Counsel", "on": dt.date(2026, 10, 1), "version": "1"},
    }  # fmt: skip


def test_relevance_of_every_denial_sums_to_its_difference(audited):
    books = [item.record.conservation for item in audited.denied]
    assert len(books) >= 20
    assert all(item.record.outcome.adverse for item in audited.denied)
    print(f"largest conservation error over {len(books)} denials: {max(abs(item.residual) for item in books):.1e}")
    assert max(abs(item.residual) / item.tolerance for item in books) <= 1


def test_few_denials_are_refused_as_unfaithful(audited):
    states = [refusal.state for item in audited.denied for refusal in item.record.refusals]
    assert states.count("UNFAITHFUL_EXPLANATION") <= 0.02 * len(audited.denied)


def test_reasons_agree_with_shapley_values_over_the_same_population(audited):
    chosen = audited.denied[:TRUTH_DECISIONS]
    encoded = audited.session.model.explainer.model.encode(audited.table.iloc[[item.row for item in chosen]])
    truth = shapley(audited.session, encoded.inputs)
    columns = audited.session.model.explainer.model.columns
    overlaps = []
    for item, values in zip(chosen, truth, strict=True):
        found = [entry.column for entry in item.record.contributions[:4]]
        overlaps.append(len({columns[i] for i in np.argsort(-values)[:4]} & set(found)) / 4)
    print(f"top-4 agreement with Shapley values: {np.mean(overlaps):.3f}")
    assert np.mean(overlaps) >= 0.75  # three of four reasons


def shapley(session, inputs):
    """Shapley values per column over the reference members, by antithetic permutations; (N, C)."""
    (name, x), (_, members) = *inputs.items(), *session.model.reference.members.items()
    owners, columns = session.model.explainer.model.owners[name], len(session.model.explainer.model.columns)
    generator = np.random.default_rng(0)
    total = np.zeros((len(x), columns))
    draws = [(member, order) for member in range(len(members)) for order in _antithetic(generator, columns)]
    for member, order in draws:
        state = members[member].expand_as(x).clone()
        before = session.model.explainer.margin({name: state})
        for column in order:
            mine = torch.from_numpy(owners == column)
            state[:, mine] = x[:, mine]
            after = session.model.explainer.margin({name: state})
            total[:, column] += after - before
            before = after
    return total / len(draws)


def _antithetic(generator, columns):
    for _ in range(max(1, PERMUTATIONS // 8)):
        order = generator.permutation(columns)
        yield order
        yield order[::-1]


def test_letters_and_audits_are_valid_documents(audited):
    ready = [item for item in audited.denied if item.record.refusal is None][:3]
    assert ready
    for item in ready:
        letter = report.letter_pdf(item.record, item.addressee, audited.config)
        audit = report.audit_pdf(item.record, audited.config)
        for pdf, profile in [(letter, "PDF_UA_1"), (audit, "PDF_UA_1"), (audit, "PDF_A_3A")]:
            found = page.validate_pdf_bytes(pdf, profile=getattr(page.ValidationProfile, profile))
            assert found.is_compliant, [(failure.rule_id, failure.message) for failure in found.failures]
