"""Every supported estimator is the network it is said to be, and its margin means what it decides."""

import warnings
from typing import Any

import adapter_tables as tables
import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, StackingClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    RidgeCV,
    SGDClassifier,
    SGDRegressor,
    TweedieRegressor,
)
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC, LinearSVR

from lrp_audit.adapters.margins import margin_of
from lrp_audit.adapters.tabular import TabularModel, adapt
from lrp_audit.errors import ConfigError, UnsupportedModelError

NUMBERS = tables.NUMBERS


def front() -> Any:
    return make_column_transformer((make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS))


def fitted(estimator: Any, target: Any = None) -> Any:
    frame = tables.loans()
    return tables.fit(make_pipeline(front(), estimator), frame, tables.outcome(frame) if target is None else target)


def amount(frame: pd.DataFrame) -> Any:
    return np.exp(frame["age"] / 40 + frame["debt"] / 5).to_numpy()


TRAINED = tables.network(max_iter=60, learning_rate_init=0.02)
UNSEEN = tables.loans(80, seed=7)
CLASSIFIERS = {
    **{f"mlp, {name}": tables.network(activation=name) for name in ("relu", "tanh", "logistic", "identity")},
    "mlp, no hidden layer": MLPClassifier((), max_iter=3, random_state=0),
    "mlp, deep": MLPClassifier((5, 5, 5, 5), max_iter=3, random_state=0),
    "logistic": LogisticRegression(),
    "logistic, no intercept": LogisticRegression(fit_intercept=False),
    "logistic, cross-validated": LogisticRegressionCV(
        Cs=2, cv=2, l1_ratios=(0,), scoring="accuracy", use_legacy_attributes=False
    ),
    "sgd, log loss": SGDClassifier(loss="log_loss", random_state=0),
}
DECIDERS = {
    "linear svc": LinearSVC(),
    "ridge classifier": RidgeClassifier(),
    "perceptron": Perceptron(),
    "sgd, hinge": SGDClassifier(random_state=0),
}
REGRESSORS = {
    **{
        f"mlp, {name}": MLPRegressor(hidden_layer_sizes=(6,), activation=name, max_iter=3, random_state=0)
        for name in ("relu", "tanh")
    },
    "linear": LinearRegression(),
    "ridge": Ridge(),
    "ridge, cross-validated": RidgeCV(),
    "lasso": Lasso(),
    "elastic net": ElasticNet(),
    "huber": HuberRegressor(),
    "sgd": SGDRegressor(random_state=0),
    "linear svr": LinearSVR(),
    "tweedie, identity": TweedieRegressor(power=0),
}
LOG_REGRESSORS = {
    "poisson": PoissonRegressor(),
    "gamma": GammaRegressor(),
    "tweedie, log": TweedieRegressor(power=1.5),
    "mlp, poisson": MLPRegressor("poisson", hidden_layer_sizes=(6,), max_iter=3, random_state=0),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("classes", [2, 3])
def test_a_classifier_is_its_network(name: str, classes: int) -> None:
    if name.startswith("sgd") and classes > 2:
        pytest.skip("one-vs-rest with normalised probabilities has no single margin")
    frame = tables.loans()
    user = fitted(CLASSIFIERS[name], tables.outcome(frame, classes))
    model = adapt(user)
    assert model.classes == ("a", "b", "c")[:classes]
    assert model.verify(UNSEEN) < 1e-12
    np.testing.assert_array_equal(model.estimate(UNSEEN), user.predict_proba(UNSEEN))
    for index, name_ in enumerate(model.classes):
        margin = margins(model, name_)
        np.testing.assert_allclose(
            model.probability(margin, name_), user.predict_proba(UNSEEN)[:, index], rtol=1e-10, atol=1e-15
        )
        np.testing.assert_allclose(model.estimated_margin(model.encode(UNSEEN), name_), margin, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", DECIDERS)
@pytest.mark.parametrize("classes", [2, 3])
def test_a_classifier_without_probabilities_has_decision_values(name: str, classes: int) -> None:
    frame = tables.loans()
    user = fitted(DECIDERS[name], tables.outcome(frame, classes))
    model = adapt(user)
    assert model.link == "identity"
    assert model.verify(UNSEEN) < 1e-12
    decided = user.predict(UNSEEN)
    for one in model.classes:
        margin = margins(model, one, "runner-up")
        np.testing.assert_array_equal(margin > 0, decided == one)
        np.testing.assert_allclose(
            model.estimated_margin(model.encode(UNSEEN), one, "runner-up"), margin, rtol=1e-9, atol=1e-9
        )
    with pytest.raises(ConfigError, match="cutoff_on"):
        model.margin_of_score(np.array([0.5]), "a")


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_regressor_is_its_network(name: str) -> None:
    user = fitted(REGRESSORS[name], amount(tables.loans()))
    model = adapt(user)
    assert model.classes == ()
    assert model.verify(UNSEEN) < 1e-12
    np.testing.assert_allclose(margins(model, "above"), user.predict(UNSEEN), rtol=1e-10)
    np.testing.assert_allclose(margins(model, "below"), -user.predict(UNSEEN), rtol=1e-10)


@pytest.mark.parametrize("name", LOG_REGRESSORS)
def test_a_regressor_with_log_link_has_the_logarithm_as_margin(name: str) -> None:
    user = fitted(LOG_REGRESSORS[name], amount(tables.loans()))
    model = adapt(user)
    assert model.link == "log"
    assert model.verify(UNSEEN) < 1e-12
    for side in ("above", "below"):
        margin = margins(model, side)
        np.testing.assert_allclose(model.probability(margin, side), user.predict(UNSEEN), rtol=1e-10)
        np.testing.assert_allclose(model.estimated_margin(model.encode(UNSEEN), side), margin, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("side", ["above", "below"])
def test_a_regressors_cutoff_decides_alike_on_value_and_margin(side: str) -> None:
    model = adapt(fitted(PoissonRegressor(), amount(tables.loans())))
    cutoff = 5.0
    refused = margins(model, side) >= model.margin_of_score(np.array([cutoff]), side)[0]
    values = model.estimate(UNSEEN)
    np.testing.assert_array_equal(refused, values >= cutoff if side == "above" else values <= cutoff)
    assert 0 < refused.sum() < len(refused)


def margins(model: TabularModel, adverse: str, against: Any = "others") -> np.ndarray:
    raw = torch.from_numpy(model.raw(model.encode(UNSEEN)))
    return np.asarray(margin_of(raw, model.margin_target(adverse, against)).numpy())


def test_several_classes_are_compared_with_all_others_or_the_strongest() -> None:
    frame = tables.loans()
    model = adapt(fitted(tables.network(), tables.outcome(frame, 4)))
    probability = model.estimate(UNSEEN)
    for index, name in enumerate(model.classes):
        others = np.delete(probability, index, axis=1)
        np.testing.assert_allclose(
            margins(model, name), np.log(probability[:, index] / others.sum(axis=1)), rtol=1e-9, atol=1e-12
        )
        np.testing.assert_allclose(
            margins(model, name, "runner-up"), np.log(probability[:, index] / others.max(axis=1)), rtol=1e-9, atol=1e-12
        )
        target: Any = model.margin_target(name, "runner-up")
        raw = torch.from_numpy(model.raw(model.encode(UNSEEN)))
        a, b = target.pairs(raw)
        rows = torch.arange(len(raw))
        torch.testing.assert_close(raw[rows, a] - raw[rows, b], target(raw))
        assert (a == index).all()
        assert (b != index).all()
        np.testing.assert_allclose(
            model.estimated_margin(model.encode(UNSEEN), name, "runner-up"),
            margins(model, name, "runner-up"),
            atol=1e-9,
        )


def test_two_classes_have_opposite_margins() -> None:
    model = adapt(fitted(tables.network()))
    np.testing.assert_array_equal(margins(model, "a"), -margins(model, "b"))
    assert model.describe_target("a") == "logit of 'a' over 'b'"


def test_a_saturated_probability_does_not_move_the_margin() -> None:
    frame = tables.loans()
    user = fitted(LogisticRegression(C=1e6))
    user[-1].coef_ *= 1e5
    model = adapt(user)
    assert (model.estimate(frame)[:, 1] == 1).any()
    estimated = model.estimated_margin(model.encode(UNSEEN), "b")
    assert np.isfinite(estimated).all()
    np.testing.assert_allclose(estimated, margins(model, "b"), rtol=1e-9)


@pytest.mark.parametrize("label", ["0", "2"])
def test_a_multi_label_network_decides_on_one_label(label: str) -> None:
    frame = tables.loans()
    labels = np.stack([frame["age"] > 40, frame["debt"] > 0, frame["months"] > 2], axis=1).astype(int)
    user = fitted(tables.network(), labels)
    model = adapt(user, label=label)
    assert model.classes == ("0", "1")
    assert model.verify(UNSEEN) < 1e-12
    np.testing.assert_allclose(model.estimate(UNSEEN)[:, 1], user.predict_proba(UNSEEN)[:, int(label)])
    named = adapt(user, label="late", classes=["late", "indebted", "new"])
    np.testing.assert_array_equal(named.estimate(UNSEEN)[:, 1], user.predict_proba(UNSEEN)[:, 0])
    with pytest.raises(UnsupportedModelError, match=r"decision\] label"):
        adapt(user)
    with pytest.raises(UnsupportedModelError, match="'9'"):
        adapt(user, label="9")


def test_single_precision_weights_lower_the_promise() -> None:
    frame = tables.loans(missing=False)[NUMBERS].astype(np.float32)
    user = tables.fit(make_pipeline(StandardScaler(), tables.network()), frame, tables.outcome(tables.loans()))
    model = adapt(user)
    assert model.tolerance == 1e-5
    assert model.verify(frame) < 1e-5
    assert model.encode(frame).inputs["input"].dtype is torch.float64


def test_searches_and_frozen_estimators_are_looked_into() -> None:
    frame = tables.loans()
    search = GridSearchCV(make_pipeline(front(), tables.network()), {"mlpclassifier__alpha": [0.1, 1.0]}, cv=2)
    model = adapt(tables.fit(search, frame))
    assert model.verify(UNSEEN) < 1e-12
    assert model.kind == "scikit-learn Pipeline ending in MLPClassifier"
    assert adapt(FrozenEstimator(search.best_estimator_)).verify(UNSEEN) < 1e-12


def test_an_estimator_alone_and_one_fitted_without_names() -> None:
    frame = tables.loans(missing=False)[NUMBERS]
    target = tables.outcome(tables.loans())
    alone = adapt(tables.fit(tables.network(), frame, target))
    assert alone.columns == tuple(NUMBERS)
    assert alone.preprocessing_sha256 is None
    assert alone.verify(frame) < 1e-12
    nameless = tables.fit(tables.behind(StandardScaler()), frame.to_numpy(), target)
    with pytest.raises(ConfigError, match=r"4 input columns.*model\.columns"):
        adapt(nameless)
    with pytest.raises(ConfigError, match="names 3 columns"):
        adapt(nameless, columns=NUMBERS[:3])
    assert adapt(nameless, columns=NUMBERS).verify(frame) < 1e-12
    with pytest.raises(ConfigError, match="differs from the columns"):
        adapt(tables.fit(tables.network(), frame, target), columns=NUMBERS[::-1])


def test_a_preprocessor_may_stand_apart() -> None:
    frame = tables.loans()
    preprocessor = front().fit(frame)
    classifier = tables.fit(tables.network(), preprocessor.transform(frame), tables.outcome(frame))
    model = adapt(classifier, preprocessor=preprocessor)
    assert model.verify(UNSEEN) < 1e-12
    assert model.columns == tuple(NUMBERS)


def test_classes_can_be_renamed_but_not_shuffled() -> None:
    user = fitted(tables.network())
    assert adapt(user, classes=["repaid", "defaulted"]).classes == ("repaid", "defaulted")
    for wrong in (["b", "a"], ["x", "y", "z"]):
        with pytest.raises(ConfigError, match=r"model\.classes"):
            adapt(user, classes=wrong)


def test_an_unknown_adverse_class_is_named_with_the_nearest() -> None:
    model = adapt(fitted(tables.network()), classes=["approved", "denied"])
    with pytest.raises(ConfigError, match="did you mean 'denied'"):
        model.margin_target("deneid")
    with pytest.raises(ConfigError, match="'below', 'above'"):
        adapt(fitted(Ridge(), amount(tables.loans()))).margin_target("higher")


# --- calibration ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inner", [TRAINED, LogisticRegression(), LinearSVC()])
@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_one_calibrated_estimator_is_unwrapped(inner: Any, method: str) -> None:
    frame = tables.loans()
    user = tables.fit(CalibratedClassifierCV(make_pipeline(front(), inner), method=method, ensemble=False, cv=3), frame)
    model = adapt(user)
    assert model.verify(UNSEEN) < 1e-12
    estimate = user.predict_proba(UNSEEN)
    for index, name in enumerate(model.classes):
        margin = margins(model, name)
        np.testing.assert_allclose(model.probability(margin, name), estimate[:, index], rtol=1e-9, atol=1e-12)
        for cutoff in (0.2, 0.37, 0.5, 0.71):
            line = model.margin_of_score(np.array([cutoff]), name)[0]
            np.testing.assert_array_equal(margin >= line, model.probability(margin, name) >= cutoff)
        np.testing.assert_allclose(model.estimated_margin(model.encode(UNSEEN), name), margin, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("outside", [True, False])
@pytest.mark.parametrize("inner", [TRAINED, LogisticRegression()])
def test_calibrated_folds_become_one_graph(inner: Any, outside: bool) -> None:
    frame = tables.loans()
    if outside:
        user = CalibratedClassifierCV(make_pipeline(front(), inner), cv=3)
    else:
        user = make_pipeline(front(), CalibratedClassifierCV(inner, cv=3))
    model = adapt(tables.fit(user, frame))
    assert model.verify(UNSEEN) < 1e-12
    probability = user.predict_proba(UNSEEN)[:, 1]
    np.testing.assert_allclose(margins(model, "b"), np.log(probability / (1 - probability)), rtol=1e-9, atol=1e-9)
    (owners,) = model.owners.values()
    assert len(owners) == (3 if outside else 1) * len(NUMBERS)
    assert model.columns == tuple(NUMBERS)
    names, before = list(model.encode(UNSEEN).inputs.values()), model.raw(model.encode(UNSEEN))
    changed = UNSEEN.assign(age=UNSEEN["age"].to_numpy()[::-1])
    moved = (model.encode(changed).inputs["input"] != names[0]).any(dim=0).numpy()
    np.testing.assert_array_equal(moved, owners == model.columns.index("age"))
    assert (model.raw(model.encode(changed)) != before).any()


def test_calibrations_without_one_margin_are_refused() -> None:
    frame = tables.loans()
    several = fitted(CalibratedClassifierCV(LogisticRegression(), cv=2), tables.outcome(frame, 3))
    with pytest.raises(UnsupportedModelError, match="several classes"):
        adapt(several)
    isotonic = fitted(CalibratedClassifierCV(LogisticRegression(), method="isotonic", cv=2))
    with pytest.raises(UnsupportedModelError, match="isotonic"):
        adapt(isotonic)
    temperature = fitted(CalibratedClassifierCV(LogisticRegression(), method="temperature", ensemble=False))
    with pytest.raises(UnsupportedModelError, match="temperature"):
        adapt(temperature)
    twice = fitted(CalibratedClassifierCV(CalibratedClassifierCV(LogisticRegression(), ensemble=False), ensemble=False))
    with pytest.raises(UnsupportedModelError, match="calibrated"):
        adapt(twice)


@pytest.mark.parametrize("ensemble", [True, False])
def test_an_inverted_calibrator_is_refused(ensemble: bool) -> None:
    frame = tables.loans()
    backwards = fitted(LogisticRegression(), np.where(tables.outcome(frame) == "a", "b", "a"))
    if ensemble:
        user = make_pipeline(front(), CalibratedClassifierCV(LogisticRegression(), cv=2)).fit(
            frame, tables.outcome(frame)
        )
        user[-1].calibrated_classifiers_[1].calibrators[0].a_ *= -1
    else:
        user = CalibratedClassifierCV(FrozenEstimator(backwards)).fit(frame, tables.outcome(frame))
    with pytest.raises(UnsupportedModelError, match="turns the classifier's scores around"):
        adapt(user)


# --- refusals ---------------------------------------------------------------------------------------------------------

OUT_OF_SCOPE = {
    "forest": (RandomForestClassifier(3), "TreeExplainer"),
    "boosting": (HistGradientBoostingClassifier(max_iter=2), "TreeExplainer"),
    "neighbours": (KNeighborsClassifier(), "KernelExplainer"),
    "kernel svc": (SVC(), "KernelExplainer"),
    "bayes": (GaussianNB(), "KernelExplainer"),
    "stack": (StackingClassifier([("a", LogisticRegression())]), "KernelExplainer"),
}


@pytest.mark.parametrize("name", OUT_OF_SCOPE)
@pytest.mark.parametrize("alone", [True, False])
def test_models_without_a_graph_are_out_of_scope_in_one_sentence(name: str, alone: bool) -> None:
    estimator, advice = OUT_OF_SCOPE[name]
    frame = tables.loans(missing=False)[NUMBERS]
    user = estimator if alone else make_pipeline(StandardScaler(), estimator)
    tables.fit(user, frame, tables.outcome(tables.loans()))
    with pytest.raises(UnsupportedModelError, match="out of scope") as stop:
        adapt(user)
    assert advice in str(stop.value)
    assert str(stop.value).count("\n") == 0


def test_other_models_that_cannot_be_one_margin_are_refused() -> None:
    frame = tables.loans(missing=False)[NUMBERS]
    amounts = amount(frame)
    several = np.stack([amounts, amounts], axis=1)
    for model in (LinearRegression(), MLPRegressor(hidden_layer_sizes=(3,), max_iter=3)):
        with pytest.raises(UnsupportedModelError, match="2 outputs"):
            adapt(tables.fit(model, frame, several))
    with pytest.raises(UnsupportedModelError, match="regressor_"):
        adapt(TransformedTargetRegressor(Ridge(), func=np.log, inverse_func=np.exp).fit(frame, amounts))
    with pytest.raises(UnsupportedModelError, match="not fitted"):
        adapt(make_pipeline(StandardScaler(), LogisticRegression()))
    with pytest.raises(UnsupportedModelError, match="neither"):
        adapt({"weights": 1})
    with pytest.raises(UnsupportedModelError, match="multi-label"):
        adapt(tables.fit(LogisticRegression(), frame, tables.outcome(tables.loans())), label="a")


def test_a_graph_that_is_not_the_model_is_refused_with_both_numbers() -> None:
    user = fitted(tables.network())
    model = adapt(user)
    user[-1].coefs_[0][0, 0] += 1e-3
    with pytest.raises(UnsupportedModelError, match=r"disagree: .* against .*1e-09"):
        model.verify(UNSEEN)


def test_the_users_model_and_table_stay_as_they_are() -> None:
    user, frame = fitted(tables.network()), tables.loans(30)
    before, weights = frame.copy(deep=True), [one.copy() for one in user[-1].coefs_]
    model = adapt(user)
    model.verify(frame)
    model.invalid(frame)
    with torch.no_grad():
        for parameter in model.module.parameters():
            parameter.zero_()
    pd.testing.assert_frame_equal(frame, before)
    for one, two in zip(user[-1].coefs_, weights, strict=True):
        np.testing.assert_array_equal(one, two)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.estimate(frame)
