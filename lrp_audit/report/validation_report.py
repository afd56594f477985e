"""What is known of a model's explanations as a whole: the validation record (CA-03), canonical like every record.

It says what was checked, how, and with what result, and draws no conclusion (G-03). It has no clock: the date is given.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from lrp_audit.records.record import Frozen, MethodFacts, ModelFacts, ReferenceFacts
from lrp_audit.report.batch_report import Distribution, Quality


class DataUsed(Frozen):
    """The table, and what was drawn of it."""

    sha256: str  # of the file as it was read
    rows: int
    usable: int  # that the model can read
    label: str | None  # column
    sample: int
    refused: int  # of the sample, by the model
    seed: int


class LayerSimilarity(Frozen):
    """Rank correlation with the trained network's explanations once a layer is drawn anew; over draws."""

    layer: str
    signed: Distribution | None  # None: no decision of the drawn network has an order
    sizes: Distribution | None  # without signs


class ParameterTest(Frozen):
    """Parameter randomisation, layers from the top down."""

    draws: int
    seed: int
    threshold: float  # of the signed similarity of the fully drawn network
    flag: bool
    cascading: tuple[LayerSimilarity, ...]
    independent: tuple[LayerSimilarity, ...]
    smooth: tuple[LayerSimilarity, ...]  # cascading, over noisy inputs; empty where inputs are no numbers
    complexity_rise: float | None


class Fit(Frozen):
    """The model fitted again: likeness of its explanations, and share of the labels it predicts."""

    similarity: float | None
    right: float | None


class LabelTest(Frozen):
    """Label randomisation; `reason` says why it was not performed."""

    reason: str | None = None
    how: Literal["scikit-learn", "plain loop"] | None = None
    rows: int = 0
    seconds: float  # that one fit may take
    seed: int
    threshold: float
    flag: bool = False
    true: Fit | None = None
    shuffled: Fit | None = None


class ValidationReport(Frozen):
    """CA-03: what audits of this model cite."""

    schema_version: Literal["1"] = "1"
    date: dt.date
    model: ModelFacts
    method: MethodFacts
    reference: ReferenceFacts
    data: DataUsed
    parameters: ParameterTest
    labels: LabelTest
    checks: tuple[Quality, ...]  # over the sample's refused decisions
    thresholds: dict[str, float]  # by the names of audit.toml
    residual: Distribution | None  # |residual| over its tolerance
    sinks: tuple[Distribution, ...]  # share of what was explained that reached no input, by where it went
    config_sha256: str
    versions: dict[str, str]
