"""Whatever the preprocessing, an input column moves its own encoded elements and no others."""

import warnings
from typing import Any

import adapter_tables as tables
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.decomposition import PCA, IncrementalPCA, TruncatedSVD
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)

from lrp_audit.adapters.tabular import TabularModel, adapt
from lrp_audit.errors import UnsupportedModelError

NUMBERS, CATEGORIES = tables.NUMBERS, tables.CATEGORIES
ENCODER = OneHotEncoder(handle_unknown="ignore")


def signed_root(values: Any) -> Any:
    return np.sign(values) * np.sqrt(np.abs(values))


def ratio(values: Any) -> Any:
    values = np.array(values, dtype=float)
    values[:, 0] = values[:, 0] / (1 + np.abs(values[:, 1]))
    return values


def centred(values: Any) -> Any:
    return np.asarray(values) - np.mean(np.asarray(values), axis=0)


def clipped_by_age(values: Any) -> Any:
    values = np.array(values, dtype=float)
    values[:, 1] = np.where(values[:, 0] == 70, 0.0, values[:, 1])
    return values


def filled(*then: Any, columns: Any = NUMBERS) -> ColumnTransformer:
    """Numbers imputed and put through `then`, categories one-hot encoded."""
    return make_column_transformer(
        (make_pipeline(SimpleImputer(), *then), columns),
        (make_pipeline(SimpleImputer(strategy="most_frequent"), ENCODER), CATEGORIES),
    )


