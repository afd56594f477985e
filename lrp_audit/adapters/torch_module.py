"""Torch networks, skorch nets and exported programs as float64 evaluation copies with raw outputs."""

from __future__ import annotations

import copy
import inspect
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import fx, nn
from torch.export import ExportedProgram

from lrp_audit.adapters.export_graph import evaluating, exported, in_double, plain_module, without_soft_end
from lrp_audit.adapters.margins import Link
from lrp_audit.errors import ConfigError, UnsupportedModelError

PROBE_ROWS = 16
PROBE_SCALES = (1.0, 30.0, 1e4)  # small logits of ordinary rows may look like probabilities
SOFT_MODULES = (nn.Softmax, nn.LogSoftmax, nn.Sigmoid)
Tensors = dict[str, torch.Tensor]
Ending = Literal["raw", "probability", "log-probability"]


@dataclass(frozen=True, eq=False)
class TorchNetwork:
    """A float64 copy of a network, and how its own output relates to it."""

    module: nn.Module  # named tensors -> raw output (N, outputs)
    names: tuple[str, ...]  # of the tensors it takes
    own: nn.Module  # evaluation copy in the user's precision
    integers: frozenset[str]  # inputs that are integer codes
    classes: tuple[str, ...]
    link: Link
    ending: Ending  # what `own` returns
    column: int | None  # the output decided on, of a multi-label network

    @property
    def single_precision(self) -> bool:
        return precision(self.own) is not torch.float64

    def scores(self, inputs: Tensors) -> torch.Tensor:
        """Probabilities (N, classes) or values (N,), from the network in its own precision."""
        output = _run(self.own, inputs)
        output = output.reshape(len(output), -1)
        if self.column is not None:
            output = output[:, self.column : self.column + 1]
        if not self.classes:
            return output[:, 0].double()
        if self.ending == "raw":
            output = torch.sigmoid(output) if self.link == "logit" else torch.softmax(output, dim=1)
        elif self.ending == "log-probability":
            output = output.exp()
        output = output.double()
        return torch.cat([1 - output, output], dim=1) if self.link == "logit" else output


def is_skorch(model: object) -> bool:
    """Whether a model is a skorch net, without importing skorch."""
    return any(base.__module__.split(".")[0] == "skorch" for base in type(model).__mro__)


def input_names(module: nn.Module) -> list[str]:
    """Names of the tensors a network takes."""
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(module.forward).parameters.values()
    return [one.name for one in parameters if one.kind in kinds]


def evaluation_copy(model: nn.Module | ExportedProgram) -> nn.Module:
    """A copy on the CPU in evaluation mode: dropout and batch normalisation act as in use, whatever mode it is in."""
    if isinstance(model, ExportedProgram):
        return plain_module(model).cpu().requires_grad_(False)
    try:
        module = copy.deepcopy(model)
    except Exception as error:
        raise UnsupportedModelError(f"{type(model).__name__} cannot be copied: {_first_line(error)}") from error
    module = evaluating(module) if isinstance(module, fx.GraphModule) else module.eval()
    return module.cpu().requires_grad_(False)


def precision(module: nn.Module) -> torch.dtype:
    """The floating-point type a module computes in; single where it has no weights."""
    tensors = itertools.chain(module.parameters(), module.buffers())
    kinds = {one.dtype for one in tensors if one.is_floating_point()}
    return torch.float64 if kinds == {torch.float64} else next(iter(kinds - {torch.float64}), torch.float32)


def torch_network(
    own: nn.Module, widths: Mapping[str, int], classes: Sequence[str], label: str | None = None
) -> TorchNetwork:
    """A network in float64 with raw output.

    A softmax, log-softmax or sigmoid at the end of a classifier is taken off.

    Args:
        own: An evaluation copy; it is not changed.
        widths: Input name -> number of columns.
        classes: Names of the classes (for a multi-label network of the labels), in order; none for a regressor.
        label: The label decided on.

    Raises:
        UnsupportedModelError: the network does not run on such inputs, or has no raw output.
        ConfigError: classes and outputs do not fit each other.
    """
    integers = _integer_inputs(own, widths)
    output = torch.cat([_run(own, _example(widths, integers, scale)) for scale in PROBE_SCALES])
    _check_shape(output)
    wide = output.reshape(len(output), -1)
    column, names, link = _meaning(wide.shape[1], tuple(classes), label)
    ending = _ending(wide, link, column) if names else "raw"
    module = _in_double(own, _example(widths, integers, 1.0), soft=ending != "raw")
    if output.ndim == 1:
        module.register_forward_hook(_as_column)
    if column is not None:
        module.register_forward_hook(_Column(column))
    return TorchNetwork(module, tuple(widths), own, integers, names, link, ending, column)


# --- what a network takes ---------------------------------------------------------------------------------------------


