"""Books of look-ups by one-hot codes, whose values are whole numbers."""

import pytest
import torch
from torch import Tensor, nn

from lrp_audit import relevance


class OneHot(nn.Module):
    """A table row picked by a product with a one-hot vector."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Linear(4, 3)

    def forward(self, codes: Tensor) -> Tensor:
        return self.table(nn.functional.one_hot(codes, 4).to(self.table.weight.dtype)).tanh().sum(1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_books_of_one_hot_codes_balance(dtype: torch.dtype) -> None:
    codes = torch.tensor([[0, 3], [2, 1], [1, 1]])
    found = relevance(OneHot().to(dtype).eval(), codes, target=0, rules="lrp0", ledger=True)
    assert found.ledger is not None
    assert float(found.ledger.imbalance.abs().max()) <= 1e-5
