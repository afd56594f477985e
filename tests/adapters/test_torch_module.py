"""Torch modules, exported programs and skorch nets become float64 networks with raw outputs."""

import copy
import warnings
from typing import Any

import adapter_networks as networks
import adapter_tables as tables
import numpy as np
import pandas as pd
import pytest
import skorch
import torch
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from torch import nn

from lrp_audit.adapters.tabular import adapt
from lrp_audit.errors import ConfigError, UnsupportedModelError

NUMBERS = tables.NUMBERS
CLASSES = ["approved", "denied"]


def table(rows: int = 40) -> pd.DataFrame:
    """Complete numbers of ordinary size."""
    frame = tables.loans(rows, seed=2, missing=False)
    return frame.assign(income=frame["income"] / 20000, age=frame["age"] / 30, employed=frame["employed"].astype(int))


def sequential(outputs: int = 2, *after: nn.Module) -> nn.Module:
    return networks.drawn(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, outputs), *after))


def exported(module: nn.Module, *example: torch.Tensor) -> Any:
    rows = torch.export.Dim("rows")
    shapes = tuple({0: rows} for _ in example)
    return torch.export.export(module.eval(), example, dynamic_shapes=shapes)


def own_probability(module: nn.Module, frame: pd.DataFrame, columns: list[str] = NUMBERS) -> np.ndarray:
    """What the module says in double precision, independently of the adapter."""
    twin = copy.deepcopy(module).double().eval()
    with torch.no_grad():
        output = twin(torch.tensor(frame[columns].to_numpy(np.float64)))
    output = output.reshape(len(frame), -1)
    positive = torch.sigmoid(output) if output.shape[1] == 1 else torch.softmax(output, dim=1)[:, 1:2]
    return np.asarray(positive[:, 0].numpy())


@pytest.mark.parametrize("double", [True, False])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("network", [sequential(), sequential(1), networks.drawn(networks.Residual())])
def test_a_module_on_a_column_list(network: nn.Module, training: bool, double: bool) -> None:
    user = copy.deepcopy(network)
    user = (user.double() if double else user).train(training)
    before = {name: one.clone() for name, one in user.state_dict().items()}
    model = adapt(user, columns=NUMBERS, classes=CLASSES)
    frame = table()
    assert model.tolerance == (1e-9 if double else 1e-5)
    assert model.verify(frame) < model.tolerance / 10
    np.testing.assert_allclose(
        model.probability(model.raw(model.encode(frame)) @ _toward_second(model), "denied"),
        own_probability(network, frame),
        rtol=1e-12,
    )
    assert model.raw(model.encode(frame)).ndim == 2
    assert not any(one.training for one in model.module.modules())
    assert user.training is training
    for name, one in user.state_dict().items():
        assert torch.equal(one, before[name])
        assert one.dtype == before[name].dtype


def _toward_second(model: Any) -> np.ndarray:
    return np.array([1.0]) if model.link == "logit" else np.array([-1.0, 1.0])


PROBABILITIES = {
    "sequential, sigmoid": sequential(1, nn.Sigmoid()),
    "sequential, softmax": sequential(2, nn.Softmax(dim=1)),
    "sequential, log-softmax": sequential(3, nn.LogSoftmax(dim=-1)),
    "nested sequential": nn.Sequential(sequential(2, nn.Softmax(dim=1))),
    "function, sigmoid": networks.drawn(networks.EndsInProbability(torch.sigmoid)),
    "function, sigmoid and squeeze": networks.drawn(networks.EndsInProbability(lambda z: torch.sigmoid(z).squeeze(1))),
    "function, softmax": networks.drawn(networks.EndsInProbability(lambda z: torch.softmax(z, dim=1), 3)),
    "function, log-softmax": networks.drawn(networks.EndsInProbability(lambda z: torch.log_softmax(z, dim=1), 3)),
}


@pytest.mark.parametrize("name", PROBABILITIES)
def test_a_softmax_or_sigmoid_at_the_end_is_taken_off(name: str) -> None:
    user, frame = PROBABILITIES[name], table()
    with torch.no_grad():
        output = user(torch.tensor(frame[NUMBERS].to_numpy(np.float32))).reshape(len(frame), -1)
    probability = (output.exp() if "log" in name else output).numpy()
    outputs = max(probability.shape[1], 2)
    model = adapt(user, columns=NUMBERS, classes=list("abc")[:outputs])
    assert model.verify(frame) < 1e-6
    np.testing.assert_allclose(model.estimate(frame)[:, -1], probability[:, -1], rtol=1e-5)
    raw = model.raw(model.encode(1000 * frame[NUMBERS]))
    assert np.abs(raw).max() > 50, "a logit of a row far away is large"


