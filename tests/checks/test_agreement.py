"""Agreement of two attributions, against SciPy and by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from lrp_audit.checks.agreement import agreement, largest

VALUES = arrays(float, (4, 6), elements=st.floats(-5, 5).map(lambda value: round(value, 2)), unique=True)


@given(VALUES, VALUES, st.integers(1, 4))
def test_rank_correlation_is_spearman_s_and_overlap_counts_what_both_put_first(first, second, count):
    found = agreement(first, second, largest(first, count))
    for row in range(4):
        assert np.isclose(found.rank_correlation[row], spearmanr(first[row], second[row])[0])
        stated = {i for i in np.argsort(-first[row])[:count] if first[row, i] > 0}
        other = {i for i in np.argsort(-second[row])[: len(stated)] if second[row, i] > 0}
        assert found.kept[row] == len(stated & other)


@given(VALUES, st.floats(0.1, 9))
def test_an_attribution_agrees_with_itself_at_any_scale_and_with_its_negative_in_nothing(first, scale):
    stated = largest(first, 3)
    same, against = agreement(first, first * scale, stated), agreement(first, -first, stated)
    assert np.allclose(same.rank_correlation, 1)
    assert np.allclose(same.same_sign, 1)
    assert (same.kept == stated.sum(1)).all()
    assert np.allclose(against.rank_correlation, -1)
    assert (against.kept == 0).all()
    assert np.all(against.same_sign[(first != 0).all(1)] == 0)


def test_ties_go_to_the_earlier_column_and_nothing_negative_is_large():
    assert largest(np.array([[1.0, 2.0, 2.0, -1.0]]), 2).tolist() == [[False, True, True, False]]
    assert largest(np.array([[2.0, 2.0, 2.0, -1.0]]), 2).tolist() == [[True, True, False, False]]
    assert largest(np.array([[-1.0, 0.0, -3.0, 0.5]]), 3).tolist() == [[False, False, False, True]]


def test_a_constant_attribution_has_no_order_to_agree_with():
    found = agreement(np.zeros((1, 4)), np.ones((1, 4)), np.zeros((1, 4), dtype=bool))
    assert np.isnan(found.rank_correlation[0])
    assert found.same_sign[0] == 1
