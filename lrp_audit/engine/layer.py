"""What a propagation rule sees of a linear operator."""

from __future__ import annotations

from abc import ABC, abstractmethod

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

    def size(self) -> Tensor:
        """Sum of the sizes of all contributions to each output, Σ_j |x_j w_jk| + |b_k|.

        With it the positive contributions sum to ½ (size + z) and the negative ones to ½ (z - size), for signed inputs
        at the price of one matrix product.
        """
        size = self.apply(self.x.abs(), self.weight("absolute"))
        return size if self.bias is None else size.add_(self.bias.abs())
