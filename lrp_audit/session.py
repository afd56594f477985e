"""A session: one model, one audit.toml and one reference population, opened and checked, ready to judge rows."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from lrp_audit import config as configuration
from lrp_audit.adapters.formats import open_model
from lrp_audit.adapters.tabular import TabularModel, adapt
from lrp_audit.assembly import ColumnFacts, column_facts
from lrp_audit.config import AuditConfig
from lrp_audit.engine import preset
from lrp_audit.errors import ConfigError, DataError
from lrp_audit.explainer import Explainer, explainer
from lrp_audit.pseudonym import load_key
from lrp_audit.record import MethodFacts, ModelFacts
from lrp_audit.reference import Applicants, PopulationName, Reference, build_reference
from lrp_audit.tables import read_table

RECORDED_PACKAGES = ("lrp_audit", "torch", "scikit-learn", "numpy", "pandas", "weasyprint", "pydyf", "fonttools")

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cutoff:
    """Where the line runs: `value` on its own scale and `margin` on the scale that is explained."""

    value: float
    margin: float


@dataclass(frozen=True)
class Session:
    """Everything that is the same for all decisions of a run.

    Attributes:
        second: the other reference population that reasons are compared under (CA-08); None where there is none.
        key: secret of the pseudonyms.
    """

    config: AuditConfig
    explainer: Explainer
    cutoff: Cutoff
    reference: Reference
    second: Reference | None
    key: bytes
    model: ModelFacts
    method: MethodFacts
    columns: tuple[ColumnFacts, ...]
    config_sha256: str
    versions: Mapping[str, str]


def open_session(config: AuditConfig, folder: Path, data: pd.DataFrame, *, trust: bool = False) -> Session:
    """Open the model that audit.toml names, and build the reference from `[reference] data` or from `data`.

    Args:
        config: a checked audit.toml.
        folder: where audit.toml lies; its paths are relative to it.
        data: the table to be explained.
        trust: open model files that could run code.

    Raises:
        LrpAuditError: the model, the data or the configuration cannot be used; the message says which and why.
    """
    section = config.model
    path = folder / section.file
    preprocessor = None if section.preprocessor is None else open_model(folder / section.preprocessor, trust=trust)
    model = adapt(
        open_model(path, trust=trust, code=section.code),
        columns=section.columns,
        inputs=section.inputs or None,
        preprocessor=preprocessor,
        classes=section.classes,
        label=config.decision.label,
    )
    population = data if config.reference.data is None else read_table(folder / config.reference.data)
    return new_session(
        config, model, population, key=load_key(folder / config.documents.key_file), file_sha256=_file_digest(path)
    )


def new_session(
    config: AuditConfig, model: TabularModel, population: pd.DataFrame, *, key: bytes, file_sha256: str | None = None
) -> Session:
    """A session for a model already adapted, with the reference drawn from `population`."""
    configuration.check_columns(config, model.columns)
    adverse = _adverse(config, model)
    target = model.margin_target(adverse, config.decision.against)
    cutoff = _cutoff(config, model, adverse)
    valid = _valid_rows(model, population)
    model.verify(valid)
    encoded = model.encode(valid)
    rules = config.explanation
    composite = preset(rules.rules, **({} if rules.epsilon is None else {"epsilon": rules.epsilon}))
    ready = explainer(model, encoded, target, composite, loses=rules.rules != "lrp0")
    applicants = Applicants(model.encoding.read(valid), encoded.inputs, ready.margin(encoded.inputs) - cutoff.margin)
    reference = _reference(config, applicants, model, config.reference.population)
    return Session(
        config=config,
        explainer=ready,
        cutoff=cutoff,
        reference=reference,
        second=_second_reference(config, applicants, model),
        key=key,
        model=_model_facts(config, model, adverse, file_sha256),
        method=MethodFacts(
            name="LRP",
            rules=rules.rules if rules.epsilon is None else f"{rules.rules} (epsilon {rules.epsilon:g})",
            target=model.describe_target(adverse, config.decision.against),
            dtype="float64",
        ),
        columns=column_facts(model.columns, config, reference),
        config_sha256=configuration.digest(config),
        versions=_versions(),
    )


def _adverse(config: AuditConfig, model: TabularModel) -> str:
    if config.decision.adverse is not None:
        return config.decision.adverse
    choices = ", ".join(repr(name) for name in model.classes or ("above", "below"))
    raise ConfigError(f"decision.adverse is not set: say which outcome is a refusal, one of {choices}.")


def _cutoff(config: AuditConfig, model: TabularModel, adverse: str) -> Cutoff:
    decision = config.decision
    if decision.cutoff_on == "margin":
        value = decision.cutoff or 0.0
        return Cutoff(value, value)
    if decision.cutoff_on == "probability" and decision.against == "runner-up" and len(model.classes) > 2:
        if decision.cutoff is None:
            return Cutoff(0.0, 0.0)
        raise ConfigError(
            "decision.cutoff on a probability does not fit decision.against = 'runner-up', which compares two classes; "
            "set decision.cutoff_on to 'margin', or decision.against to 'others'."
        )
    if decision.cutoff is None and decision.cutoff_on == "value":
        raise ConfigError("decision.cutoff is not set: say at which predicted value an application is refused.")
    value = 0.5 if decision.cutoff is None else decision.cutoff
    return Cutoff(value, float(model.margin_of_score(np.array([value]), adverse, decision.against)[0]))


def _valid_rows(model: TabularModel, population: pd.DataFrame) -> pd.DataFrame:
    invalid = model.invalid(population)
    valid = population.iloc[[row for row in range(len(population)) if row not in invalid]]
    if valid.empty:
        row, (column, why) = next(iter(invalid.items()))
        raise DataError(f"No row of the data can be scored; row {row + 1}, column {column!r}: {why}.")
    return valid


def _reference(
    config: AuditConfig, applicants: Applicants, model: TabularModel, population: PopulationName
) -> Reference:
    section = config.reference
    return build_reference(
        applicants,
        model,
        name=population,
        representation=section.representation,
        size=section.size,
        members=section.members,
        seed=section.seed,
        date=section.date,
    )


def _second_reference(config: AuditConfig, applicants: Applicants, model: TabularModel) -> Reference | None:
    """The other comparison of comment 9(b)(2)-5, where enough people stand behind it."""
    others: dict[PopulationName, PopulationName] = {
        "near_cutoff": "all_applicants",
        "all_applicants": "near_cutoff",
    }
    name = others.get(config.reference.population)
    enough = len(applicants.frame) if name == "all_applicants" else int((applicants.margin < 0).sum())
    return None if name is None or enough < 50 else _reference(config, applicants, model, name)


def _model_facts(config: AuditConfig, model: TabularModel, adverse: str, file_sha256: str | None) -> ModelFacts:
    section = config.model
    return ModelFacts(
        kind=model.kind,
        name=section.name,
        version=section.version,
        file_sha256=file_sha256,
        weights_sha256=model.weights_sha256,
        preprocessing_sha256=model.preprocessing_sha256,
        classes=model.classes,
        adverse=adverse,
        owner=section.owner,
        intended_use=section.intended_use,
        known_limits=section.known_limits,
        validation_date=section.validation_date,
    )


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _versions() -> dict[str, str]:
    """What a record's numbers and pages depend on beyond its inputs."""
    found = {"python": platform.python_version(), "processor": torch.backends.cpu.get_cpu_capability()}
    for package in RECORDED_PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found
