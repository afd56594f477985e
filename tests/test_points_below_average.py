"""Comment 9(b)(2)-5 of Regulation B: on models for which the classical method is defined, reasons must equal it.

The method takes the points an applicant scored on each attribute and the average points of the comparison group; the
attributes on which the applicant falls farthest behind are the reasons. Here `points` are contributions toward denial.
"""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from lrp_audit.adapters.tabular import adapt
from lrp_audit.deciding.decisions import decide
from lrp_audit.deciding.session import new_session
from lrp_audit.deciding.tabular_decisions import tabular_decisions
from lrp_audit.records.record import ColumnContribution
from lrp_audit.settings.config import AuditConfig

COLUMNS = ["income", "debts", "tenure", "inquiries", "savings"]


def applicants(seed, rows=240):
    generator = np.random.default_rng(seed)
    table = generator.normal(size=(rows, len(COLUMNS))) * [9, 2, 30, 1, 4] + [40, 5, 60, 2, 3]
    return pd.DataFrame(table, columns=COLUMNS)


def explained(model, frame, **reference):
    config = AuditConfig.model_validate(
        {"model": {"file": "m", "columns": COLUMNS}, "decision": {"adverse": "denied"}, "reference": reference}
    )
    session = new_session(config, tabular_decisions(config, model, frame), bytes(32))
    return session, [decision.record for decision in decide(session, frame)]


def order(values):
    return [name for name, _ in sorted(values.items(), key=lambda item: (-item[1], item[0]))]


def by_column(contributions: tuple[ColumnContribution, ...]) -> dict[str, float]:
    return {item.column: item.relevance for item in contributions}


@pytest.mark.rule("RS-06")
@pytest.mark.parametrize("population", ["near_cutoff", "all_applicants"])
@pytest.mark.parametrize("representation", ["centroid", "members"])
def test_linear_models_give_points_below_average(population, representation):
    frame = applicants(0)
    truth = np.where(
        frame @ [-0.1, 0.6, -0.03, 0.5, -0.2] + 3 > np.random.default_rng(1).normal(size=240), "denied", "ok"
    )
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, pd.Series(truth))
    session, records = explained(
        adapt(pipeline), frame, population=population, representation=representation, members=4096
    )
    weights = pipeline[-1].coef_[0] * (1 if pipeline.classes_[1] == "denied" else -1) / pipeline[0].scale_
    average = session.model.reference.frame[COLUMNS].mean().to_numpy()
    for record, row in zip(records, frame.to_numpy(), strict=True):
        points = dict(zip(COLUMNS, weights * (row - average), strict=True))
        found = by_column(record.contributions)
        assert found == pytest.approx(points, rel=1e-9, abs=1e-9)
        assert order(found) == order(points)


class Additive(nn.Module):
    """One small network per column, summed: points per attribute, not linear in it."""

    def __init__(self, seed):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.parts = nn.ModuleList(
            nn.Sequential(nn.Linear(1, 6), activation, nn.Linear(6, 1))
            for activation in [nn.ReLU(), nn.Tanh(), nn.GELU(), nn.Softplus(), nn.SiLU()]
        )
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.4)

    def forward(self, x):
        return sum(part(x[:, i : i + 1] / 10) for i, part in enumerate(self.parts))


@pytest.mark.rule("RS-06")
@settings(max_examples=8)
@given(seed=st.integers(0, 10_000))
def test_additive_models_give_points_below_average_over_the_whole_population(seed):
    frame, network = applicants(seed, 80), Additive(seed).double().eval()
    model = adapt(network, columns=COLUMNS, classes=("ok", "denied"))
    _, records = explained(model, frame, population="all_applicants", members=4096)
    with torch.no_grad():
        x = torch.tensor(frame.to_numpy())
        points = torch.cat([part(x[:, i : i + 1] / 10) for i, part in enumerate(network.parts)], 1).numpy()
    behind = points - points.mean(0)
    for record, row in zip(records, behind, strict=True):
        assert by_column(record.contributions) == pytest.approx(
            dict(zip(COLUMNS, row, strict=True)), rel=1e-9, abs=1e-9
        )
