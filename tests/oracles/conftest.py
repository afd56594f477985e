"""What all comparisons share: a marker, a seed, and a zennit that imports without torchvision."""

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

# zennit imports torchvision only for the canonizers of torchvision's own models, which nothing here uses.
sys.modules.setdefault("zennit.torchvision", ModuleType("zennit.torchvision"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.oracle)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(1)  # not that of the networks, so that weights and inputs differ