def test_small_logits_are_not_mistaken_for_probabilities() -> None:
    user = nn.Sequential(nn.Linear(4, 1))
    with torch.no_grad():
        user[0].weight.fill_(0.001)
        user[0].bias.fill_(0.5)
    model = adapt(user, columns=NUMBERS, classes=CLASSES)
    np.testing.assert_allclose(
        model.raw(model.encode(table()))[:, 0], table()[NUMBERS].sum(axis=1) * 0.001 + 0.5, rtol=1e-6
    )


def test_probabilities_made_otherwise_are_refused() -> None:
    user = networks.drawn(networks.EndsInProbability(lambda z: torch.clamp(z, 0.1, 0.9)))
    with pytest.raises(UnsupportedModelError, match="logits"):
        adapt(user, columns=NUMBERS, classes=CLASSES)


def test_a_module_that_casts_is_taken_from_its_graph() -> None:
    user = networks.drawn(networks.Casting())
    model = adapt(user, columns=NUMBERS, classes=CLASSES)
    raw = model.raw(model.encode(table()))
    weight, bias = user.layer.weight.detach().double().numpy(), user.layer.bias.detach().double().numpy()
    np.testing.assert_allclose(raw, table()[NUMBERS].to_numpy() @ weight.T + bias, rtol=1e-12)
    assert model.verify(table()) < 1e-5


def test_a_regressor_has_one_output() -> None:
    model = adapt(sequential(1), columns=NUMBERS)
    assert model.classes == ()
    assert model.estimate(table()).shape == (40,)
    assert model.verify(table()) < 1e-5
    sigmoid = adapt(sequential(1, nn.Sigmoid()), columns=NUMBERS)
    assert sigmoid.verify(table()) < 1e-5
    assert (sigmoid.raw(sigmoid.encode(table())) < 1).all(), "a regressor's own range is left alone"


def test_a_multi_label_network_decides_on_one_label() -> None:
    for user in (sequential(3), sequential(3, nn.Sigmoid())):
        model = adapt(user, columns=NUMBERS, classes=["late", "fraud", "left"], label="fraud")
        assert model.classes == ("0", "1")
        assert model.verify(table()) < 1e-5
        logits = adapt(user if len(user) == 3 else user[:3], columns=NUMBERS, classes=["a", "b", "c"])
        np.testing.assert_allclose(
            model.raw(model.encode(table()))[:, 0], logits.raw(logits.encode(table()))[:, 1], rtol=1e-12
        )


