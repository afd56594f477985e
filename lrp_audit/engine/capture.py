"""Model and example inputs -> `RelevanceGraph`, through `torch.export`."""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import io
import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.export.graph_signature import InputKind

from lrp_audit.engine.canonize import require_evaluation
from lrp_audit.engine.graph import HALF, Ref, RelevanceGraph
from lrp_audit.engine.lower import lower
from lrp_audit.engine.recurrent import PackedAsPadded, with_leaf_operators
from lrp_audit.errors import CaptureError, EngineError, InputError, TrainingModeError

aten = torch.ops.aten
Inputs = Tensor | Sequence[Tensor] | Mapping[str, Tensor]
Target = Callable[[Tensor], Tensor]

_EXPORT_LOCK = threading.RLock()  # torch.export is not thread-safe: four threads exporting at once crashed
_DECOMPOSED = (  # long tail of operators that are plain compositions of others
    aten.addcdiv.default,
    aten.addcmul.default,
    aten.baddbmm.default,
    aten.cosine_similarity.default,
    aten.einsum.default,
    aten.glu.default,
    aten.linalg_vector_norm.default,
    aten.square.default,
    aten.std.dim,
    aten.tile.default,
    aten.type_as.default,
    aten.var.dim,
)


def capture(
    model: nn.Module | ExportedProgram, example: Inputs | None = None, *, target: Target | None = None
) -> RelevanceGraph:
    """Record a model as one static graph with a dynamic number of rows (and sequence length).

    Args:
        model: a module in evaluation mode, or an already exported program with a dynamic batch dimension.
        example: inputs as the model takes them (tensor, tuple or dict); a single row is widened to two. Not needed for
            an exported program.
        target: a function of the raw output (N, outputs) that gives one value per row (N,); becomes part of the graph.

    Half precision models are captured in float32. The model itself is never changed.

    Raises:
        CaptureError: control flow on data, random numbers, a fixed batch size, an output that is not a tensor.
        TrainingModeError: the model or one of its operators is in training mode.
        InputError: the example does not fit the model's signature.
        NonFiniteError: a weight holds NaN or infinity.
    """
    return record(model, example, target=target).graph()


@dataclass(frozen=True)
class Recording:
    """A model recorded once, of which graphs can be made whenever its weights have been written anew.

    The tensors are the model's own, but where it had to be copied (half precision, recurrent layers): see `shares`.
    """

    names: tuple[str, ...]
    program: ExportedProgram
    target: Target | None = None
    traced: RelevanceGraph | None = None  # the target by itself

    def graph(self) -> RelevanceGraph:
        """The graph of the weights as they are now. Raises as `capture` does."""
        with _EXPORT_LOCK:
            graph = lower(self.program, self.names)
        return graph if self.target is None or self.traced is None else _join(graph, self.traced, self.target)

    def shares(self, model: nn.Module) -> bool:
        """Whether what is written to the model's parameters is seen here."""
        own = {tensor.data_ptr() for tensor in self.program.state_dict.values()}
        return all(parameter.data_ptr() in own for parameter in model.parameters())


def record(
    model: nn.Module | ExportedProgram, example: Inputs | None = None, *, target: Target | None = None
) -> Recording:
    """As `capture`, for graphs of the same model with other weights."""
    if isinstance(model, ExportedProgram):
        names, program = _program_input_names(model), model
    elif example is None:
        raise InputError("Capturing a module needs example inputs.")
    else:
        names, program = _export_module(model, example)
    with _EXPORT_LOCK:
        recording = Recording(tuple(names), _functionalise(program))
    return recording if target is None else replace(recording, target=target, traced=_traced(recording.graph(), target))


def name_inputs(names: Sequence[str], inputs: Inputs) -> dict[str, Tensor]:
    """Inputs in any accepted form -> dict from input name to tensor."""
    if isinstance(inputs, Mapping):
        return dict(inputs)
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if len(given) > len(names):
        raise InputError(f"The model takes {len(names)} inputs ({', '.join(names)}), not {len(given)}.")
    return dict(zip(names, given, strict=False))


class _Logits(nn.Module):
    """Calls the model by input name and returns only its raw output (decoders would otherwise export their cache)."""

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self.names = tuple(names)
        self.training = False

    def forward(self, *tensors: Tensor) -> Tensor:
        return _logits(self.model(**dict(zip(self.names, tensors, strict=True))))


def _logits(output: Any) -> Tensor:
    """The raw output inside what a model returns: a tensor, an object or dict with ``logits``, or a first tensor."""
    if isinstance(output, Mapping):
        output = output.get("logits", next(iter(output.values()), None))
    elif not isinstance(output, Tensor | tuple | list):
        output = getattr(output, "logits", None)
    elif not isinstance(output, Tensor):
        output = output[0] if len(output) else None
    if not isinstance(output, Tensor):
        raise CaptureError("The model's output holds no tensor of logits; return a tensor or an object with `.logits`.")
    return output


