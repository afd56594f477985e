"""Where relevance may end: float inputs, tokens and category codes; never masks or positions."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lrp_audit import Population, relevance
from lrp_audit.errors import InputError

WIDTH, CODES = 5, 9


class Base(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(CODES, WIDTH)
        self.head = nn.Linear(WIDTH, 2)
        self.double().eval().requires_grad_(False)


class Tokens(Base):
    """Token and position embeddings, a mask, the mean over what is not masked."""

    def __init__(self) -> None:
        super().__init__()
        self.positions = nn.Embedding(20, WIDTH).double().requires_grad_(False)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        seen = (ids != 0).long().cumsum(1)  # positions computed from the ids, as RoBERTa does
        hidden = torch.tanh(self.words(ids) + self.positions(seen)) * mask.unsqueeze(-1)
        return self.head(hidden.sum(1) / mask.sum(1, keepdim=True))


class Columns(Base):
    """One integer matrix whose columns share a table by an offset each, beside numbers."""

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        looked_up = self.words(codes + torch.tensor([0, 3, 6]))
        return self.head(F.gelu(looked_up.sum(1) + numbers))


class FloatColumn(Base):
    """A float column that holds codes: looked up after a cast, and also used as a number."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(self.words(x[:, 1].round().long()) + x[:, 0:1] + x[:, 1:2]))


class OneHot(Base):
    def forward(self, codes: Tensor) -> Tensor:
        return self.head(F.relu(F.one_hot(codes[:, 0], CODES).double() @ self.words.weight))


class IndexedTable(Base):
    def forward(self, codes: Tensor) -> Tensor:
        return self.head(torch.tanh(self.words.weight[codes[:, 0]] + self.words.weight[codes[:, 1]]))


def codes(rows: int, columns: int, below: int = 3) -> Tensor:
    return torch.randint(0, below, (rows, columns))


def test_tokens_get_relevance_and_masks_and_positions_do_not() -> None:
    network, ids = Tokens(), codes(4, 6, CODES)
    inputs = {"ids": ids, "mask": torch.ones(4, 6, dtype=torch.long)}
    inputs["mask"][:, 4:] = 0
    found = relevance(network, inputs, target=1, ledger=True, rules="lrp0")
    assert set(found.relevance) == {"ids"}
    assert found.relevance["ids"].shape == ids.shape
    assert found.relevance["ids"].dtype == torch.float64
    assert (found.relevance["ids"][:, 4:] == 0).all()
    assert found.ledger.imbalance.abs().max() < 1e-12
    assert found.ledger.totals()["constant"].abs().min() > 0  # the position embeddings