def coded(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(months=frame["months"].astype(int))


INPUTS = {"codes": ["months", "employed"], "numbers": ["age", "income", "debt"]}


def test_entity_embeddings_take_integer_columns() -> None:
    user, frame = networks.drawn(networks.Entities()), coded(table())
    model = adapt(user, inputs=INPUTS, classes=CLASSES)
    encoded = model.encode(frame)
    assert encoded.inputs["codes"].dtype is torch.int64
    assert encoded.inputs["numbers"].dtype is torch.float64
    assert {name: [model.columns[i] for i in owners] for name, owners in model.owners.items()} == INPUTS
    assert model.verify(frame) < 1e-5
    relevance = {name: torch.ones(one.shape) for name, one in encoded.inputs.items()}
    np.testing.assert_array_equal(model.to_columns(relevance), np.ones((len(frame), 5)))
    assert [one.shape[1] for one in model.transformed(encoded)] == [1] * 5


def test_codes_the_network_has_no_embedding_for_are_booked() -> None:
    model = adapt(networks.drawn(networks.Entities()), inputs=INPUTS, classes=CLASSES)
    frame = coded(table()).astype({"months": float})
    frame.loc[3, "months"] = 6
    frame.loc[5, "months"] = 2.5
    frame.loc[7, "employed"] = -1
    frame.loc[8, "age"] = np.nan
    assert {row: column for row, (column, _) in model.invalid(frame).items()} == {
        3: "months",
        5: "months",
        7: "employed",
        8: "age",
    }
    assert model.invalid(frame.drop(index=[3, 5, 7, 8])) == {}


def test_entity_embeddings_behind_an_ordinal_encoder() -> None:
    frame = tables.loans(60, seed=4, missing=False)
    steps = make_column_transformer(
        (OrdinalEncoder(), ["purpose", "housing"]),
        (StandardScaler(), ["debt", "age"]),
        (OneHotEncoder(), ["employed"]),
        verbose_feature_names_out=False,
    ).fit(frame)
    inputs = {"numbers": ["age", "employed", "debt"], "codes": ["purpose", "housing"]}
    user = networks.drawn(networks.Entities(sizes=(4, 2), numbers=4))
    model = adapt(user, inputs=inputs, preprocessor=steps, classes=CLASSES)
    assert model.verify(frame) < 1e-5
    encoded = model.encode(frame)
    np.testing.assert_allclose(
        encoded.inputs["numbers"][:, 0].numpy(), (frame["age"] - frame["age"].mean()) / frame["age"].std(ddof=0)
    )
    assert [model.columns[i] for i in model.owners["numbers"]] == ["age", "employed", "employed", "debt"]
    unknown = frame.assign(purpose="boat")
    assert {column for column, _ in model.invalid(unknown).values()} == {"purpose"}


@pytest.mark.parametrize("mixing", [True, False])
def test_a_preprocessor_in_front(mixing: bool) -> None:
    frame = tables.loans()
    numbers = make_pipeline(SimpleImputer(), StandardScaler(), *([PCA(3)] if mixing else []))
    steps = make_column_transformer((numbers, NUMBERS), (OneHotEncoder(), ["housing"])).fit(frame)
    width = steps.transform(frame).shape[1]
    user = networks.drawn(nn.Sequential(nn.Linear(width, 5), nn.ELU(), nn.Linear(5, 2)))
    model = adapt(user, preprocessor=steps, classes=CLASSES)
    assert model.columns == (*NUMBERS, "housing")
    assert model.verify(tables.loans(30, seed=8)) < 1e-5
    twin = copy.deepcopy(user).double()
    with torch.no_grad():
        expected = twin(torch.tensor(steps.transform(frame))).numpy()
    np.testing.assert_allclose(model.raw(model.encode(frame)), expected, rtol=1e-10, atol=1e-10)
    assert model.preprocessing_sha256 is not None


EXPORTED = {
    "sequential": (sequential(), 2),
    "residual": (networks.drawn(networks.Residual()), 2),
    "sigmoid": (networks.drawn(networks.EndsInProbability(torch.sigmoid)), 2),
    "softmax": (sequential(3, nn.Softmax(dim=1)), 3),
    "casting": (networks.drawn(networks.Casting()), 2),
}


@pytest.mark.parametrize("name", EXPORTED)
def test_an_exported_program_is_the_module_it_came_from(name: str) -> None:
    module, classes = EXPORTED[name]
    program = exported(module, torch.randn(3, 4, generator=networks.generator()))
    names = list("abc")[:classes]
    model, direct = adapt(program, columns=NUMBERS, classes=names), adapt(module.eval(), columns=NUMBERS, classes=names)
    frame = table()
    np.testing.assert_allclose(model.raw(model.encode(frame)), direct.raw(direct.encode(frame)), rtol=1e-10, atol=1e-12)
    assert model.verify(frame) < 1e-5
    assert model.verify(frame.iloc[:1]) < 1e-5
    assert model.weights_sha256 == direct.weights_sha256
    assert all(one.dtype is torch.float32 and one.requires_grad for one in program.parameters())


def test_an_exported_program_with_embeddings() -> None:
    module = networks.drawn(networks.Entities())
    program = exported(module, torch.zeros(3, 2, dtype=torch.int64), torch.zeros(3, 3))
    model = adapt(program, inputs=INPUTS, classes=CLASSES)
    direct = adapt(module, inputs=INPUTS, classes=CLASSES)
    frame = coded(table())
    np.testing.assert_allclose(model.raw(model.encode(frame)), direct.raw(direct.encode(frame)), rtol=1e-10)


def test_an_exported_program_for_a_fixed_number_of_rows_is_refused() -> None:
    program = torch.export.export(sequential().eval(), (torch.zeros(3, 4),))
    with pytest.raises(UnsupportedModelError, match="dynamic"):
        adapt(program, columns=NUMBERS, classes=CLASSES)


# --- skorch -----------------------------------------------------------------------------------------------------------


def net(kind: Any, module: Any, **settings: Any) -> Any:
    return kind(module, max_epochs=2, verbose=0, train_split=None, iterator_train__shuffle=False, **settings)


def trained(model: Any, rows: Any, target: Any) -> Any:
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.manual_seed(0)
        return model.fit(rows, target)


SKORCH = {
    "softmax and NLLLoss": (skorch.NeuralNetClassifier, sequential(2, nn.Softmax(dim=1)), {}),
    "logits and cross-entropy": (skorch.NeuralNetClassifier, sequential(2), {"criterion": nn.CrossEntropyLoss}),
    "one logit": (skorch.NeuralNetBinaryClassifier, sequential(1), {}),
    "squeezed logit": (skorch.NeuralNetBinaryClassifier, networks.Residual(), {}),
}


@pytest.mark.parametrize("name", SKORCH)
def test_a_skorch_classifier(name: str) -> None:
    kind, module, settings = SKORCH[name]
    frame = table()
    rows = frame[NUMBERS].to_numpy(np.float32, copy=True)
    target = (frame["debt"] > 0).to_numpy()
    binary = kind is skorch.NeuralNetBinaryClassifier
    user = trained(net(kind, module, **settings), rows, target.astype(np.float32 if binary else np.int64))
    model = adapt(user, columns=NUMBERS)
    assert model.classes == ("0", "1")
    assert model.verify(frame) < 1e-5
    np.testing.assert_allclose(model.estimate(frame), user.predict_proba(rows), rtol=1e-6)
    assert adapt(user, columns=NUMBERS, classes=CLASSES).classes == tuple(CLASSES)


def test_a_skorch_regressor() -> None:
    frame = table()
    rows = frame[NUMBERS].to_numpy(np.float32, copy=True)
    user = trained(net(skorch.NeuralNetRegressor, sequential(1)), rows, frame[["debt"]].to_numpy(np.float32, copy=True))
    model = adapt(user, columns=NUMBERS)
    assert model.classes == ()
    assert model.verify(frame) < 1e-5


def test_a_skorch_net_at_the_end_of_a_pipeline() -> None:
    frame = tables.loans()
    steps = make_pipeline(
        make_column_transformer((make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS)),
        FunctionTransformer(single),
        net(skorch.NeuralNetClassifier, sequential(2), criterion=nn.CrossEntropyLoss),
    )
    user = trained(steps, frame, (frame["debt"] > 0).to_numpy().astype(np.int64))
    model = adapt(user)
    assert model.kind == "scikit-learn Pipeline ending in NeuralNetClassifier"
    assert model.tolerance == 1e-5
    assert model.verify(tables.loans(30, seed=3)) < 1e-5


def single(values: Any) -> Any:
    return np.asarray(values).astype(np.float32)


# --- refusals ---------------------------------------------------------------------------------------------------------


class TwoOutputs(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return x, x


class Pictures(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.unsqueeze(1)


WRONG = {
    "no columns": (ConfigError, sequential(), {}, r"model\.columns"),
    "a column twice": (ConfigError, sequential(), {"columns": ["age", "age"], "classes": CLASSES}, "twice"),
    "too few columns": (UnsupportedModelError, sequential(), {"columns": NUMBERS[:3], "classes": CLASSES}, "rows, 3"),
    "no classes": (ConfigError, sequential(), {"columns": NUMBERS}, "2 outputs"),
    "other classes": (ConfigError, sequential(), {"columns": NUMBERS, "classes": list("abc")}, "names 3"),
    "unknown label": (ConfigError, sequential(), {"columns": NUMBERS, "classes": CLASSES, "label": "x"}, "label"),
    "unknown input": (
        ConfigError,
        networks.Entities(),
        {"inputs": {"code": ["a"], "numbers": ["b"]}, "classes": CLASSES},
        "did you mean 'codes'",
    ),
    "an input too few": (UnsupportedModelError, networks.Entities(), {"inputs": {"codes": ["a", "b"]}}, "numbers"),
    "two outputs": (UnsupportedModelError, TwoOutputs(), {"columns": NUMBERS, "classes": CLASSES}, "tuple"),
    "an odd shape": (UnsupportedModelError, Pictures(), {"columns": NUMBERS, "classes": CLASSES}, "shape"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_said_in_one_sentence(name: str) -> None:
    error, module, settings, words = WRONG[name]
    with pytest.raises(error, match=words) as stop:
        adapt(module, **settings)
    assert "\n" not in str(stop.value)
