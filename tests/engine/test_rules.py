"""Rules on networks small enough to work out by hand, and composites: who decides, and what is refused."""

import pytest
import torch
from torch import Tensor, nn

from lrp_audit.engine import (
    LRP0,
    AlphaBeta,
    Attribution,
    Case,
    Composite,
    Constant,
    Epsilon,
    Flat,
    Gamma,
    Pass,
    RelevanceGraph,
    Rule,
    WSquare,
    ZBox,
    Zero,
    ZPlus,
    capture,
    preset,
    relevance,
)
from lrp_audit.errors import RuleError


def dense(weight: list[list[float]], bias: list[float] | None = None) -> nn.Linear:
    layer = nn.Linear(len(weight[0]), len(weight), bias=bias is not None).double()
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight))
        if bias is not None:
            layer.bias.copy_(torch.tensor(bias))
    return layer


def explain(network: nn.Module | RelevanceGraph, x: list[float], *cases: Case, **options: object) -> Attribution:
    row = torch.tensor([x], dtype=torch.float64)
    return relevance(network, row, target=0, rules=Composite(cases), ledger=True, **options)


def close(found: Tensor, expected: list[float], tolerance: float = 1e-6) -> None:
    torch.testing.assert_close(found[0], torch.tensor(expected, dtype=torch.float64), rtol=tolerance, atol=tolerance)


@pytest.fixture(scope="module")
def three_inputs() -> RelevanceGraph:
    network = nn.Sequential(dense([[2.0, -1.0, -3.0]], [1.0])).eval()
    return capture(network, torch.zeros(2, 3).double())


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        # x = (1, 2, -1), w = (2, -1, -3), b = 1: contributions 2, -2, 3, bias 1, z = 4
        (LRP0(), [2, -2, 3]),
        (Epsilon(1.0), [2 * 4 / 5, -2 * 4 / 5, 3 * 4 / 5]),
        (Epsilon(0.25, relative=True), [2 * 4 / 5, -2 * 4 / 5, 3 * 4 / 5]),
        (Gamma(0.5), [3 * 4 / 7, -2 * 4 / 7, 4.5 * 4 / 7]),  # 3 - 2 + 4.5 + 1.5 = 7
        (AlphaBeta(2, 1), [2 * 2 * 4 / 6, -1 * 4, 2 * 3 * 4 / 6]),  # positive 2 + 3 + 1, negative 2
        (ZPlus(), [2 * 4 / 6, 0, 3 * 4 / 6]),
        (Flat(), [4 / 3, 4 / 3, 4 / 3]),
        (WSquare(), [4 * 4 / 15, 1 * 4 / 15, 9 * 4 / 15]),  # 4 + 1 + 9 + 1 for the bias
        (ZBox(low=-2.0, high=3.0), [6 * 4 / 19, 1 * 4 / 19, 12 * 4 / 19]),  # 2 + 4, -2 + 3, 3 + 9, no bias
    ],
)
def test_three_inputs_by_hand(three_inputs: RelevanceGraph, rule: Rule, expected: list[float]) -> None:
    attribution = explain(three_inputs, [1.0, 2.0, -1.0], Case(rule))
    close(attribution.relevance["input"], expected)
    assert attribution.ledger.imbalance.abs().max() < 1e-12


def test_gamma_follows_the_sign_of_the_output() -> None:
    """X = (1, 2), w = (1, -1), z = -1: the negative contribution counts 1 + γ times."""
    attribution = explain(nn.Sequential(dense([[1.0, -1.0]])).eval(), [1.0, 2.0], Case(Gamma(0.5)))
    close(attribution.relevance["input"], [1 * -1 / -2, -3 * -1 / -2])


def test_zplus_loses_and_alpha_beta_doubles_one_sided_outputs() -> None:
    only_negative = nn.Sequential(dense([[-1.0, -2.0]])).eval()
    lost = explain(only_negative, [1.0, 1.0], Case(ZPlus()))
    close(lost.relevance["input"], [0.0, 0.0])
    assert lost.ledger.totals()["remainder"].item() == pytest.approx(-3.0)
    only_positive = nn.Sequential(dense([[1.0, 2.0]])).eval()
    doubled = explain(only_positive, [1.0, 1.0], Case(AlphaBeta(2, 1)))
    close(doubled.relevance["input"], [2.0, 4.0])
    assert doubled.ledger.totals()["remainder"].item() == pytest.approx(-3.0)


