"""The networks that sanity checks ask: of a table, with its reference, and of texts."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from lrp_audit.adapters.margins import RunnerUp, Target
from lrp_audit.adapters.windows import Text
from lrp_audit.adapters.word_relevance import TextExplainer
from lrp_audit.engine import RelevanceGraph, capture, record
from lrp_audit.explaining.explainer import Explainer
from lrp_audit.explaining.methods.choice import Attribute, attribution
from lrp_audit.explaining.reference import Reference
from lrp_audit.settings.sections import ExplanationSection
from lrp_audit.validation.parameters import Network
from lrp_audit.validation.randomised import layers
from lrp_audit.validation.similarity import Vectors

NOISES = 8  # that smooth explanations are averaged over
NOISE = 0.1  # of each input's standard deviation over the sample

Inputs = Mapping[str, Tensor]


def of_table(
    explainer: Explainer, settings: ExplanationSection, inputs: Inputs, reference: Reference, *, seed: int
) -> Network:
    """A copy of a model's network, explained as the settings say on encoded rows against a fixed reference."""
    module = _own(explainer.model.module)
    example = {name: value[:2] for name, value in inputs.items()}
    graph_of = _graphs(module, example, explainer.target)

    def attribute(drawn: nn.Module) -> Attribute:
        model = replace(explainer.model, module=drawn)
        return attribution(replace(explainer, model=model, graph=graph_of(drawn)), settings)

    def explain(drawn: nn.Module) -> Vectors:
        return list(attribute(drawn)(inputs, reference).relevance)

    def smooth(drawn: nn.Module) -> Vectors:
        ready = attribute(drawn)
        return list(np.mean([ready(noisy, reference).relevance for noisy in _noisy(inputs, seed)], axis=0))

    numbers = all(value.is_floating_point() for value in inputs.values())
    return Network(module, layers(module, example), explain, smooth if numbers else None)


def of_texts(explainer: TextExplainer, target: Target, texts: Sequence[Text], tables: Inputs) -> Network:
    """A copy of a text classifier, explained word by word; words are no numbers, so nothing is smoothed."""
    module, example = _own(explainer.model.module), explainer.model.example()
    graph_of = _graphs(module, example, None)

    def explain(drawn: nn.Module) -> Vectors:
        model = replace(explainer.model, module=drawn)
        found = replace(explainer, model=model, graph=graph_of(drawn)).explain(texts, target, tables)
        return [
            np.array([word.relevance for passage in one.passages for word in passage.words], dtype=np.float64)
            for one in found
        ]

    return Network(module, layers(module, example), explain)


def _own(module: nn.Module) -> nn.Module:
    """A copy that may be written to; the user's model never is."""
    return copy.deepcopy(module).requires_grad_(False)


def _graphs(module: nn.Module, example: Inputs, target: Target | None) -> _Graphs:
    function = target if callable(target) and not isinstance(target, RunnerUp) else None
    return _Graphs(module, example, function)


class _Graphs:
    """Graphs of a network with whatever weights it has now: recorded once where that is possible."""

    def __init__(self, module: nn.Module, example: Inputs, target: Callable[[Tensor], Tensor] | None) -> None:
        self._module, self._example, self._target = module, example, target
        self._recording = record(module, example, target=target)
        self._live = self._recording.shares(module)

    def __call__(self, module: nn.Module) -> RelevanceGraph:
        if self._live and module is self._module:
            return self._recording.graph()
        return capture(module, self._example, target=self._target)


def _noisy(inputs: Inputs, seed: int) -> list[dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    size = {name: NOISE * value.std(0, correction=0) for name, value in inputs.items()}
    return [
        {
            name: value + size[name] * torch.randn(value.shape, generator=generator, dtype=value.dtype)
            for name, value in inputs.items()
        }
        for _ in range(NOISES)
    ]
