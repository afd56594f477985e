"""LSTM and GRU as leaf operators with a rule of their own.

`torch.export` unrolls recurrent layers for one length. A copy of the model therefore gets modules that call one opaque
operator per layer and direction, so that rows and length stay free. Without a reference the gates are constants of the
instance and the signal takes all relevance (Arras et al. 2017, "Explaining recurrent neural network predictions in
sentiment analysis", and 2019, LRP-all): the layer is then linear in its input but for tanh, whose factor is the secant.
With a reference gates and signal each get the other one's midpoint, as in every product, which is exact.

Shapes: N rows, T steps, F features, H units; tensors are (N, T, F). Packed sequences become padded ones with lengths.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils import rnn
from torch.overrides import TorchFunctionMode

from lrp_audit.errors import UnsupportedOperatorError

_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_PACKING = {rnn.pack_padded_sequence.__code__, rnn.pad_packed_sequence.__code__}


@torch.library.custom_op("lrp_audit::lstm", mutates_args=())
def lstm(  # noqa: PLR0913, PLR0917
    x: Tensor,
    h0: Tensor,
    c0: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
    lengths: Tensor | None,
    reverse: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """One layer in one direction: hidden states (N, T, H), last hidden and last cell state (N, H).

    `x` is (N, T, F), the initial states are (N, H); weights hold the gates i, f, g, o below each other, as
    `torch.nn.LSTM` keeps them. `lengths` (N,) says where each row ends: later steps give zeros and keep the state.
    """
    layer = nn.LSTM(x.shape[2], h0.shape[1], bias=b_ih is not None, batch_first=True, device="meta")
    states, (h, c) = _run(layer, x, (h0[None], c0[None]), _given(w_ih, w_hh, b_ih, b_hh), lengths, reverse)
    return states, h[0].clone(), c[0].clone()


@torch.library.custom_op("lrp_audit::gru", mutates_args=())
def gru(
    x: Tensor,
    h0: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None,
    b_hh: Tensor | None,
    lengths: Tensor | None,
    reverse: bool,
) -> tuple[Tensor, Tensor]:
    """One layer in one direction, gates r, z, n: hidden states (N, T, H), last hidden state (N, H). See `lstm`."""
    layer = nn.GRU(x.shape[2], h0.shape[1], bias=b_ih is not None, batch_first=True, device="meta")
    states, h = _run(layer, x, h0[None], _given(w_ih, w_hh, b_ih, b_hh), lengths, reverse)
    return states, h[0].clone()


@lstm.register_fake
def _(x: Tensor, h0: Tensor, c0: Tensor, *_: Any) -> tuple[Tensor, Tensor, Tensor]:
    return x.new_empty(x.shape[0], x.shape[1], h0.shape[1]), torch.empty_like(h0), torch.empty_like(c0)


@gru.register_fake
def _(x: Tensor, h0: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    return x.new_empty(x.shape[0], x.shape[1], h0.shape[1]), torch.empty_like(h0)


def _given(*tensors: Tensor | None) -> list[Tensor]:
    return [tensor for tensor in tensors if tensor is not None]


def _run(layer: nn.RNNBase, x: Tensor, state: Any, weights: list[Tensor], lengths: Tensor | None, reverse: bool) -> Any:
    """The library's own layer with these weights; `reverse` turns the steps of every row round."""
    order = None
    if reverse:
        order = _reversed_steps(x, lengths)
        x = torch.take_along_dim(x, order, 1)
    parameters = dict(zip((name for name, _ in layer.named_parameters()), weights, strict=True))
    if lengths is None:
        states, last = torch.func.functional_call(layer, parameters, (x, state))
    else:
        packed = rnn.pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        packed, last = torch.func.functional_call(layer, parameters, (packed, state))
        states, _ = rnn.pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])
    return (torch.take_along_dim(states, order, 1) if order is not None else states), last


