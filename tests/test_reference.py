"""Reference populations."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.adapters.tabular import adapt
from lrp_audit.errors import ReferenceDataError
from lrp_audit.explaining.reference import Applicants, build_reference

MODEL = adapt(torch.nn.Linear(2, 1).eval(), columns=["x", "code"], classes=("ok", "denied"))


def applicants(margin):
    margin = np.asarray(margin, dtype=float)
    frame = pd.DataFrame({"x": margin, "code": np.arange(len(margin)) % 3})
    return Applicants(frame, {"input": torch.tensor(frame.to_numpy(dtype=float))}, margin)


def near(margin, **settings):
    return build_reference(applicants(margin), MODEL, name="near_cutoff", **settings)


@pytest.mark.rule("RS-06")
@given(st.lists(st.floats(-5, 5), min_size=120, max_size=160), st.integers(50, 70))
def test_near_cutoff_holds_the_approved_closest_to_the_line_and_nobody_else(margin, size):
    approved = sorted((value for value in margin if value < 0), reverse=True)
    if len(approved) < 50:
        with pytest.raises(ReferenceDataError, match="all_applicants"):
            near(margin, size=size)
        return
    found = near(margin, size=size)
    assert sorted(found.frame["x"], reverse=True) == approved[:size]
    assert found.population == min(size, len(approved))


@pytest.mark.rule("G-07")
@pytest.mark.parametrize("name", ["near_cutoff", "all_applicants"])
def test_fewer_than_fifty_people_are_no_population(name):
    with pytest.raises(ReferenceDataError, match="49 people"):
        build_reference(applicants([-1.0] * 49), MODEL, name=name)


@pytest.mark.rule("RS-07")
def test_the_digest_tells_populations_and_samples_apart_and_repeats():
    margin = -np.linspace(0.1, 3, 100)
    digests = [
        near(margin).sha256,
        near(margin, size=90).sha256,
        near(margin, seed=1).sha256,
        near(margin, members=10).sha256,
        near(margin, representation="centroid").sha256,
        near(margin[:-1]).sha256,
    ]
    assert len(set(digests)) == len(digests)
    assert near(margin, date=dt.date(2026, 1, 1)).sha256 == digests[0]


def test_members_are_people_of_the_population_without_repeats():
    found = near(-np.linspace(0.1, 3, 100), size=80, members=64, seed=5)
    values = found.members["input"][:, 0].tolist()
    assert len(found) == len(set(values)) == 64
    assert set(values) <= set(found.frame["x"])


def test_the_centroid_is_one_row_and_needs_real_numbers():
    found = near(-np.linspace(0.1, 3, 100), representation="centroid")
    assert len(found) == 1
    assert found.members["input"][0].numpy() == pytest.approx(found.frame.to_numpy(dtype=float).mean(0))
    codes = Applicants(found.frame, {"codes": torch.zeros(100, 2, dtype=torch.long)}, -np.ones(100))
    with pytest.raises(ReferenceDataError, match="'codes'"):
        build_reference(codes, MODEL, name="all_applicants", representation="centroid")


def test_typical_values_are_median_and_mode():
    frame = pd.DataFrame({"x": [1.0, 2.0, 9.0] * 20, "kind": ["b", "a", "b"] * 20, "none": [None] * 60})
    rows = Applicants(frame, {"input": torch.zeros(60, 2)}, -np.ones(60))
    found = build_reference(rows, MODEL, name="all_applicants")
    assert found.typical("x") == 2.0
    assert found.typical("kind") == "b"
    assert found.typical("none") is None
    assert found.typical("absent") is None


def test_zero_compares_with_nobody():
    found = build_reference(applicants([1.0]), MODEL, name="zero")
    assert len(found) == found.population == 0
