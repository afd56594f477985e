"""Whether constants outweigh the words of a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.checks.absorbed import absorbed

amounts = st.lists(st.floats(-1e6, 1e6), max_size=5)


@given(amounts, amounts, amounts)
def test_shares_are_of_one_whole_and_decide_the_flag(
    words: list[float], special: list[float], sinks: list[float]
) -> None:
    check = absorbed(words, _named(special), _named(sinks), limit=0.4)
    shares = check.measured
    assert sum(shares.values()) == pytest.approx(1 if any(map(abs, (*words, *special, *sinks))) else 0)
    assert check.flag == (shares["special_tokens"] + shares["constants"] > 0.4)


def test_constants_that_cancel_each_other_count_all_the_same() -> None:
    check = absorbed([1.0, -1.0], {"[CLS]": 1.0}, {"bias": 3.0, "constant": -4.0}, limit=0.5)
    assert check.measured == {"words": 0.2, "special_tokens": 0.1, "constants": 0.7}
    assert check.flag


def test_what_the_rule_for_softmax_drops_is_no_constant_of_the_model() -> None:
    assert absorbed([1.0], {}, {"taylor": 100.0}, limit=0.5).measured["words"] == 1.0


def _named(values: list[float]) -> dict[str, float]:
    return {f"name {index}": value for index, value in enumerate(values)}
