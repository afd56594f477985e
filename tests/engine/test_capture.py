"""Capture: names, sizes, what is refused and why, and that the user's model stays as it was."""

import copy
import io
import threading

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

from lrp_audit import relevance
from lrp_audit.engine import Population, RelevanceGraph, capture, propagate
from lrp_audit.errors import CaptureError, InputError, NonFiniteError, TrainingModeError, UnsupportedOperatorError


def perceptron() -> nn.Sequential:
    layers = nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(6, 3)
    return nn.Sequential(*layers).double().eval()


def rows(count: int) -> Tensor:
    return torch.randn(count, 4, dtype=torch.float64)


@pytest.fixture(scope="module")
def graph() -> RelevanceGraph:
    return capture(perceptron(), rows(2))


def test_one_row_is_enough_and_any_number_of_rows_may_follow() -> None:
    network = perceptron()
    graph = capture(network, rows(1))
    for count in (1, 2, 7):
        x = rows(count)
        torch.testing.assert_close(
            propagate(graph, x, target=0, composite="lrp0").output, network(x), rtol=1e-12, atol=0
        )


@pytest.mark.parametrize("form", [lambda x: x, lambda x: (x,), lambda x: {"input": x}], ids=["tensor", "tuple", "dict"])
def test_inputs_in_any_form(form: object) -> None:
    x = rows(3)
    assert set(relevance(perceptron(), form(x), target=0).relevance) == {"input"}


def test_the_model_stays_as_it_was() -> None:
    network = perceptron()
    before = copy.deepcopy(network.state_dict())
    attributes = {name: set(vars(module)) for name, module in network.named_modules()}
    x = rows(5).requires_grad_()
    (gradient,) = torch.autograd.grad(network(x).sum(), x)
    for rules in ("epsilon", "gamma"):
        relevance(network, x, target=0, rules=rules, reference=None, ledger=True)
    relevance(network, x, target=0, reference=rows(1))
    assert {name: set(vars(module)) for name, module in network.named_modules()} == attributes
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in network.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in network.modules())
    (after,) = torch.autograd.grad(network(x).sum(), x)
    assert torch.equal(gradient, after)
    assert torch.is_grad_enabled()


def test_changed_weights_are_noticed() -> None:
    network = perceptron()
    graph = capture(network, rows(2))
    saved = network[0].weight.detach().clone()
    with torch.no_grad():
        network[0].weight.add_(1)
    with pytest.raises(CaptureError, match="weights were changed after it was captured"):
        propagate(graph, rows(2), target=0, composite="lrp0")
    with torch.no_grad():
        network[0].weight.copy_(saved)
    propagate(graph, rows(2), target=0, composite="lrp0")
    network[0].weight.data = saved + 1
    with pytest.raises(CaptureError, match="weights were changed"):
        propagate(graph, rows(2), target=0, composite="lrp0")


def test_weights_digest_names_the_weights() -> None:
    network = perceptron()
    first = capture(network, rows(2)).weights_sha256
    assert first == capture(copy.deepcopy(network), rows(2)).weights_sha256
    with torch.no_grad():
        network[4].bias[0] += 1e-12
    assert first != capture(network, rows(2)).weights_sha256


def test_training_mode_is_refused() -> None:
    with pytest.raises(TrainingModeError, match=r"model\.eval\(\)"):
        relevance(perceptron().train(), rows(2), target=0)
    network = perceptron()
    network[3].train()
    with pytest.raises(TrainingModeError, match=r"aten\.dropout\.default is in training mode in module '3'"):
        relevance(network, rows(2), target=0)
    network = perceptron()
    network[1].train()
    with pytest.raises(TrainingModeError, match="batch_norm"):
        relevance(network, rows(2), target=0)


class Function(nn.Module):
    def __init__(self, function: object) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x if x.sum() > 0 else -x, "cannot be exported"),
        (lambda x: x + torch.randn(4), "random numbers"),
        (lambda x: x + torch.randn_like(x), "random numbers"),
        (lambda x: x.reshape(2, 4) * 2, "number of rows of input 'x' is fixed"),
        (lambda x: x, "returns its input unchanged"),
        (lambda x: "text", "no tensor of logits"),
        (lambda x: x.argmax(1), "logits must be real numbers"),
    ],
    ids=["control flow", "random", "random like", "fixed rows", "identity", "text", "classes"],
)
def test_what_cannot_be_captured_is_said(function: object, message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        relevance(Function(function).eval(), rows(2), target=0)


def test_a_failing_export_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CaptureError):
        capture(Function(lambda x: x[: int(x.sum())] * 2).eval(), rows(2))
    assert capfd.readouterr() == ("", "")


