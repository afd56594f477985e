"""Verified variations of real denials: how many there are, and what the search costs. The figures are printed (-s)."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from lenders import LENDERS
from sklearn.pipeline import Pipeline

from lrp_audit.adapters.tabular import adapt
from lrp_audit.deciding.decision_model import explain_all
from lrp_audit.deciding.tabular_decisions import TabularDecisions, tabular_decisions
from lrp_audit.records.record import Addressee, Variations
from lrp_audit.settings.config import AuditConfig

pytestmark = pytest.mark.real

DENIALS = 200
MUTABLE = {  # what an applicant could have had otherwise; age, sex, marriage and the like never vary
    "taiwan": (
        "LIMIT_BAL",
        "PAY_0",
        *(f"BILL_AMT{month}" for month in range(1, 7)),
        *(f"PAY_AMT{m}" for m in range(1, 7)),
    ),
    "south_german": ("laufzeit", "hoehe", "laufkont", "sparkont", "verw", "rate", "buerge", "weitkred", "telef"),
    "hmda": ("pirat", "hirat", "lvrat", "condomin"),
}


@dataclass(frozen=True)
class Searched:
    pipeline: Pipeline
    cutoff: float
    denied: pd.DataFrame
    found: list[Variations]
    multiple: float  # time of explanation with the search, over without


def decisions(lender, pipeline: Pipeline, population: pd.DataFrame, *, search: bool) -> TabularDecisions:
    settings = AuditConfig.model_validate({
        "model": {"file": "model.skops"},
        "decision": {"adverse": "denied", "cutoff": lender.cutoff},
        "columns": {name: {"mutable": True} for name in MUTABLE[lender.name.replace("-", "_")]},
        "variations": {"search": search},
    })  # fmt: skip
    return tabular_decisions(settings, adapt(pipeline), population)


@pytest.fixture(scope="module", params=MUTABLE)
def searched(request) -> Searched:
    lender = LENDERS[request.param]()
    pipeline, held_out = lender.split()
    denied = held_out[pipeline.predict_proba(held_out)[:, 1] >= lender.cutoff].head(DENIALS).reset_index(drop=True)
    seconds, found = {}, []
    for search in (False, True):
        ready = decisions(lender, pipeline, held_out, search=search)
        people = [Addressee()] * len(denied)
        explain_all(ready, denied.head(2), people[:2])
        start = time.process_time()
        found = [item.variations for item in explain_all(ready, denied, people)]
        seconds[search] = time.process_time() - start
    return Searched(pipeline, lender.cutoff, denied, found, seconds[True] / seconds[False])


@pytest.mark.rule("EU-06")
def test_every_variation_of_a_real_denial_is_approved_by_the_pipeline(searched):
    rows = [
        searched.denied.iloc[[row]].assign(**{change.column: [change.value] for change in variation.changes})
        for row, variations in enumerate(searched.found)
        for variation in variations.found
    ]
    scores = [variation.score for variations in searched.found for variation in variations.found]
    again = searched.pipeline.predict_proba(pd.concat(rows))[:, 1]
    assert (again < searched.cutoff).all()
    assert again == pytest.approx(np.array(scores), abs=1e-9)


def test_most_real_denials_have_one(searched, request):
    changes = Counter(len(item.found[0].changes) if item.found else 0 for item in searched.found)
    share = 1 - changes[0] / len(searched.found)
    tried = np.mean([item.tried for item in searched.found])
    print(
        f"\n{request.node.callspec.params['searched']}: {len(searched.found)} denials; with one change {changes[1]}, "
        f"two {changes[2]}, three {changes[3]}, none found {changes[0]}; {tried:.0f} combinations tried on average; "
        f"explaining takes {searched.multiple:.2f} times as long as without the search"
    )
    assert share >= 0.5
