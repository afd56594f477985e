"""The captured network: a flat, immutable list of operator applications in execution order."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lrp_audit.errors import CaptureError, InputError, NonFiniteError

HALF = (torch.float16, torch.bfloat16)


@dataclass(frozen=True, slots=True)
class Ref:
    """Stands in an argument list for the value of the node with this index."""

    index: int


@dataclass(frozen=True)
class Node:
    """One application of one operator.

    ``arguments`` maps the operator's parameter names to values, defaults filled in; a tensor or size computed by
    another node is a `Ref` (or a list with `Ref` elements). ``rows`` is the dimension that counts the rows of the
    batch, None if the value does not depend on the batch size, -1 if rows are merged into another dimension.
    """

    index: int
    name: str
    operator: str
    function: Callable[..., Any] | None
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    arguments: Mapping[str, Any]
    shape: tuple[int | str, ...] | None
    dtype: torch.dtype | None
    rows: int | None
    module: str
    source: str
    is_scale: bool = False

    @property
    def operands(self) -> tuple[int, ...]:
        """Indices of the nodes this one reads."""
        return tuple(ref.index for ref in refs((self.args, tuple(self.kwargs.values()))))

    @property
    def is_float(self) -> bool:
        """Whether the value is a real-valued tensor."""
        return self.dtype is not None and self.dtype.is_floating_point

    def describe(self) -> str:
        """Operator, module path, source line and shape, for messages."""
        shape = "" if self.shape is None else f" of shape ({', '.join(map(str, self.shape))})"
        return f"{self.operator}{shape} in module {self.module or 'the model itself'!r}, {self.source}"


class Values(list[Any]):
    """Node index -> value of one run; None where it was not needed or has been dropped.

    ``tapes`` holds operators that were recorded for differentiation: node index -> (arguments by name, output).
    """

    def __init__(self, values: Iterable[Any]) -> None:
        super().__init__(values)
        self.tapes: dict[int, tuple[dict[str, Tensor], Tensor]] = {}


def refs(value: Any) -> Iterator[Ref]:
    """Every `Ref` inside nested tuples, lists and dicts, in order."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from refs(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from refs(item)


def resolve(value: Any, values: list[Any]) -> Any:
    """Replace every `Ref` by the value it stands for."""
    if isinstance(value, Ref):
        return values[value.index]
    if isinstance(value, tuple | list):
        return type(value)([resolve(item, values) for item in value])
    return value


@dataclass(frozen=True)
class Input:
    """One input of the model: its node, and the sizes it must have (a number, or a symbol shared between inputs)."""

    name: str
    index: int
    dtype: torch.dtype
    sizes: tuple[Any, ...]


@dataclass(frozen=True)
class SizeCheck:
    """What export assumed about sizes: a range per symbol and boolean expressions over the symbols."""

    ranges: Mapping[Any, tuple[int, float]]
    guards: tuple[Any, ...]

    def violated(self, sizes: Mapping[Any, int]) -> str | None:
        """The first assumption that does not hold, in words."""
        for symbol, (low, high) in self.ranges.items():
            if symbol in sizes and not low <= sizes[symbol] <= high:
                return f"a size between {low} and {high} is required, not {sizes[symbol]}"
        for guard in self.guards:
            if guard.subs(sizes) == False:  # noqa: E712 - sympy booleans do not support `is`
                return f"the sizes {dict(sizes)} violate {guard}"
        return None


