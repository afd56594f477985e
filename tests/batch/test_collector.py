"""The collector is left as it was found, and what was put off is collected."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from lrp_audit.batch.collector import collected_once, collector_spared


class Cycle:
    """Garbage that only the collector frees."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture(params=[True, False], autouse=True)
def enabled(request: pytest.FixtureRequest) -> Iterator[bool]:
    before = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if before else gc.disable)()


def test_garbage_is_collected_at_the_end(enabled: bool) -> None:
    with collected_once():
        cycle = weakref.ref(Cycle())
        assert not gc.isenabled()
        assert cycle() is not None
    assert cycle() is None
    assert gc.isenabled() == enabled


def test_what_lives_is_spared_for_as_long_as_it_says() -> None:
    before = gc.get_freeze_count()
    with collector_spared():
        assert gc.get_freeze_count() > before
    assert gc.get_freeze_count() == 0