def test_two_layers_by_hand() -> None:
    """X = (2, 1); hidden 2·1 + 1·1 = 3 and 2·1 - 1·3 = -1, which is cut; output 2 · 3 = 6."""
    network = nn.Sequential(dense([[1.0, 1.0], [1.0, -3.0]]), nn.ReLU(), dense([[2.0, 5.0]]))
    graph = capture(network.eval(), torch.zeros(2, 2).double())
    for rule in (LRP0(), Epsilon(), ZPlus(), Gamma()):
        close(explain(graph, [2.0, 1.0], Case(rule)).relevance["input"], [4.0, 2.0], 1e-5)


def test_from_a_reference_by_hand() -> None:
    """The second hidden unit is alive at the reference (0, -1): 3 there, 0 at x. Its secant is (0 - 3) / (-1 - 3)."""
    network = nn.Sequential(dense([[1.0, 1.0], [1.0, -3.0]]), nn.ReLU(), dense([[2.0, 5.0]]))
    reference = torch.tensor([[0.0, -1.0]], dtype=torch.float64)
    first = 2 * (3.0 - 0.0) / (3.0 - -1.0)
    second = 5 * (0.0 - 3.0) / (-1.0 - 3.0)
    expected = [2 * (first * 1 + second * 1), 2 * (first * 1 + second * -3)]
    attribution = explain(network.eval(), [2.0, 1.0], reference=reference)
    close(attribution.relevance["input"], expected, 1e-12)
    assert attribution.explained.item() == pytest.approx(6 - 15)


def test_relative_epsilon_looks_at_the_row_alone() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).double().eval()
    x = torch.randn(2, 3, dtype=torch.float64) * torch.tensor([[1.0], [100.0]])
    rules = preset("epsilon", epsilon=0.1, relative=True)
    together = relevance(network, x, target=0, rules=rules).relevance["input"]
    alone = relevance(network, x[:1], target=0, rules=rules).relevance["input"]
    torch.testing.assert_close(together[:1], alone, rtol=1e-12, atol=1e-12)


@pytest.fixture(scope="module")
def conv_network() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = nn.Conv1d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2)
    return nn.Sequential(*layers).double().eval()


@pytest.fixture(scope="module")
def conv_graph(conv_network: nn.Sequential) -> RelevanceGraph:
    return capture(conv_network, torch.randn(2, 1, 6).double())


def chosen(graph: RelevanceGraph, composite: Composite) -> dict[str, Rule]:
    """Module path -> rule, as the plan of this graph has it."""
    from lrp_audit.engine.plan import make_plan

    plan = make_plan(graph, composite, graph.output, False, False)
    return {step.node.module: step.rule for step, _ in plan.backward if step.operator.layer is not None}


def test_first_and_last_layer_and_kinds(conv_graph: RelevanceGraph) -> None:
    cases = Case(Flat(), layer="first"), Case(Gamma(), layer="last"), Case(Epsilon(), kind="linear")
    assert chosen(conv_graph, Composite(cases)) == {"0": Flat(), "3": Epsilon(), "5": Gamma()}
    swapped = Case(ZPlus(), kind="conv"), Case(Epsilon(0.1), path="[0-4]"), Case(LRP0(), operator="linear.*")
    assert chosen(conv_graph, Composite(swapped)) == {"0": ZPlus(), "3": Epsilon(0.1), "5": LRP0()}


def test_first_means_after_reshaping_only() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(6, 3), nn.ReLU(), nn.Linear(3, 2)).double().eval()
    assert chosen(capture(network, torch.randn(2, 1, 6).double()), Composite((Case(WSquare(), layer="first"),))) == {
        "1": WSquare(),
        "3": LRP0(),
    }


def test_presets(conv_graph: RelevanceGraph) -> None:
    assert chosen(conv_graph, preset("epsilon-plus")) == {"0": ZPlus(), "3": Epsilon(), "5": Epsilon()}
    box = preset("epsilon-gamma-box", low=-1.0, high=torch.ones(1, 1))
    assert chosen(conv_graph, box) == {"0": ZBox(low=-1.0, high=((1.0,),)), "3": Epsilon(), "5": Epsilon()}
    assert set(chosen(conv_graph, preset("alpha-beta", alpha=3.0, beta=2.0)).values()) == {AlphaBeta(3.0, 2.0)}
    assert set(chosen(conv_graph, preset("attnlrp")).values()) == {LRP0()}


