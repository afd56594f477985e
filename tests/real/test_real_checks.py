"""All checks of real denials: how many each one flags, and how many explanations are refused. Printed with -s."""

from __future__ import annotations

from collections import Counter

import pytest
from lenders import LENDERS

from lrp_audit.adapters.tabular import adapt
from lrp_audit.deciding.decisions import decide
from lrp_audit.deciding.session import new_session
from lrp_audit.deciding.tabular_decisions import tabular_decisions
from lrp_audit.settings.config import AuditConfig

pytestmark = [pytest.mark.real, pytest.mark.slow]

DENIALS = 300
THRESHOLDS = ("put-back", "integrated-gradients", "sufficiency", "stability", "curves")


@pytest.mark.rule("CA-08")
@pytest.mark.parametrize("representation", ["members", "coalitions"])
@pytest.mark.parametrize("name", LENDERS)
def test_thresholds_flag_few_real_denials_and_refuse_hardly_any(name, representation):
    lender = LENDERS[name]()
    pipeline, held_out = lender.split()
    config = AuditConfig.model_validate(
        {
            "model": {"file": "model.skops"},
            "decision": {"adverse": "denied", "cutoff": lender.cutoff},
            "reference": {"representation": representation},
            "checks": {"level": "full"},
            "variations": {"search": False},
        }
    )
    session = new_session(config, tabular_decisions(config, adapt(pipeline), held_out), bytes(32))
    denied = held_out[pipeline.predict_proba(held_out)[:, 1] >= lender.cutoff].head(DENIALS).reset_index(drop=True)
    records = [item.record for item in decide(session, denied)]
    flags = Counter(check.id for record in records for check in record.checks if check.flag)
    refused = sum(item.state == "UNFAITHFUL_EXPLANATION" for record in records for item in record.refusals)
    ties = Counter(record.ranking.sampled.outcome for record in records if record.ranking.sampled is not None)
    shares = {check: flags[check] / len(records) for check in THRESHOLDS}
    told = ", ".join(f"{check} {share:.1%}" for check, share in shares.items())
    print(f"\n{name}, {representation}: {len(records)} denials; {told}; refused {refused}; near-ties {dict(ties)}")
    assert refused <= 0.02 * len(records)
    assert all(share <= 0.02 for share in shares.values())