SUPPORTED = {
    "standard": filled(StandardScaler()),
    "standard, no mean": filled(StandardScaler(with_mean=False)),
    "standard, no deviation": filled(StandardScaler(with_std=False)),
    "min-max": filled(MinMaxScaler()),
    "min-max, clipped": filled(MinMaxScaler(clip=True)),
    "robust": filled(RobustScaler()),
    "max-abs": filled(MaxAbsScaler()),
    "quantile": filled(QuantileTransformer(n_quantiles=20)),
    "power": filled(PowerTransformer()),
    "binarizer": filled(StandardScaler(), Binarizer()),
    "spline": filled(StandardScaler(), SplineTransformer(n_knots=4)),
    "bins, one-hot": filled(KBinsDiscretizer(4, quantile_method="averaged_inverted_cdf")),
    "bins, ordinal": filled(KBinsDiscretizer(4, encode="ordinal", quantile_method="averaged_inverted_cdf")),
    "function, ufunc": filled(FunctionTransformer(np.arcsinh)),
    "function, own": filled(FunctionTransformer(signed_root)),
    "function, none": filled(FunctionTransformer()),
    "imputer with indicator": make_column_transformer((SimpleImputer(add_indicator=True), NUMBERS)),
    "imputer of a marker": make_column_transformer(
        (SimpleImputer(missing_values=0, strategy="median"), ["months", "age"]), (SimpleImputer(), ["income"])
    ),
    "text imputer with indicator": make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="constant", fill_value="none"), ENCODER), CATEGORIES),
        (MissingIndicator(features="all"), ["purpose", "income"]),
        (SimpleImputer(strategy="most_frequent", add_indicator=True), ["income"]),
    ),
    "one-hot, missing as category": make_column_transformer((OneHotEncoder(), CATEGORIES), ("passthrough", ["age"])),
    "one-hot, drop first": make_column_transformer((OneHotEncoder(drop="first"), [*CATEGORIES, "employed"])),
    "one-hot, drop if binary": make_column_transformer((OneHotEncoder(drop="if_binary"), [*CATEGORIES, "employed"])),
    "one-hot, infrequent": make_column_transformer(
        (OneHotEncoder(min_frequency=0.2, handle_unknown="infrequent_if_exist"), CATEGORIES)
    ),
    "one-hot, at most two": make_column_transformer(
        (OneHotEncoder(max_categories=2, drop="first", sparse_output=False), [*CATEGORIES, "months"])
    ),
    "ordinal": make_column_transformer(
        (OrdinalEncoder(encoded_missing_value=-1), CATEGORIES), (SimpleImputer(), NUMBERS)
    ),
    "ordinal, unknown": make_column_transformer(
        (
            OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-2, encoded_missing_value=-1),
            [*CATEGORIES, "employed"],
        )
    ),
    "selector, remainder": make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="most_frequent"), ENCODER), make_column_selector(dtype_exclude="number")),
        remainder=make_pipeline(SimpleImputer(), StandardScaler()),
    ),
    "positions, slice and mask": ColumnTransformer(
        [
            ("a", SimpleImputer(), [1, 0]),
            ("b", StandardScaler(), slice(2, 4)),
            ("c", ENCODER, np.array([False] * 5 + [True, True])),
            ("d", MinMaxScaler(), slice("age", "age")),
            ("nothing", StandardScaler(), []),
            ("gone", "drop", ["employed"]),
        ]
    ),
    "nested": ColumnTransformer(
        [
            (
                "inner",
                Pipeline(
                    [
                        ("fill", SimpleImputer()),
                        ("split", ColumnTransformer([("a", RobustScaler(), [0, 2])], remainder="passthrough")),
                        ("none", "passthrough"),
                        ("scale", StandardScaler()),
                    ]
                ),
                NUMBERS,
            ),
            ("cat", ENCODER, CATEGORIES),
        ],
        transformer_weights={"cat": 3.0},
        sparse_threshold=1.0,
    ),
    "nested frames": make_pipeline(
        ColumnTransformer(
            [("fill", SimpleImputer(), NUMBERS), ("keep", SimpleImputer(strategy="most_frequent"), CATEGORIES)],
            verbose_feature_names_out=False,
        ).set_output(transform="pandas"),
        ColumnTransformer([("scale", StandardScaler(), ["debt", "age"]), ("hot", ENCODER, ["housing"])]),
    ),
    "union": make_column_transformer(
        (make_union(SimpleImputer(), MissingIndicator(features="all")), NUMBERS), ("drop", CATEGORIES)
    ),
    "union, weighted": make_column_transformer(
        (
            make_pipeline(
                SimpleImputer(),
                FeatureUnion(
                    [("a", StandardScaler()), ("b", "passthrough"), ("c", "drop")], transformer_weights={"a": 0.5}
                ),
            ),
            NUMBERS,
        )
    ),
    "selection": filled(StandardScaler(), SelectKBest(k=2)),
    "no variance": filled(VarianceThreshold(0.5)),
    "all numbers, no table transformer": make_pipeline(SimpleImputer(), StandardScaler()),
}
AFTER_A_MIXER = {
    "pca": filled(StandardScaler(), PCA(3)),
    "pca, whitened": filled(StandardScaler(), PCA(2, whiten=True), StandardScaler()),
    "incremental pca": filled(IncrementalPCA(2), RobustScaler()),
    "svd of everything": make_pipeline(filled(StandardScaler()), TruncatedSVD(4, random_state=0), MinMaxScaler()),
    "pca, split again": make_pipeline(
        filled(StandardScaler()),
        PCA(4),
        ColumnTransformer([("a", MaxAbsScaler(), [2, 0]), ("b", "passthrough", [1])]),
    ),
    "pca beside the columns": make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler(), make_union(PCA(2), "passthrough")), NUMBERS),
        remainder="drop",
    ),
    "two mixers": make_pipeline(filled(PCA(3)), VarianceThreshold(), FunctionTransformer(), PCA(2, whiten=True)),
}


