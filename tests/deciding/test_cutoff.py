"""Where the line runs, and settings that do not say it."""

from __future__ import annotations

import math

import pytest

from lrp_audit.deciding.decision_model import Cutoff, adverse_class, cutoff
from lrp_audit.errors import ConfigError
from lrp_audit.settings.sections import DecisionSection


def logit(value: float) -> float:
    return math.log(value / (1 - value))


def line(classes: tuple[str, ...], **settings: object) -> Cutoff:
    return cutoff(DecisionSection(**settings), classes, logit)  # type: ignore[arg-type]


def test_the_line_of_every_scale() -> None:
    assert line(("no", "yes")) == Cutoff(0.5, 0.0)
    assert line(("no", "yes"), cutoff=0.2) == Cutoff(0.2, logit(0.2))
    assert line(("no", "yes"), cutoff=-1.5, cutoff_on="margin") == Cutoff(-1.5, -1.5)
    assert line(("no", "yes"), cutoff_on="margin") == Cutoff(0.0, 0.0)
    assert line(("a", "b", "c"), against="runner-up") == Cutoff(0.0, 0.0)


def test_no_probability_divides_two_of_three_classes() -> None:
    with pytest.raises(ConfigError, match="runner-up"):
        line(("a", "b", "c"), against="runner-up", cutoff=0.4)


def test_a_predicted_value_has_no_cutoff_by_itself() -> None:
    with pytest.raises(ConfigError, match=r"decision\.cutoff is not set"):
        line(())


@pytest.mark.parametrize(("classes", "named"), [(("no", "yes"), "'no', 'yes'"), ((), "'above', 'below'")])
def test_which_outcome_is_a_refusal_has_to_be_said(classes: tuple[str, ...], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        adverse_class(DecisionSection(), classes)
