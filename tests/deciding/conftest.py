"""Sessions of one model under many settings."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from drawn_settings import Opened

from lrp_audit.adapters.formats import open_model
from lrp_audit.deciding import tabular_decisions
from lrp_audit.deciding.session import Session, adapted, decision_model, new_session
from lrp_audit.explaining.explainer import Explainer, explainer
from lrp_audit.resources import samples
from lrp_audit.settings.config import AuditConfig
from lrp_audit.tables import read_table

POPULATION = 400  # rows; more of them say the same and take longer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(samples(), tmp_path_factory.mktemp("drawn") / "samples"))


@pytest.fixture(scope="module")
def opened(folder: Path) -> Iterator[Opened]:
    """Opens sessions of one model, whose graph is captured once."""
    population = read_table(folder / "synthetic_history.csv").iloc[:POPULATION]
    model, ready = open_model(folder / "synthetic_pipeline.skops", trust=False, code=None), list[Explainer]()

    def once(*parts: Any, loses: bool) -> Explainer:
        if not ready:
            ready.append(explainer(*parts, loses=loses))
        *_, composite = parts
        return replace(ready[0], composite=composite, loses=loses)

    def of(config: AuditConfig) -> Session:
        return new_session(config, decision_model(config, adapted(config, model), population), b"k" * 32)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tabular_decisions, "explainer", once)
        yield of