def _export_module(model: nn.Module, example: Inputs) -> tuple[list[str], ExportedProgram]:
    if model.training:
        raise TrainingModeError(
            "The model is in training mode, so its output would be random; call model.eval() first."
        )
    if any(parameter.dtype in HALF for parameter in model.parameters()):
        model = copy.deepcopy(model).float()
    model = with_leaf_operators(model)
    parameters = _parameter_names(model)
    named = name_inputs(parameters, example)
    _require_known(model, named, parameters)
    widened = {name: _widen(name, tensor) for name, tensor in named.items()}
    sizes = tuple(_dynamic_sizes(tensor) for tensor in widened.values())
    module = _Logits(model, tuple(widened))
    with _EXPORT_LOCK, _quiet(), PackedAsPadded():
        try:
            program = torch.export.export(
                module,
                tuple(widened.values()),
                dynamic_shapes=(sizes,),
                strict=False,
            )
        except EngineError:
            raise
        except Exception as error:
            raise CaptureError(f"The model cannot be exported as one graph: {_first_line(error)}") from error
    return list(widened), program


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back warnings and the graph that torch prints when an export fails; only under the export lock."""
    loggers = [logging.getLogger(name) for name in ("torch", "torch.export", "torch.fx", "torch._export")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _require_known(model: nn.Module, named: Mapping[str, Tensor], parameters: Sequence[str]) -> None:
    takes_any = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(model.forward).parameters.values())
    unknown = [name for name in named if name not in parameters]
    if unknown and not takes_any:
        raise InputError(f"The model has no input {unknown[0]!r}; it takes {', '.join(parameters)}.")


def _parameter_names(model: nn.Module) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [p.name for p in inspect.signature(model.forward).parameters.values() if p.kind in kinds]


def _widen(name: str, tensor: Any) -> Tensor:
    """At least two rows, since export makes a constant of a size of one; float32 for half precision."""
    if not isinstance(tensor, Tensor) or tensor.ndim == 0 or tensor.shape[0] == 0:
        raise InputError(f"The example input {name!r} must be a tensor with at least one row.")
    rows: Tensor = tensor.detach().float() if tensor.dtype in HALF else tensor.detach()
    return rows if len(rows) > 1 else torch.cat([rows, rows])


def _dynamic_sizes(tensor: Tensor) -> dict[int, Any]:
    """Rows always; the second dimension of token ids and float sequences (N, S, F) too, where the model allows it."""
    is_sequence = tensor.ndim == 3 if tensor.is_floating_point() else tensor.ndim >= 2
    sequence = {1: Dim.AUTO} if is_sequence and tensor.shape[1] > 1 else {}
    return {0: Dim.AUTO, **sequence}


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:300]


def _program_input_names(program: ExportedProgram) -> list[str]:
    return [str(spec.arg.name) for spec in program.graph_signature.input_specs if spec.kind is InputKind.USER_INPUT]


@functools.cache
def _decompositions() -> dict[Any, Any]:
    table = torch.export.default_decompositions()
    extra = torch._decomp.get_decompositions([aten.linalg_vector_norm.default])
    return {op: table[op] if op in table else extra[op] for op in _DECOMPOSED}


def _functionalise(program: ExportedProgram) -> ExportedProgram:
    """In-place writes become values; composite operators (linear, norms, attention) stay whole."""
    require_evaluation(program.graph)
    with _quiet():
        try:
            functional: ExportedProgram = program.run_decompositions(_decompositions())
        except Exception as error:
            raise CaptureError(
                f"The exported graph cannot be brought into functional form: {_first_line(error)}"
            ) from error
    return functional


class _TargetModule(nn.Module):
    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target
        self.training = False

    def forward(self, output: Tensor) -> Tensor:
        value: Tensor = self.target(output)
        return value


def with_target(graph: RelevanceGraph, target: Target) -> RelevanceGraph:
    """The same graph, continued by a function of its output (log-sum-exp margins and the like get exact rules too).

    Raises:
        CaptureError: the function cannot be traced, or does not give one value per row.
    """
    return _join(graph, _traced(graph, target), target)


def _traced(graph: RelevanceGraph, target: Target) -> RelevanceGraph:
    """The graph of a function of another graph's output."""
    output = graph.nodes[graph.output]
    sizes = [size if isinstance(size, int) else 2 for size in output.shape or ()]
    example = torch.zeros(sizes, dtype=graph.dtype, device=_device(graph))
    with _EXPORT_LOCK:
        names, program = _export_module(_TargetModule(target).eval(), {"output": example})
        traced = lower(_functionalise(program), names)
    value = traced.nodes[traced.output]
    if value.shape is None or len(value.shape) != 1 or value.rows != 0:
        raise CaptureError(f"The target must give one value per row, not a tensor of shape {value.shape}.")
    return traced


def _device(graph: RelevanceGraph) -> torch.device:
    return next((c.device for c in graph.constants.values() if isinstance(c, Tensor)), torch.device("cpu"))


def _join(graph: RelevanceGraph, traced: RelevanceGraph, target: Target) -> RelevanceGraph:
    """Append the nodes of ``traced``; its input is ``graph``'s output."""
    offset = len(graph.nodes)
    entry = traced.inputs[0].index
    place = {node.index: offset + node.index for node in traced.nodes} | {entry: graph.output}

    def move(value: Any) -> Any:
        if isinstance(value, Ref):
            return Ref(place[value.index])
        if isinstance(value, tuple | list):
            return type(value)([move(item) for item in value])
        return {name: move(item) for name, item in value.items()} if isinstance(value, dict) else value

    moved = tuple(
        replace(
            node,
            index=offset + node.index,
            name=f"target_{node.name}",
            args=move(node.args),
            kwargs=move(node.kwargs),
            arguments=move(node.arguments),
            module="target",
        )
        for node in traced.nodes
    )
    constants = {**graph.constants, **{place[i]: value for i, value in traced.constants.items()}}
    weights = {**graph.weights, **{f"target.{name}": value for name, value in traced.weights.items()}}
    return RelevanceGraph(
        graph.nodes + moved,
        constants,
        graph.inputs,
        graph.output,
        graph.checks,
        weights,
        graph.dtype,
        target,
        place[traced.output],
    )