def test_zero_stops_and_the_ledger_says_so(conv_graph: RelevanceGraph) -> None:
    x = torch.randn(2, 1, 6).double()
    found = relevance(conv_graph, x, target=0, rules=Composite((Case(Zero(), path="3"),)), ledger=True)
    assert (found.relevance["input"] == 0).all()
    assert found.ledger.imbalance.abs().max() < 1e-12
    assert "stopped" in found.ledger.totals()


def test_pass_hands_on_unchanged() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2)).double().eval()
    x = torch.randn(4, 3, dtype=torch.float64)
    rules = Composite((Case(Pass(), layer="first"), Case(Pass(), kind="activation")))
    found = relevance(network, x, target=0, rules=rules).relevance["input"]
    hidden = torch.tanh(network[0](x))
    torch.testing.assert_close(found, (hidden * network[2].weight[0]).detach(), rtol=1e-12, atol=1e-14)


def test_a_constant_gate_gives_all_to_the_signal() -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate, self.signal, self.head = (
                nn.Linear(3, 4, bias=False),
                nn.Linear(3, 4, bias=False),
                nn.Linear(4, 1),
            )

        def forward(self, x: Tensor) -> Tensor:
            return self.head(torch.sigmoid(self.gate(x)) * self.signal(x))

    network, x = Gated().double().eval(), torch.randn(4, 3, dtype=torch.float64)
    found = relevance(network, x, target=0, rules=Composite((Case(Constant(), operator="sigmoid.*"),)))
    weight = (network.head.weight * torch.sigmoid(network.gate(x))) @ network.signal.weight
    torch.testing.assert_close(found.relevance["x"], (weight * x).detach(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Epsilon(-1.0), "epsilon must not be negative"),
        (lambda: Gamma(-0.1), "gamma must not be negative"),
        (lambda: Gamma(stabiliser=-2.0), r"the stabiliser must not be negative, not -2\.0"),
        (lambda: AlphaBeta(2.0, 2.0), r"alpha - beta must be 1, not 0\.0"),
        (lambda: AlphaBeta(0.5, -0.5), r"alpha and beta must not be negative, not 0\.5, -0\.5"),
        (lambda: ZPlus(stabiliser=-1.0), "stabiliser must not be negative"),
        (lambda: ZBox(low=1.0, high=0.0), "low must not exceed high"),
        (lambda: Composite((Epsilon(),)), r"made of Case\(\.\.\.\), not Epsilon"),
        (lambda: preset("epsilom"), "did you mean 'epsilon'"),
        (lambda: preset("epsilon-gamma-box"), "needs low and high"),
        (lambda: preset("gamma", epsilon=1), "does not take epsilon"),
    ],
)
def test_wrong_parameters_are_named(make: object, message: str) -> None:
    with pytest.raises(RuleError, match=f"(?i){message}"):
        make()


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (Case(Epsilon(), path="encoder.*"), "matches no operator"),
        (Case(Epsilon(), operator="conv3d*"), "matches no operator"),
        (Case(Flat(), layer="last"), "only the first layer after a source"),
        (Case(Pass(), layer="first"), "equal input and output shapes"),
        (Case(Gamma(), kind="activation"), "does not fit aten.relu"),
    ],
)
def test_rules_that_do_not_fit_are_refused(conv_graph: RelevanceGraph, case: Case, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        relevance(conv_graph, torch.randn(2, 1, 6).double(), target=0, rules=Composite((case,)))


@pytest.mark.parametrize("rule", [Flat(), WSquare(), ZBox(low=-9.0, high=9.0), Pass()])
def test_rules_without_a_form_for_references_are_refused(rule: Rule) -> None:
    network = nn.Sequential(nn.Linear(3, 3)).double().eval()
    x = torch.randn(2, 3, dtype=torch.float64)
    with pytest.raises(RuleError, match="no form with a reference"):
        relevance(network, x, target=0, rules=Composite((Case(rule),)), reference=x[:1])


@pytest.mark.parametrize("rule", [Epsilon(), AlphaBeta(), ZPlus()])
def test_other_rules_run_with_a_reference_and_book_what_they_keep(rule: Rule) -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).double().eval()
    x, reference = torch.randn(5, 3, dtype=torch.float64), torch.randn(1, 3, dtype=torch.float64)
    found = relevance(network, x, target=0, rules=Composite((Case(rule),)), reference=reference, ledger=True)
    assert found.ledger.imbalance.abs().max() < 1e-12
    assert "bias" not in found.ledger.totals()