def _reversed_steps(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Positions (N, T, 1) that turn round the steps of each row and leave its padding where it is."""
    steps = torch.arange(x.shape[1], device=x.device)
    ends = torch.full((len(x), 1), x.shape[1], device=x.device) if lengths is None else lengths.to(x.device)[:, None]
    return torch.where(steps < ends, ends - 1 - steps, steps)[:, :, None]


class _Leaf:
    """What the two stand-ins share: layers, directions, batch order and packing around the leaf operator."""

    def forward(self, input: Tensor | rnn.PackedSequence, hx: Any = None) -> Any:
        """As the layer this stands in for."""
        layer = cast(nn.RNNBase, self)
        if isinstance(input, rnn.PackedSequence):
            sizes: Any = input.batch_sizes
            x, finals = _stacked(layer, input.data, hx, sizes.lengths)
            output: Any = rnn.PackedSequence(x, sizes, input.sorted_indices, input.unsorted_indices)
        else:
            if input.ndim != 3:
                raise UnsupportedOperatorError("A recurrent layer without a dimension for rows cannot be explained.")
            x, finals = _stacked(layer, input if layer.batch_first else input.transpose(0, 1), hx, None)
            output = x if layer.batch_first else x.transpose(0, 1)
        return output, finals if isinstance(layer, nn.LSTM) else finals[0]


class LeafLSTM(_Leaf, nn.LSTM):
    """An `nn.LSTM` that calls the leaf operator."""


class LeafGRU(_Leaf, nn.GRU):
    """An `nn.GRU` that calls the leaf operator."""


_LEAVES = {nn.LSTM: LeafLSTM, nn.GRU: LeafGRU}


def _initial(layer: nn.RNNBase, x: Tensor, hx: Any) -> tuple[Tensor, ...]:
    is_lstm = isinstance(layer, nn.LSTM)
    if hx is not None:
        return tuple(hx) if is_lstm else (hx,)
    zeros = x.new_zeros(layer.num_layers * (2 if layer.bidirectional else 1), x.shape[0], layer.hidden_size)
    return (zeros, zeros) if is_lstm else (zeros,)


def _stacked(layer: nn.RNNBase, x: Tensor, hx: Any, lengths: Tensor | None) -> tuple[Tensor, tuple[Tensor, ...]]:
    """All layers and directions: states of the last layer (N, T, H per direction), and the last states of all."""
    initial = _initial(layer, x, hx)
    operator = lstm if isinstance(layer, nn.LSTM) else gru
    directions = ("", "_reverse") if layer.bidirectional else ("",)
    last = []
    for level in range(layer.num_layers):
        outputs = []
        for direction, name in enumerate(directions):
            states = [state[level * len(directions) + direction] for state in initial]
            given = [getattr(layer, f"{kind}_l{level}{name}", None) for kind in _WEIGHTS]
            found = operator(x, *states, *given, lengths, bool(direction))
            outputs.append(found[0])
            last.append(found[1:])
        x = torch.cat(outputs, 2) if len(outputs) > 1 else outputs[0]
    return x, tuple(torch.stack(state) for state in zip(*last, strict=True))


def with_leaf_operators(model: nn.Module) -> nn.Module:
    """The model itself if it has no recurrent layer, else a copy that shares all tensors and calls the leaf operators.

    Raises:
        UnsupportedOperatorError: an LSTM with projections.
    """
    if not any(type(module) in _LEAVES for module in model.modules()):
        return model
    tensors = [*model.parameters(), *model.buffers()]
    copied = copy.deepcopy(model, {id(tensor): tensor for tensor in tensors})
    for module in copied.modules():
        if type(module) in _LEAVES:
            if module.proj_size:
                raise UnsupportedOperatorError("There is no relevance rule for an LSTM with projections (proj_size).")
            module.__class__ = _LEAVES[type(module)]
    return copied


class PackedAsPadded(TorchFunctionMode):
    """Within this block of this thread `pack_padded_sequence` keeps the padded tensor, with lengths in the rows' order.

    Packing sorts rows and merges them with steps, which no graph with free sizes can express.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Replace what the two functions of `torch.nn.utils.rnn` do with tensors."""
        replacement = _REPLACED.get(getattr(func, "__name__", ""))
        if replacement is None or not _is_packing():
            return func(*args, **(kwargs or {}))
        return replacement(*args)


def _is_packing() -> bool:
    """Whether one of the two functions is being run; export puts frames of its own between them and a mode."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code not in _PACKING:
        frame = frame.f_back
    return frame is not None


def _pack(x: Tensor, lengths: Tensor, batch_first: bool) -> tuple[Tensor, Tensor]:
    x = x if batch_first else x.transpose(0, 1)
    sizes = (torch.arange(x.shape[1])[:, None] < lengths.cpu()).sum(1)
    sizes.lengths = lengths  # type: ignore[attr-defined]
    return x, sizes


def _pad(x: Tensor, sizes: Any, batch_first: bool, padding_value: float, steps: int) -> tuple[Tensor, Tensor]:
    lengths = sizes.lengths
    padding = torch.arange(x.shape[1], device=x.device) >= lengths.to(x.device)[:, None]
    x = x.masked_fill(padding[:, :, None], padding_value)
    return (x if batch_first else x.transpose(0, 1)), lengths


_REPLACED: dict[str, Callable[..., Any]] = {
    "sort": lambda lengths: (lengths, torch.arange(lengths.shape[0], device=lengths.device)),
    "index_select": lambda rows, dim, order: rows,
    "_pack_padded_sequence": _pack,
    "_pad_packed_sequence": _pad,
}