def test_an_unsupported_operator_is_named_with_place_and_shape() -> None:
    class Inner(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.linalg.pinv(x.unsqueeze(-1)).squeeze(1)

    network = nn.Sequential(nn.Linear(4, 3), Inner(), nn.Linear(3, 1)).double().eval()
    with pytest.raises(UnsupportedOperatorError) as raised:
        relevance(network, rows(2), target=0)
    message = str(raised.value)
    assert "aten.linalg_pinv" in message
    assert "module '1'" in message
    assert "test_capture.py:" in message
    assert ", 1, 3)" in message
    assert message.count("\n") == 0


def test_a_function_without_a_value_at_zero_needs_a_reference() -> None:
    network = Function(lambda x: torch.log(x.square() + 1e-9).sum(1, keepdim=True)).eval()
    with pytest.raises(UnsupportedOperatorError, match=r"aten\.log\.default.*give a reference"):
        relevance(network, rows(2), target=0)
    x, reference = rows(3), rows(1)
    found = relevance(network, x, target=0, reference=reference).relevance["x"]
    torch.testing.assert_close(found.sum(1), (network(x) - network(reference))[:, 0], rtol=1e-9, atol=1e-12)


def test_an_exported_program_with_free_rows_is_taken() -> None:
    network, x = perceptron(), rows(5)
    program = torch.export.export(network, (rows(2),), dynamic_shapes=({0: Dim.AUTO},))
    stored = io.BytesIO()
    torch.export.save(program, stored)
    stored.seek(0)
    program = torch.export.load(stored)
    ours = relevance(program, x, target=1, reference=rows(1) * 0)
    plain = relevance(network, x, target=1, reference=rows(1) * 0)
    torch.testing.assert_close(ours.relevance["input"], plain.relevance["input"], rtol=1e-12, atol=1e-14)
    by_target = relevance(program, x, target=lambda output: output[:, 1] - output[:, 0], reference=rows(1) * 0)
    pair = relevance(network, x, target=(1, 0), reference=rows(1) * 0)
    torch.testing.assert_close(by_target.relevance["input"], pair.relevance["input"], rtol=1e-12, atol=1e-14)


def test_an_exported_program_with_fixed_rows_is_refused_saying_how_to_export() -> None:
    program = torch.export.export(perceptron(), (rows(2),))
    with pytest.raises(CaptureError, match=r"export it again with dynamic_shapes"):
        relevance(program, rows(2), target=0)


def test_logits_are_found_in_what_a_model_returns() -> None:
    class Returns(nn.Module):
        def __init__(self, wrap: object) -> None:
            super().__init__()
            self.linear, self.wrap = nn.Linear(4, 2).double(), wrap

        def forward(self, x: Tensor) -> object:
            return self.wrap(self.linear(x))

    for wrap in (lambda y: (y, y * 2), lambda y: {"loss": y * 3, "logits": y}, lambda y: [y]):
        network = Returns(wrap).eval()
        x = rows(2)
        torch.testing.assert_close(relevance(network, x, target=0).output, network.linear(x).detach())


def test_half_precision_is_explained_in_float32() -> None:
    network = perceptron().bfloat16()
    x = rows(3).bfloat16()
    found = relevance(network, x, target=0)
    assert found.relevance["input"].dtype == torch.float32
    assert network[0].weight.dtype == torch.bfloat16
    expected = relevance(copy.deepcopy(network).float(), x.float(), target=0)
    torch.testing.assert_close(found.relevance, expected.relevance)


def test_sequence_length_is_free() -> None:
    class Recur(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            return self.mix(x).mean(1)

    network = Recur().double().eval()
    graph = capture(network, torch.randn(2, 5, 4).double())
    for shape in ((3, 9, 4), (1, 2, 4)):
        x = torch.randn(*shape).double()
        found = propagate(graph, x, target=0, composite="lrp0", ledger=True)
        torch.testing.assert_close(found.output, network(x).detach(), rtol=1e-10, atol=1e-12)
        assert found.ledger.imbalance.abs().max() < 1e-12


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"other": torch.zeros(2, 4).double()}, "input 'input' is missing"),
        ({"input": torch.zeros(2, 4).double(), "b": torch.zeros(2, 4)}, "no input 'b'"),
        ({"input": torch.zeros(2, 4)}, "must have dtype torch.float64, not torch.float32"),
        ({"input": torch.zeros(2, 5).double()}, "Dimension 1 of the input 'input' must have size 4, not 5"),
        ({"input": torch.zeros(2, 4, 1).double()}, "must have 2 dimensions, not 3"),
        ({"input": torch.zeros(0, 4).double()}, "has no rows"),
        ({"input": [[0.0] * 4]}, "must be a tensor, not list"),
        ((torch.zeros(2, 4).double(),) * 2, "takes 1 inputs"),
    ],
)
def test_inputs_that_do_not_fit_are_named(graph: RelevanceGraph, inputs: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        propagate(graph, inputs, target=0, composite="lrp0")


def test_sizes_outside_what_export_assumed_are_refused() -> None:
    network = Function(lambda x: (x[:, 2] * 2).unsqueeze(1)).eval()
    graph = capture(network, torch.randn(2, 5, 3))
    propagate(graph, torch.randn(4, 7, 3), target=lambda output: output.sum((1, 2)), composite="lrp0")
    with pytest.raises(InputError, match="sizes do not fit the captured model"):
        propagate(graph, torch.randn(4, 2, 3), target=lambda output: output.sum((1, 2)), composite="lrp0")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (3, "outputs 0 to 2; there is no output 3"),
        (-1, "no output -1"),
        ((0, 1, 2), "two output numbers, not 3"),
        ("approved", "not 'approved'"),
        (True, "not True"),
        (0.5, "not 0.5"),
        (torch.tensor([0, 1]), r"shape \(3,\)"),
        (torch.tensor([0, 1, 5]), "outside 0 to 2"),
        (torch.zeros(3, 2), r"must have shape \(3, 3\)"),
    ],
)
def test_targets_that_do_not_fit_are_named(graph: RelevanceGraph, target: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        propagate(graph, rows(3), target=target, composite="lrp0")


def test_targets_by_row(graph: RelevanceGraph) -> None:
    x = rows(3)
    best = torch.tensor([0, 2, 1])
    second = torch.tensor([1, 1, 2])
    each = propagate(graph, x, target=(best, second), composite="lrp0", reference=rows(1) * 0)
    for i in range(3):
        pair = int(best[i]), int(second[i])
        one = propagate(graph, x[i : i + 1], target=pair, composite="lrp0", reference=rows(1) * 0)
        torch.testing.assert_close(each.relevance["input"][i : i + 1], one.relevance["input"], rtol=1e-12, atol=1e-14)
        torch.testing.assert_close(each.explained[i : i + 1], one.explained, rtol=1e-12, atol=1e-14)


def test_a_function_of_the_output_gets_exact_secants() -> None:
    network, x, reference = perceptron(), rows(4), rows(1)

    def log_odds(output: Tensor) -> Tensor:
        return output[:, 0] - torch.logsumexp(output[:, 1:], 1)

    graph = capture(network, rows(2), target=log_odds)
    found = propagate(graph, x, target=log_odds, composite="lrp0", reference=reference)
    difference = log_odds(network(x)) - log_odds(network(reference))
    torch.testing.assert_close(found.relevance["input"].sum(1), difference, rtol=1e-9, atol=1e-12)
    again = propagate(capture(network, rows(2)), x, target=log_odds, composite="lrp0", reference=reference)
    assert torch.equal(found.relevance["input"], again.relevance["input"])


def test_a_target_must_give_one_value_per_row(graph: RelevanceGraph) -> None:
    with pytest.raises(CaptureError, match="one value per row"):
        relevance(graph, rows(2), target=lambda output: output * 2)
    with pytest.raises(CaptureError, match="one value per row"):
        relevance(graph, rows(2), target=lambda output: output.sum())


def test_references_that_do_not_fit_are_named(graph: RelevanceGraph) -> None:
    with pytest.raises(InputError, match=r"2 rows for 3 inputs.*Population"):
        propagate(graph, rows(3), target=0, composite="lrp0", reference=rows(2))
    with pytest.raises(InputError, match="reference 'input' must have dtype"):
        propagate(graph, rows(3), target=0, composite="lrp0", reference=rows(1).float())


def test_numbers_that_are_not_finite_are_named() -> None:
    network, x = perceptron(), rows(4)
    bad = x.clone()
    bad[2, 1] = torch.nan
    with pytest.raises(NonFiniteError, match=r"input 'input' holds NaN or infinity in row 2\."):
        relevance(network, bad, target=0)
    with pytest.raises(NonFiniteError, match="reference 'input'"):
        relevance(network, x, target=0, reference=bad[2:3])
    with pytest.raises(NonFiniteError, match="model's output"):
        relevance(Function(lambda x: torch.exp(x * 1e6)).eval(), x.abs() + 1, target=0)
    with torch.no_grad():
        network[0].weight[1, 1] = torch.inf
    with pytest.raises(NonFiniteError, match=r"weight '0\.weight'"):
        capture(network, x)


def test_threads_capture_and_propagate_at_once() -> None:
    network, x = perceptron(), rows(50)
    graph = capture(network, x)
    expected = propagate(graph, x, target=1, composite="gamma", ledger=True).relevance["input"]
    failures: list[object] = []

    def work(own: bool) -> None:
        try:
            for _ in range(3):
                found = propagate(
                    capture(network, x) if own else graph, x, target=1, composite="gamma", ledger=True
                ).relevance["input"]
                if not torch.equal(found, expected):
                    failures.append("another result")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(own,)) for own in (True, True, False, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_inference_mode_around_the_call_changes_nothing(graph: RelevanceGraph) -> None:
    x = rows(3)
    expected = propagate(graph, x, target=0, composite="gamma").relevance["input"]
    with torch.inference_mode():
        found = propagate(graph, x * 1, target=0, composite="gamma").relevance["input"]
    assert torch.equal(found, expected)


@pytest.mark.parametrize(
    ("mix", "operator"),
    [
        (lambda h: h - h.mean(0, keepdim=True), "aten.sub.Tensor"),
        (lambda h: h.softmax(0), "aten.softmax.int"),
        (lambda h: h.cumsum(0), "aten.cumsum.default"),
        (lambda h: h.roll(1, 0), "aten.roll.default"),
        (lambda h: h + h.flip(0), "aten.flip.default"),
    ],
)
def test_a_model_that_mixes_rows_is_refused(mix: object, operator: str) -> None:
    network = nn.Sequential(nn.Linear(4, 3), Function(mix), nn.Linear(3, 2)).double().eval()
    graph = capture(network, rows(2))
    for reference in (None, rows(1), rows(3)):
        with pytest.raises(UnsupportedOperatorError, match=f"depends on other rows of the batch, through {operator}"):
            relevance(graph, rows(3), target=0, reference=reference)
    with pytest.raises(UnsupportedOperatorError, match="depends on other rows of the batch"):
        relevance(graph, rows(1), target=0, reference=Population({"input": rows(3)}))


def test_weights_written_through_data_are_noticed() -> None:
    network = perceptron()
    graph = capture(network, rows(2))
    network[1].running_mean.data.add_(3)
    with pytest.raises(CaptureError, match="weights were changed"):
        propagate(graph, rows(2), target=0, composite="lrp0")


class Answering(nn.Module):
    """Answers in the form that `form` gives to its logits."""

    def __init__(self, form: object) -> None:
        super().__init__()
        self.network, self.form = perceptron(), form

    def forward(self, x: Tensor) -> object:
        return self.form(self.network(x))  # type: ignore[operator]


@pytest.mark.parametrize(
    "form",
    [
        lambda y: {"loss": y.sum(), "logits": y},
        lambda y: {"scores": y},
        lambda y: (y, y.sum()),
        lambda y: [y],
    ],
    ids=["logits of a dict", "first of a dict", "first of a tuple", "first of a list"],
)
def test_logits_in_any_form(form: object) -> None:
    x, network = rows(3), Answering(form).eval()
    expected = relevance(network.network, x, target=0).relevance["input"]
    found = relevance(network, x, target=0).relevance
    torch.testing.assert_close(next(iter(found.values())), expected)


@pytest.mark.parametrize("form", [lambda _: {}, lambda _: ()], ids=["dict", "tuple"])
def test_no_logits_are_refused(form: object) -> None:
    with pytest.raises(CaptureError, match="logits"):
        capture(Answering(form).eval(), rows(2))
