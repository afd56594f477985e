"""A model recorded once: graphs follow its weights, and equal those captured afresh."""

import copy

import pytest
import torch
from torch import nn

from lrp_audit.engine import capture, propagate, record
from lrp_audit.errors import CaptureError


def network() -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)
    return nn.Sequential(*layers).double().eval()  # batch norm is folded: a constant made from weights


def test_graphs_of_a_recording_follow_the_weights() -> None:
    model, x = network(), torch.randn(5, 6, dtype=torch.float64)
    recording = record(model, x)
    assert recording.shares(model)
    before = recording.graph()
    first = propagate(before, x, target=1, composite="lrp0").relevance["input"]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter))
    second = propagate(recording.graph(), x, target=1, composite="lrp0").relevance["input"]
    fresh = propagate(capture(model, x), x, target=1, composite="lrp0").relevance["input"]
    assert torch.equal(second, fresh)
    assert not torch.allclose(second, first)
    with pytest.raises(CaptureError, match="changed"):
        propagate(before, x, target=1, composite="lrp0")


def test_a_recording_of_a_copy_says_that_it_shares_no_weights() -> None:
    model, half = network(), network().to(torch.bfloat16)
    x = torch.randn(5, 6, dtype=torch.float64)
    assert not record(copy.deepcopy(model), x).shares(model)
    assert not record(half, x.float()).shares(half)
