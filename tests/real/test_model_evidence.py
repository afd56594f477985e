"""Validation and comparison of rules on real loan data. The figures of the documentation are printed (-s)."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from lenders import LENDERS

from lrp_audit.adapters.tabular import adapt
from lrp_audit.advice import advise
from lrp_audit.advice.outcomes import mean
from lrp_audit.deciding.session import decision_model, new_session
from lrp_audit.settings.config import AuditConfig
from lrp_audit.validation.sample import draw_sample
from lrp_audit.validation.validate import Wanted, checking, prepare

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module", params=LENDERS)
def lender(request):
    """Name, fitted pipeline, held-out rows with their outcome, and settings."""
    found = LENDERS[request.param]()
    pipeline, held_out = found.split()
    rows = np.random.default_rng(0).permutation(len(found.frame))[: len(held_out)]  # as `split` draws them
    outcome = np.where(found.adverse.iloc[rows], "denied", "approved")
    decision = {"adverse": "denied", "cutoff": found.cutoff}
    config = AuditConfig.model_validate({"model": {"file": "model.skops"}, "decision": decision})
    return found.name, pipeline, held_out.assign(outcome=outcome), config


def test_explanations_depend_on_what_the_model_learned(lender):
    name, pipeline, table, config = lender
    settings = checking(config)
    session = new_session(settings, decision_model(settings, adapt(pipeline), table), bytes(32))
    wanted = Wanted("0" * 64, "outcome", size=100, seed=0, draws=5, seconds=240, date=dt.date(2026, 11, 27))
    report = prepare(session, table, wanted).run()
    test, labels = report.parameters, report.labels
    assert labels.true is not None, labels.reason
    print(f"\n{name}: drawn layer by layer {[round(step.signed.mean, 3) for step in test.cascading]}")
    print(f"  without signs {[round(step.sizes.mean, 3) for step in test.cascading]}, rise {test.complexity_rise:.3f}")
    print(f"  fitted again: labels {labels.true}, shuffled {labels.shuffled}")
    print("  " + "; ".join(f"{check.id} {check.flagged}/{check.performed}" for check in report.checks))
    assert not test.flag
    assert not labels.flag
    assert labels.true.similarity > labels.shuffled.similarity
    assert report.residual.highest <= 1


def test_a_choice_that_conserves_is_recommended(lender):
    name, pipeline, table, config = lender
    settings = advise.with_population(config)
    decisions = decision_model(settings, adapt(pipeline), table)
    drawn = draw_sample(decisions, table, size=100, seed=0)
    found = advise.prepare(decisions, drawn.frame[drawn.adverse].reset_index(drop=True)).run()
    print(f"\n{name}: {found.layers}")
    for item in found.measured:
        choice = item.choice
        print(
            f"  {choice.rules} {choice.population} {choice.representation}: lost {item.lost:.1%}, "
            f"faithful {mean(item.faithful):.2f}, same {mean(item.same):.3f}, rank {item.rank:.3f}, "
            f"noise {item.noise:.1%}, cost {item.cost:.0f}"
        )
    assert found.recommended is not None
    print(f"  recommended {found.recommended.choice}")
    assert found.recommended.lost <= 1e-3
    assert mean(found.recommended.same) >= 0.85