def _integer_inputs(own: nn.Module, widths: Mapping[str, int]) -> frozenset[str]:
    """The inputs that must be integers: the smallest set with which the network runs."""
    first: Exception | None = None
    for size in range(len(widths) + 1):
        for chosen in itertools.combinations(widths, size):
            try:
                _run(own, _example(widths, frozenset(chosen), 1.0))
            except Exception as error:
                first = first or error
            else:
                return frozenset(chosen)
    given = ", ".join(f"{name} (rows, {width})" for name, width in widths.items())
    raise UnsupportedModelError(
        f"The network does not run on {given}: {_first_line(first)}; check its columns, and for an exported program "
        "that its number of rows is dynamic."
    ) from first


def _example(widths: Mapping[str, int], integers: frozenset[str], scale: float) -> Tensors:
    generator = torch.Generator().manual_seed(0)
    drawn = {}
    for name, width in widths.items():
        values = scale * torch.randn(PROBE_ROWS, width, generator=generator, dtype=torch.float64)
        drawn[name] = torch.zeros(PROBE_ROWS, width, dtype=torch.int64) if name in integers else values
    return drawn


def _run(module: nn.Module, inputs: Tensors) -> torch.Tensor:
    """Output in the module's own precision."""
    floats = precision(module)
    given = {name: one.to(floats) if one.is_floating_point() else one for name, one in inputs.items()}
    with torch.no_grad():
        output = module(**given)
    if not isinstance(output, torch.Tensor):
        raise UnsupportedModelError(f"The network returns a {type(output).__name__}; let it return one tensor.")
    return output


# --- what it returns --------------------------------------------------------------------------------------------------


def _check_shape(output: torch.Tensor) -> None:
    rows = len(PROBE_SCALES) * PROBE_ROWS
    if output.ndim not in (1, 2) or len(output) != rows:
        raise UnsupportedModelError(
            f"The network returns a tensor of shape {tuple(output.shape)} for {rows} rows; it must be (rows, outputs)."
        )


def _meaning(width: int, classes: tuple[str, ...], label: str | None) -> tuple[int | None, tuple[str, ...], Link]:
    """(output decided on, class names, link) of a network with `width` outputs."""
    if label is not None:
        if len(classes) != width or label not in classes:
            raise ConfigError(
                f"decision.label = '{label}' must be one of model.classes, which must name the network's {width} "
                "labels in order."
            )
        return classes.index(label), ("0", "1"), "logit"
    if not classes:
        if width != 1:
            raise ConfigError(f"The network has {width} outputs; name them in model.classes, in order.")
        return None, (), "identity"
    if width == 1 and len(classes) == 2:
        return None, classes, "logit"
    if width != len(classes):
        raise ConfigError(f"The network has {width} outputs, but model.classes names {len(classes)}.")
    return None, classes, "softmax"


def _ending(output: torch.Tensor, link: Link, column: int | None) -> Ending:
    """Whether outputs of probe rows of ordinary and of large size are raw or probabilities already."""
    output = output.double()
    if link == "logit":
        return "probability" if bool(((output >= 0) & (output <= 1)).all()) else "raw"
    ones = torch.ones(len(output), dtype=torch.float64)
    if bool((output >= 0).all()) and torch.allclose(output.sum(dim=1), ones, atol=1e-5):
        return "probability"
    if torch.allclose(output.exp().sum(dim=1), ones, atol=1e-5):
        return "log-probability"
    return "raw"


def _in_double(own: nn.Module, example: Tensors, *, soft: bool) -> nn.Module:
    """The network in float64 and, if `soft`, without its last softmax or sigmoid.

    Where the module itself will not do (it casts to single precision, or ends in a function call), its exported graph
    takes its place.
    """
    if not isinstance(own, fx.GraphModule):
        plain = copy.deepcopy(own).double()
        module = _without_last(plain) if soft else plain
        if module is not None and _runs(module, example):
            return module
        floats = precision(own)
        own = exported(own, {name: one.to(floats) if one.is_floating_point() else one for name, one in example.items()})
    return evaluating(in_double(without_soft_end(own) if soft else own))


def _runs(module: nn.Module, example: Tensors) -> bool:
    try:
        return module(**example).dtype is torch.float64
    except RuntimeError:
        return False


def _without_last(module: nn.Module) -> nn.Module | None:
    """A Sequential without the softmax or sigmoid at its end; None if that is not what the module is."""
    if not isinstance(module, nn.Sequential) or len(module) == 0:
        return None
    if isinstance(module[-1], SOFT_MODULES):
        return module[:-1]
    inner = _without_last(module[-1])
    if inner is None:
        return None
    module[-1] = inner
    return module


def _as_column(module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor:
    return output.unsqueeze(-1)


@dataclass(frozen=True)
class _Column:
    index: int

    def __call__(self, module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        return output[:, self.index : self.index + 1]


def _first_line(error: BaseException | None) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