def adapted(preprocessing: Any, *, rows: int = 160) -> tuple[TabularModel, pd.DataFrame]:
    """A pipeline on the preprocessing, fitted on loans, and loans it has not seen."""
    numbers_only = isinstance(preprocessing, Pipeline) and isinstance(preprocessing[0], SimpleImputer)
    use = [*NUMBERS, "employed"] if numbers_only else list(tables.loans(2).columns)
    frame, unseen = tables.loans(rows), tables.loans(60, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model = tables.fit(tables.behind(preprocessing), frame[use], tables.outcome(frame))
    return adapt(model), unseen[use]


@pytest.fixture(scope="module")
def all_adapted() -> dict[str, tuple[TabularModel, pd.DataFrame]]:
    return {name: adapted(step) for name, step in (SUPPORTED | AFTER_A_MIXER).items()}


@pytest.mark.parametrize("name", SUPPORTED | AFTER_A_MIXER)
def test_graph_and_estimator_agree_on_unseen_rows(name: str, all_adapted: Any) -> None:
    model, unseen = all_adapted[name]
    assert model.tolerance == 1e-9
    assert model.verify(unseen) < 1e-12


@pytest.mark.parametrize("name", SUPPORTED | AFTER_A_MIXER)
def test_a_column_moves_only_the_elements_it_owns(name: str, all_adapted: Any) -> None:
    model, unseen = all_adapted[name]
    (owners,) = model.owners.values()
    before = elements(model, unseen)
    assert before.shape[1] == len(owners)
    for place, column in enumerate(model.columns):
        changed = unseen.copy()
        changed[column] = unseen[column].to_numpy()[::-1]
        moved = (elements(model, changed) != before).any(axis=0)
        assert not moved[owners != place].any()
        if (owners == place).any():
            assert moved[owners == place].any(), f"{column} owns elements that never move"


@pytest.mark.parametrize("name", SUPPORTED | AFTER_A_MIXER)
def test_columns_left_out_of_a_model_do_not_matter(name: str, all_adapted: Any) -> None:
    model, unseen = all_adapted[name]
    needed = unseen[list(model.columns)]
    np.testing.assert_array_equal(model.estimate(needed), model.estimate(unseen))
    shuffled = unseen[sorted(unseen.columns)].assign(extra="not a column of the model")
    np.testing.assert_array_equal(elements(model, shuffled), elements(model, unseen))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_one_cell_moves_only_its_own_row_and_elements(data: st.DataObject, all_adapted: Any) -> None:
    model, unseen = all_adapted[data.draw(st.sampled_from(sorted(SUPPORTED)))]
    (owners,) = model.owners.values()
    row = data.draw(st.integers(0, len(unseen) - 1))
    place = data.draw(st.integers(0, len(model.columns) - 1))
    column = model.columns[place]
    changed = unseen.astype({column: object})
    changed.iloc[row, changed.columns.get_loc(column)] = data.draw(st.sampled_from(unseen[column].dropna().tolist()))
    moved = elements(model, changed) != elements(model, unseen)
    assert not np.delete(moved, row, axis=0).any()
    assert not moved[row][owners != place].any()


def elements(model: TabularModel, frame: pd.DataFrame) -> np.ndarray:
    (tensor,) = model.encode(frame).inputs.values()
    return np.asarray(tensor.numpy())


@pytest.mark.parametrize(
    "columns", [slice(1, 3), slice(0, 4, 2), slice(-2, None), [3, 0], [-1], np.array([True, False, False, True])]
)
def test_positions_in_a_table_fitted_without_names(columns: Any) -> None:
    frame = tables.loans(missing=False)[NUMBERS]
    steps = ColumnTransformer([("some", StandardScaler(), columns), ("first", MinMaxScaler(), [0])])
    user = tables.fit(tables.behind(steps), frame.to_numpy(), tables.outcome(tables.loans()))
    model = adapt(user, columns=NUMBERS)
    assert model.verify(frame) < 1e-12
    chosen = np.arange(4)[columns]
    assert set(model.columns) == {NUMBERS[i] for i in [*chosen, 0]}
    (owners,) = model.owners.values()
    assert [model.columns[owner] for owner in owners] == [NUMBERS[i] for i in [*chosen, 0]]


def test_columns_an_imputer_drops_own_nothing() -> None:
    frame = tables.loans().assign(empty=np.nan)
    steps = make_column_transformer((SimpleImputer(add_indicator=True), [*NUMBERS, "empty"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model = adapt(tables.fit(tables.behind(steps), frame))
    unseen = tables.loans(40, seed=3).assign(empty=np.nan)
    assert model.verify(unseen) < 1e-12
    (owners,) = model.owners.values()
    names = [model.columns[owner] for owner in owners]
    assert names == [*NUMBERS, "income", "empty"]  # filled ones, then the two with an indicator


@pytest.mark.parametrize("strategy", ["mean", "most_frequent", "constant"])
def test_columns_an_imputer_keeps_though_empty_own_their_element(strategy: str) -> None:
    frame = tables.loans().assign(empty=np.nan)
    steps = make_column_transformer((SimpleImputer(keep_empty_features=True, strategy=strategy), [*NUMBERS, "empty"]))
    model = adapt(tables.fit(tables.behind(steps), frame))
    (owners,) = model.owners.values()
    assert [model.columns[owner] for owner in owners] == [*NUMBERS, "empty"]
    assert model.verify(tables.loans(40, seed=3).assign(empty=5.0)) < 1e-12


def test_what_was_missing_and_what_was_filled_in_is_known() -> None:
    frame = tables.loans()
    steps = make_column_transformer(
        (SimpleImputer(), ["income"]),
        (SimpleImputer(missing_values=0, strategy="median"), ["months"]),
        (OneHotEncoder(), ["purpose"]),
        ("passthrough", ["age"]),
    )
    model = adapt(tables.fit(tables.behind(steps), frame))
    encoded = model.encode(frame)
    known = dict(zip(model.columns, encoded.missing.T, strict=True))
    np.testing.assert_array_equal(known["income"], frame["income"].isna())
    np.testing.assert_array_equal(known["months"], frame["months"] == 0)
    np.testing.assert_array_equal(known["purpose"], frame["purpose"].isna())
    filled_in = dict(zip(model.columns, encoded.imputed.T, strict=True))
    np.testing.assert_array_equal(filled_in["income"], known["income"])
    np.testing.assert_array_equal(filled_in["months"], known["months"])
    assert not filled_in["purpose"].any()
    assert not filled_in["age"].any()


def test_transformed_values_are_what_the_network_saw() -> None:
    model, unseen = adapted(filled(StandardScaler()))
    encoded = model.encode(unseen)
    values = dict(zip(model.columns, model.transformed(encoded), strict=True))
    assert sum(one.shape[1] for one in values.values()) == elements(model, unseen).shape[1]
    assert set(np.unique(values["housing"])) == {0.0, 1.0}
    np.testing.assert_allclose(values["housing"].sum(axis=1), 1)
    assert abs(values["age"].mean()) < 1
    np.testing.assert_array_equal(
        np.argsort(values["age"][:, 0], kind="stable"), np.argsort(unseen["age"], kind="stable")
    )


def test_relevance_of_elements_adds_up_in_columns() -> None:
    import torch

    model, unseen = adapted(filled(StandardScaler()))
    encoded = model.encode(unseen)
    (name,) = encoded.inputs
    relevance = torch.randn(encoded.inputs[name].shape, generator=torch.Generator().manual_seed(0)).double()
    columns = model.to_columns({name: relevance})
    np.testing.assert_allclose(columns.sum(axis=1), relevance.sum(dim=1).numpy(), rtol=0, atol=1e-12)
    purpose = model.columns.index("purpose")
    np.testing.assert_allclose(
        columns[:, purpose], relevance[:, model.owners[name] == purpose].sum(dim=1).numpy(), atol=1e-12
    )


REFUSED = {
    "a mixing function": (filled(FunctionTransformer(ratio)), "functiontransformer"),
    "a function over rows": (filled(FunctionTransformer(centred)), "functiontransformer"),
    "a function that adds columns": (filled(FunctionTransformer(lambda x: np.hstack([x, x]))), "functiontransformer"),
    "a row norm": (filled(Normalizer()), "normalizer"),
    "products": (filled(PolynomialFeatures(2)), "polynomialfeatures"),
    "neighbours": (make_column_transformer((KNNImputer(), NUMBERS)), "knnimputer"),
    "bins after pca": (
        filled(PCA(2), KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf")),
        "kbinsdiscretizer",
    ),
    "ranks after pca": (filled(PCA(2), QuantileTransformer(n_quantiles=9)), "quantiletransformer"),
    "clipping after pca": (filled(PCA(2), MinMaxScaler(clip=True)), "minmaxscaler"),
    "a function after pca": (filled(PCA(2), FunctionTransformer(np.tanh)), "functiontransformer"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_traced_is_refused_by_the_name_of_its_step(name: str) -> None:
    steps, step = REFUSED[name]
    model = tables.fit(tables.behind(steps), tables.loans())
    with pytest.raises(UnsupportedModelError, match=step):
        adapt(model)


def test_a_function_that_mixes_only_on_real_rows_is_found_by_verify() -> None:
    frame = tables.loans(missing=False)
    steps = make_column_transformer((FunctionTransformer(clipped_by_age), ["age", "debt"]))
    model = adapt(tables.fit(tables.behind(steps), frame))
    with pytest.raises(UnsupportedModelError, match="functiontransformer"):
        model.verify(frame)


def test_a_single_column_given_as_a_series_is_refused() -> None:
    steps = ColumnTransformer([("one", FunctionTransformer(np.asarray), "age"), ("two", "passthrough", ["debt"])])
    transformer = FunctionTransformer(lambda x: np.asarray(x, dtype=float).reshape(-1, 1))
    steps = ColumnTransformer([("one", transformer, "age"), ("two", "passthrough", ["debt"])])
    model = tables.fit(tables.behind(steps), tables.loans())
    with pytest.raises(UnsupportedModelError, match=r"\['age'\]"):
        adapt(model)
