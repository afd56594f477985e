"""The attribution method that audit.toml names, behind one interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from torch import Tensor

from lrp_audit.explaining.explainer import ColumnRelevance, Explainer
from lrp_audit.explaining.methods.integrated_gradients import integrated_gradients
from lrp_audit.explaining.methods.shapley import shapley_values
from lrp_audit.explaining.reference import Reference
from lrp_audit.language.messages import Messages
from lrp_audit.settings.sections import ExplanationSection

Attribute = Callable[[Mapping[str, Tensor], Reference], ColumnRelevance]  # encoded rows, whom to compare with


def attribution(explainer: Explainer, settings: ExplanationSection) -> Attribute:
    """What `[explanation] method` attributes with. Raises, when called, as that method does."""
    if settings.method == "integrated-gradients":
        return partial(integrated_gradients, explainer, steps=settings.steps)
    if settings.method == "shapley":

        def sampled(inputs: Mapping[str, Tensor], reference: Reference) -> ColumnRelevance:
            return shapley_values(
                explainer, inputs, reference, permutations=settings.permutations, seed=settings.seed
            ).columns

        return sampled
    return explainer.attribute


def in_words(settings: ExplanationSection, rules: str, say: Messages) -> tuple[str, str]:
    """Name of the method, and its settings; `rules` are those of LRP."""
    if settings.method == "integrated-gradients":
        points = say("{count} Gauss-Legendre points from each member", count=settings.steps)
        return say("Integrated gradients"), points
    if settings.method == "shapley":
        pairs = say(
            "{count} pairs of opposite permutations for each member, seed {seed}",
            count=settings.permutations,
            seed=settings.seed,
        )
        return say("Shapley values"), pairs
    return "LRP", rules
