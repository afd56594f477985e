"""What a propagation rule sees of a linear operator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

from torch import Tensor


class LinearLayer(ABC):
    """What a rule sees of a dense layer, convolution or product with a constant matrix.

    ``x`` and ``z`` are input and output (differences where there is a reference), ``bias`` broadcasts against ``z`` and
    is None where there is none or it cancels. ``is_difference`` says that there is a reference.
    """

    x: Tensor
    z: Tensor
    bias: Tensor | None
    unit_dims: tuple[int, ...]
    is_difference: bool

    @abstractmethod
    def weight(self, part: str = "weight") -> Tensor:
        """The weight, or its "absolute", "positive", "negative", "square" or "ones" form."""

    @abstractmethod
    def apply(self, x: Tensor, weight: Tensor) -> Tensor:
        """The map without bias."""

    @abstractmethod
    def transpose(self, m: Tensor, weight: Tensor) -> Tensor:
        """The transposed map."""

    @abstractmethod
    def require_shape_kept(self) -> None:
        """Raise `RuleError` unless input and output have the same shape."""

    def bias_share(self, m: Tensor) -> Tensor:
        """``m b``: what the bias takes of every output element, or of all units of a position together."""
        assert self.bias is not None
        return m * self.bias

    @cached_property
    def is_nonnegative(self) -> bool:
        """Whether no input is negative (as after a ReLU): half of the signed products are then zero."""
        return bool(self.x.min() >= 0)

    def positive(self) -> Tensor:
        """Sum of the positive contributions to each output, Σ_j (x_j w_jk)⁺ + b_k⁺."""
        found = self._signed("positive", "negative")
        return found if self.bias is None else found.add_(self.bias.clamp(min=0))

    def negative(self) -> Tensor:
        """Sum of the negative contributions to each output, Σ_j (x_j w_jk)⁻ + b_k⁻."""
        found = self._signed("negative", "positive")
        return found if self.bias is None else found.add_(self.bias.clamp(max=0))

    def _signed(self, for_positive: str, for_negative: str) -> Tensor:
        if self.is_nonnegative:
            return self.apply(self.x, self.weight(for_positive))
        found = self.apply(self.x.clamp(min=0), self.weight(for_positive))
        return found.add_(self.apply(self.x.clamp(max=0), self.weight(for_negative)))

    def size(self) -> Tensor:
        """Sum of the sizes of all contributions to each output, Σ_j |x_j w_jk| + |b_k|."""
        x = self.x if self.is_nonnegative else self.x.abs()
        size = self.apply(x, self.weight("absolute"))
        return size if self.bias is None else size.add_(self.bias.abs())