def test_a_token_gets_the_sum_over_its_embedding() -> None:
    network, ids = Tokens(), codes(2, 5, CODES)
    mask = torch.ones_like(ids)
    embedded = network.words(ids).requires_grad_()
    positions = network.positions((ids != 0).long().cumsum(1))
    pre = embedded + positions
    factor = (torch.tanh(pre) / pre).detach()
    (gradient,) = torch.autograd.grad((network.head((pre * factor).mean(1)))[:, 0].sum(), embedded)
    found = relevance(network, (ids, mask), target=0, rules="lrp0").relevance["ids"]
    torch.testing.assert_close(found, (gradient * embedded).sum(-1).detach(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("reference_rows", [1, 4, None])
def test_category_codes_and_numbers_add_up(reference_rows: int | None) -> None:
    network = Columns()
    inputs = {"numbers": torch.randn(4, WIDTH).double(), "codes": codes(4, 3)}
    rows = reference_rows or 7
    reference = {"numbers": torch.randn(rows, WIDTH).double(), "codes": codes(rows, 3)}
    given = Population(reference) if reference_rows is None else reference
    found = relevance(network, inputs, target=0, reference=given)
    expected = network(**inputs)[:, 0] - (
        network(**reference)[:, 0] if rows == 4 else network(**reference)[:, 0].mean()
    )
    assert found.relevance["codes"].shape == (4, 3)
    total = found.relevance["codes"].sum(1) + found.relevance["numbers"].sum(1)
    torch.testing.assert_close(total, expected, rtol=1e-9, atol=1e-12)


def test_an_equal_code_has_no_relevance() -> None:
    network = Columns()
    inputs = {"numbers": torch.randn(4, WIDTH).double(), "codes": codes(4, 3)}
    reference = {"numbers": torch.randn(4, WIDTH).double(), "codes": inputs["codes"].clone()}
    reference["codes"][:, 2] = (reference["codes"][:, 2] + 1) % 3
    found = relevance(network, inputs, target=0, reference=reference).relevance["codes"]
    assert (found[:, :2] == 0).all()
    assert (found[:, 2] != 0).all()


def test_codes_in_a_float_column_map_back_to_their_element() -> None:
    network = FloatColumn()
    x = torch.stack([torch.randn(5), torch.randint(0, CODES, (5,)).float()], 1).double()
    reference = torch.tensor([[0.3, 2.0]]).double()
    found = relevance(network, x, target=1, reference=reference)
    assert found.relevance["x"].shape == x.shape
    torch.testing.assert_close(
        found.relevance["x"].sum(1), (network(x) - network(reference))[:, 1], rtol=1e-9, atol=1e-12
    )
    balanced = relevance(network, x, target=1, ledger=True).ledger
    assert balanced.imbalance.abs().max() < 1e-12


@pytest.mark.parametrize("network", [OneHot(), IndexedTable()], ids=["one-hot", "indexed table"])
def test_other_look_ups(network: nn.Module) -> None:
    x, reference = codes(4, 2, CODES), codes(1, 2, CODES)
    found = relevance(network, x, target=1, reference=reference).relevance["codes"]
    assert found.shape == x.shape
    torch.testing.assert_close(found.sum(1), (network(x) - network(reference))[:, 1], rtol=1e-9, atol=1e-12)
    assert relevance(network, x, target=1, ledger=True).ledger.imbalance.abs().max() < 1e-12


def test_whole_numbers_without_a_look_up_are_refused() -> None:
    class Counts(nn.Module):
        def forward(self, counts: Tensor) -> Tensor:
            return counts.double() @ torch.ones(3, 2).double()

    with pytest.raises(InputError, match="none of them reaches an embedding"):
        relevance(Counts().eval(), codes(3, 3), target=0)


def test_an_input_the_target_does_not_read_has_zero_relevance() -> None:
    class Ignores(nn.Module):
        def forward(self, x: Tensor, other: Tensor) -> Tensor:
            return torch.stack([x.sum(1), (x + other).sum(1)], 1)

    x = torch.randn(3, 4)
    found = relevance(Ignores().eval(), {"x": x, "other": x}, target=0, rules="lrp0").relevance
    assert (found["other"] == 0).all()
    torch.testing.assert_close(found["x"], x)


def test_a_mask_that_differs_from_the_reference_is_refused() -> None:
    network, ids = Tokens(), torch.randint(1, CODES, (2, 5))
    mask = torch.ones_like(ids)
    shorter = mask.clone()
    shorter[:, 4] = 0
    with pytest.raises(InputError, match="differs between input and reference"):
        relevance(network, {"ids": ids, "mask": mask}, target=0, reference={"ids": ids, "mask": shorter})


def test_a_condition_that_differs_from_the_reference_is_refused() -> None:
    class Branch(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.where(x > 0, x, 2 * x).sum(1, keepdim=True)

    x = torch.ones(3, 2).double()
    with pytest.raises(InputError, match="condition differs"):
        relevance(Branch().eval(), x, target=0, reference=-x[:1])
    with pytest.raises(InputError, match="condition differs"):
        relevance(Branch().eval(), x, target=0, reference=Population({"x": torch.cat([x, -x])}))
    found = relevance(Branch().eval(), x, target=0, reference=x[:1] / 2).relevance["x"]
    torch.testing.assert_close(found, x / 2)