@dataclass(frozen=True)
class RelevanceGraph:
    """A captured model. Immutable but for memory of what was already computed from the weights; safe from many threads.

    Attributes:
        nodes: operator applications in execution order; inputs and constants first.
        constants: node index -> tensor (weights, and everything computed from weights alone).
        inputs: the model's inputs, in the order the model takes them.
        output: index of the raw output (N, outputs).
        target_index: index of the captured target (N,), or None; ``target`` is the callable it came from.
        weights: the model's own tensors by name; checked before every use.
    """

    nodes: tuple[Node, ...]
    constants: Mapping[int, Any]
    inputs: tuple[Input, ...]
    output: int
    checks: SizeCheck
    weights: Mapping[str, Tensor]
    dtype: torch.dtype
    target: Callable[[Tensor], Tensor] | None = None
    target_index: int | None = None
    _state: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    _memory: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Take the fingerprint of the weights that later uses are compared with."""
        for name, tensor in self.weights.items():
            _require_finite_weight(name, tensor)
        self._mark()
        self._state["digest"] = digest(self.weights)

    @property
    def weights_sha256(self) -> str:
        """Digest of names, types, shapes and values of all weights and buffers at capture."""
        return str(self._state["digest"])

    def remember(self, key: Any, compute: Callable[[], Any]) -> Any:
        """The value of a pure function of the graph, computed once."""
        found = self._memory.get(key)
        if found is None:
            found = compute()
            self._memory[key] = found
        return found

    def remembers(self, key: Any) -> bool:
        """Whether `remember` has been called with this key."""
        return key in self._memory

    def require_unchanged(self) -> None:
        """Raise `CaptureError` if a weight was changed after capture.

        Looks at torch's own count of writes and at a few values of each weight, and reads all of them only if these
        differ. A write of single values through ``.data``, which torch does not count, may pass unseen.
        """
        if _marks(self.weights, self._state["samples"]) == self._state["marks"]:
            return
        with self._lock:
            if digest(self.weights) != self._state["digest"]:
                raise CaptureError("The model's weights were changed after it was captured; capture it again.")
            self._mark()

    def _mark(self) -> None:
        self._state["samples"] = _samples(self.weights)
        self._state["marks"] = _marks(self.weights, self._state["samples"])

    def require_inputs(self, values: Mapping[str, Tensor], what: str = "input") -> int:
        """Check names, types, sizes and finiteness; return the number of rows.

        Raises:
            InputError: a name is missing or unknown, a dtype or a size does not fit.
            NonFiniteError: a float input holds NaN or infinity.
        """
        known = [item.name for item in self.inputs]
        if missing := [name for name in known if name not in values]:
            raise InputError(f"The {what} {missing[0]!r} is missing; the model takes {', '.join(known)}.")
        if unknown := [name for name in values if name not in known]:
            raise InputError(f"The model has no input {unknown[0]!r}; it takes {', '.join(known)}.")
        sizes: dict[Any, int] = {}
        for item in self.inputs:
            _require_shape(item, values[item.name], sizes, what)
            require_finite(values[item.name], f"{what} {item.name!r}")
        rows = {values[item.name].shape[0] for item in self.inputs}
        if len(rows) > 1:
            raise InputError(f"The {what}s have different numbers of rows ({sorted(rows)}); give each the same number.")
        self.remember(("sizes", tuple(sizes.items())), lambda: self._require_sizes(sizes, what))
        return rows.pop()

    def _require_sizes(self, sizes: Mapping[Any, int], what: str) -> bool:
        if (problem := self.checks.violated(sizes)) is not None:
            raise InputError(f"The {what} sizes do not fit the captured model: {problem}.")
        return True


def _require_shape(item: Input, value: Any, sizes: dict[Any, int], what: str) -> None:
    if not isinstance(value, Tensor):
        raise InputError(f"The {what} {item.name!r} must be a tensor, not {type(value).__name__}.")
    if value.dtype != item.dtype:
        raise InputError(f"The {what} {item.name!r} must have dtype {item.dtype}, not {value.dtype}; convert it first.")
    if value.ndim != len(item.sizes):
        raise InputError(f"The {what} {item.name!r} must have {len(item.sizes)} dimensions, not {value.ndim}.")
    if value.shape[0] == 0:
        raise InputError(f"The {what} {item.name!r} has no rows.")
    for dimension, (size, expected) in enumerate(zip(value.shape, item.sizes, strict=True)):
        wanted = sizes.setdefault(expected, size) if not isinstance(expected, int) else expected
        if size != wanted:
            raise InputError(f"Dimension {dimension} of the {what} {item.name!r} must have size {wanted}, not {size}.")


def require_finite(value: Tensor, what: str) -> None:
    """Raise `NonFiniteError` naming ``what`` and the first rows that hold NaN or infinity."""
    if not value.is_floating_point() or torch.isfinite(value.sum()):
        return
    bad = ~torch.isfinite(value)
    if not bad.any():  # only the sum overflowed
        return
    rows = bad.reshape(value.shape[0], -1).any(1).nonzero().flatten().tolist() if value.ndim else []
    where = f" in row {', '.join(map(str, rows[:5]))}{' and others' if len(rows) > 5 else ''}" if rows else ""
    raise NonFiniteError(f"The {what} holds NaN or infinity{where}.")


def _require_finite_weight(name: str, tensor: Tensor) -> None:
    if not tensor.is_floating_point():
        return
    is_mask_allowed = not isinstance(tensor, torch.nn.Parameter)  # buffers may be additive masks with -inf
    bad = torch.isnan(tensor) if is_mask_allowed else ~torch.isfinite(tensor)
    if bad.any():
        raise NonFiniteError(f"The weight {name!r} holds NaN or infinity.")


def _marks(weights: Mapping[str, Tensor], samples: Sequence[Tensor]) -> tuple[list[tuple[int, int]], list[float]]:
    """Where each weight lies, how often torch saw it written, and values that tell of writes it did not see."""
    written = [(t.data_ptr(), 0 if t.is_inference() else t._version) for t in weights.values()]
    return written, torch.cat(list(samples)).tolist() if samples else []


def _samples(weights: Mapping[str, Tensor]) -> list[Tensor]:
    """Views of a few values of every weight."""
    real = (tensor.detach() for tensor in weights.values() if tensor.is_floating_point())
    return [tensor.reshape(-1)[:: max(1, tensor.numel() // 4)] for tensor in real]


def digest(weights: Mapping[str, Tensor]) -> str:
    """SHA-256 over name, dtype, shape and bytes of every tensor, in order of name."""
    hasher = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        hasher.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        hasher.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return hasher.hexdigest()
