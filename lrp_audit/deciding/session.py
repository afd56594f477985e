"""A session: one model and one audit.toml, opened and checked, ready to judge rows."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pandas as pd
import torch

from lrp_audit.adapters import tabular, text
from lrp_audit.adapters.formats import open_model
from lrp_audit.adapters.huggingface import unpack
from lrp_audit.adapters.tabular import TabularModel
from lrp_audit.adapters.text import TextModel
from lrp_audit.deciding.decision_model import DecisionModel
from lrp_audit.deciding.facts import text_columns
from lrp_audit.deciding.libraries import recorded_libraries
from lrp_audit.deciding.tabular_decisions import tabular_decisions
from lrp_audit.deciding.text_decisions import text_decisions
from lrp_audit.errors import ConfigError
from lrp_audit.privacy.pseudonym import load_key
from lrp_audit.report import look
from lrp_audit.settings import config as configuration
from lrp_audit.settings.config import AuditConfig
from lrp_audit.tables import read_table

RECORDED_PACKAGES = ("lrp_audit", "torch", "scikit-learn", "numpy", "pandas", "weasyprint", "pydyf", "fonttools")
TEXT_PACKAGES = ("transformers", "tokenizers")


@dataclass(frozen=True)
class Session:
    """Everything that is the same for all decisions of a run. `key` is the secret of the pseudonyms."""

    config: AuditConfig
    model: DecisionModel
    key: bytes
    config_sha256: str
    versions: Mapping[str, str]


def open_session(config: AuditConfig, folder: Path, data: pd.DataFrame, *, trust: bool = False) -> Session:
    """Open the model that audit.toml names, with its reference from `[reference] data` or from `data`.

    Args:
        config: a checked audit.toml.
        folder: where audit.toml lies; its paths are relative to it.
        data: the table to be explained.
        trust: open model files that could run code.

    Raises:
        LrpAuditError: the model, the data or the configuration cannot be used; the message says which and why.
    """
    decisions = open_decisions(config, folder, folder / config.model.file, data, trust=trust)
    return new_session(config, decisions, load_key(folder / config.documents.key_file))


def open_decisions(
    config: AuditConfig,
    folder: Path,
    path: Path,
    data: pd.DataFrame,
    *,
    reference: Path | None = None,
    trust: bool = False,
) -> DecisionModel:
    """As `open_session`, for the model at `path`, and without a key for pseudonyms.

    `reference` is where the file of `[reference] data` lies, if not in the folder.
    """
    section = config.model
    preprocessor = None if section.preprocessor is None else open_model(folder / section.preprocessor, trust=trust)
    model = adapted(config, open_model(path, trust=trust, code=section.code), preprocessor)
    population = (
        data
        if config.reference.data is None
        else read_table(reference or folder / config.reference.data, text=text_columns(config.facts))
    )
    return decision_model(config, model, population, file_sha256=digest_of(path))


def require_checks(config: AuditConfig) -> None:
    """Raise ConfigError where letters are asked for and the settings let nothing be checked (G-02)."""
    if config.checks.level == "none":
        raise ConfigError(
            'checks.level = "none" in audit.toml measures nothing that a letter may rest on: set it to "letter" to '
            "write letters."
        )


def new_session(config: AuditConfig, model: DecisionModel, key: bytes) -> Session:
    """A session for a model that is ready."""
    return Session(config, model, key, configuration.digest(config), _versions(config))


def adapted(config: AuditConfig, model: object, preprocessor: object = None) -> TabularModel | TextModel:
    """Whatever a user trained, as a model of texts or of a table.

    Raises:
        LrpAuditError: the model cannot be explained, or the settings do not fit it.
    """
    section = config.model
    if isinstance(model, (TabularModel, TextModel)):
        return model
    if unpack(model) is not None:
        tables = {name: len(columns) for name, columns in section.inputs.items()}
        return text.adapt(model, classes=section.classes, tables=tables)
    return tabular.adapt(
        model,
        columns=section.columns,
        inputs=section.inputs or None,
        preprocessor=preprocessor,
        classes=section.classes,
        label=config.decision.label,
    )


def decision_model(
    config: AuditConfig, model: TabularModel | TextModel, population: pd.DataFrame, *, file_sha256: str | None = None
) -> DecisionModel:
    """An adapted model with its settings and, for a table, its reference drawn from `population`.

    Raises:
        LrpAuditError: settings, model and population do not fit each other; the message says where.
    """
    if isinstance(model, TabularModel):
        if config.text is not None:
            raise ConfigError("The model reads a table, not a text: remove the section [text] from audit.toml.")
        return tabular_decisions(config, model, population, file_sha256=file_sha256)
    return text_decisions(config, model, population, file_sha256=file_sha256)


def digest_of(path: Path) -> str:
    """SHA-256 of a model file; of a directory, over the names and contents of its files."""
    if path.is_dir():
        hasher = hashlib.sha256()
        for file in sorted(item for item in path.iterdir() if item.is_file()):
            hasher.update(f"{file.name}\0{digest_of(file)}\n".encode())
        return hasher.hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _versions(config: AuditConfig) -> dict[str, str]:
    """What a record's numbers and pages depend on beyond its inputs."""
    found = {"python": platform.python_version(), "processor": torch.backends.cpu.get_cpu_capability()}
    found.update(recorded_libraries() | look.versions(config))
    for package in (*RECORDED_PACKAGES, *(() if config.text is None else TEXT_PACKAGES)):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found
