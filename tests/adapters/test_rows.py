"""Which rows cannot be scored and why, and tables of every column type."""

from decimal import Decimal
from typing import Any

import adapter_tables as tables
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, KBinsDiscretizer, OneHotEncoder, OrdinalEncoder, StandardScaler

from lrp_audit.adapters.tabular import TabularModel, adapt
from lrp_audit.errors import DataError

STRICT = make_column_transformer(
    (make_pipeline(SimpleImputer(), StandardScaler()), ["income"]),
    (StandardScaler(), ["age", "debt"]),
    ("passthrough", ["employed"]),
    (OneHotEncoder(), ["housing"]),
    (OrdinalEncoder(), ["purpose"]),
    (KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"), ["months"]),
)


@pytest.fixture(scope="module")
def strict() -> TabularModel:
    frame = tables.loans()
    frame["purpose"] = frame["purpose"].fillna("other")
    return adapt(tables.fit(tables.behind(STRICT), frame))


def good(rows: int = 12) -> pd.DataFrame:
    frame = tables.loans(rows, seed=5)
    return frame.assign(purpose=frame["purpose"].fillna("car"))


def with_cell(frame: pd.DataFrame, row: int, column: str, value: Any) -> pd.DataFrame:
    changed = frame.astype({column: object})
    changed.iat[row, changed.columns.get_loc(column)] = value
    return changed


BAD_CELLS = {
    "missing, no imputer": ("age", np.nan, "is missing"),
    "none, no imputer": ("debt", None, "is missing"),
    "missing truth value": ("employed", None, "is missing"),
    "missing, before bins": ("months", np.nan, "is missing"),
    "infinite, imputed column": ("income", np.inf, "infinite"),
    "infinite": ("debt", -np.inf, "infinite"),
    "infinite as text": ("debt", "inf", "infinite"),
    "too large to be squared": ("debt", -1.3e293, "larger than any number"),
    "too large, imputed column": ("income", 1e101, "larger than any number"),
    "text": ("age", "forty", "not a number"),
    "text in an imputed column": ("income", "12,5", "not a number"),
    "unknown category": ("housing", "castle", "category"),
    "unknown ordinal category": ("purpose", "boat", "category"),
    "missing category": ("purpose", None, "category"),
    "number as category": ("housing", 3, "not text"),
}


@pytest.mark.parametrize("name", BAD_CELLS)
def test_a_bad_cell_spoils_its_row_alone(name: str, strict: TabularModel) -> None:
    column, value, why = BAD_CELLS[name]
    frame = with_cell(good(), 4, column, value)
    found = strict.invalid(frame)
    assert list(found) == [4]
    assert found[4][0] == column
    assert why in found[4][1]
    others = frame.drop(index=4)
    assert strict.invalid(others) == {}
    np.testing.assert_allclose(
        strict.raw(strict.encode(others)), np.delete(strict.raw(strict.encode(good())), 4, axis=0), rtol=1e-12
    )
    np.testing.assert_allclose(strict.estimate(others), strict.estimate(good().drop(index=4)))
    with pytest.raises(DataError):
        strict.encode(frame)


def test_several_bad_rows_are_all_found(strict: TabularModel) -> None:
    frame = good(len(BAD_CELLS) + 2)
    for row, (column, value, _) in enumerate(BAD_CELLS.values()):
        frame = with_cell(frame, row, column, value)
    found = strict.invalid(frame)
    assert {row: column for row, (column, _) in found.items()} == {
        row: column for row, (column, _, _) in enumerate(BAD_CELLS.values())
    }


def test_rows_that_only_look_odd_are_fine(strict: TabularModel) -> None:
    frame = good()
    assert strict.invalid(frame) == {}
    frame = with_cell(frame, 0, "age", "44")
    frame = with_cell(frame, 1, "debt", Decimal("1.5"))
    frame = with_cell(frame, 2, "income", None)
    frame = with_cell(frame, 3, "employed", 1)
    assert strict.invalid(frame) == {}
    same = good()
    same.loc[0, "age"] = 44
    same.loc[1, "debt"] = 1.5
    same.loc[2, "income"] = np.nan
    same.loc[3, "employed"] = True
    np.testing.assert_array_equal(strict.raw(strict.encode(frame)), strict.raw(strict.encode(same)))


def test_positions_count_rows_whatever_the_index(strict: TabularModel) -> None:
    frame = with_cell(good(), 2, "debt", np.nan)
    frame.index = pd.Index([7] * len(frame))
    assert list(strict.invalid(frame)) == [2]


@settings(max_examples=40)
@given(
    cells=st.lists(
        st.tuples(
            st.integers(0, 5),
            st.sampled_from(["age", "income", "debt", "months", "employed", "purpose", "housing"]),
            st.one_of(
                st.none(),
                st.floats(),
                st.integers(-(2**70), 2**70),
                st.booleans(),
                st.text(max_size=5),
                st.sampled_from(["car", "own", "1e400", "nan", pd.NA, pd.NaT, np.float32(2), Decimal("NaN")]),
            ),
        ),
        max_size=6,
    )
)
def test_whatever_stands_in_cells_rows_not_booked_can_be_scored(
    strict: TabularModel, cells: list[tuple[int, str, Any]]
) -> None:
    frame = good(8)
    for row, column, value in cells:
        frame = with_cell(frame, row, column, value)
    try:
        found = strict.invalid(frame)
    except DataError:
        return
    valid = frame.drop(index=list(found))
    assert np.isfinite(strict.raw(strict.encode(valid))).all()
    assert np.isfinite(strict.estimate(valid)).all()
    assert {6, 7} <= set(valid.index)


def test_what_a_function_is_not_defined_on_is_booked() -> None:
    steps = make_column_transformer((FunctionTransformer(np.log), ["income"]), ("passthrough", ["debt"]))
    model = adapt(tables.fit(tables.behind(steps), tables.loans(missing=False)))
    frame = with_cell(tables.loans(5, missing=False), 3, "income", -1.0)
    (found,) = model.invalid(frame).values()
    assert found[0] == "income"
    assert "range" in found[1]


WHOLE_TABLE = {
    "lacks a column": (lambda f: f.drop(columns="debt"), "'debt'"),
    "lacks a column, near": (lambda f: f.rename(columns={"housing": "housng"}), "did you mean 'housng'"),
    "has a column twice": (lambda f: pd.concat([f, f[["age"]]], axis=1), "'age' twice"),
    "text throughout": (lambda f: f.assign(age="young"), "'age' holds text throughout"),
    "dates for numbers": (lambda f: f.assign(age=pd.Timestamp("2020-01-01")), "'age'"),
    "numbers for text": (lambda f: f.assign(housing=1.0), "'housing' holds numbers"),
}


@pytest.mark.parametrize("name", WHOLE_TABLE)
def test_a_column_wrong_throughout_is_the_tables_error(name: str, strict: TabularModel) -> None:
    change, words = WHOLE_TABLE[name]
    with pytest.raises(DataError, match=words) as stop:
        strict.invalid(change(good()))
    assert str(stop.value).count("\n") == 0
    for ask in (strict.encode, strict.estimate):
        with pytest.raises(DataError, match=words):
            ask(change(good()))


def test_an_empty_table_has_no_rows(strict: TabularModel) -> None:
    empty = good().iloc[:0]
    assert strict.invalid(empty) == {}
    encoded = strict.encode(empty)
    assert len(encoded) == 0
    assert strict.raw(encoded).shape == (0, 1)
    assert strict.verify(empty) == 0


COLUMN_TYPES = {
    "nullable": lambda f: f.convert_dtypes(),
    "arrow": lambda f: f.convert_dtypes(dtype_backend="pyarrow"),
    "objects": lambda f: f.astype(object),
    "text": lambda f: f.astype({"age": str, "debt": str}),
    "categories": lambda f: f.astype({"purpose": "category", "housing": "category", "months": "category"}),
    "narrow": lambda f: f.astype({"age": np.int8, "debt": np.float64, "months": np.int16, "employed": np.uint8}),
    "string": lambda f: f.astype({"purpose": "string", "housing": "string"}),
    "single, widened": lambda f: f.astype({"months": np.float32}),
}


@pytest.mark.parametrize("name", COLUMN_TYPES)
@pytest.mark.parametrize("missing", [True, False])
def test_column_types_do_not_matter(name: str, missing: bool) -> None:
    steps = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), tables.NUMBERS),
        ("passthrough", ["employed"]),
        (OneHotEncoder(handle_unknown="ignore"), tables.CATEGORIES),
    )
    model = adapt(tables.fit(tables.behind(steps), tables.loans()))
    plain = tables.loans(50, seed=9, missing=missing)
    changed = COLUMN_TYPES[name](plain)
    kept = changed.copy(deep=True)
    assert model.invalid(changed) == {}
    np.testing.assert_array_equal(model.raw(model.encode(changed)), model.raw(model.encode(plain)))
    np.testing.assert_array_equal(model.estimate(changed), model.estimate(plain))
    np.testing.assert_array_equal(model.encode(changed).missing, model.encode(plain).missing)
    pd.testing.assert_frame_equal(changed, kept)


@pytest.mark.parametrize("unknown", ["error", "ignore"])
def test_text_among_truth_values_is_booked(unknown: str) -> None:
    frame = tables.loans(missing=False)
    steps = make_column_transformer((OneHotEncoder(handle_unknown=unknown), ["employed"]), ("passthrough", ["debt"]))
    model = adapt(tables.fit(tables.behind(steps), frame))
    assert model.invalid(frame) == {}
    bad = with_cell(frame, 3, "employed", "yes")
    assert list(model.invalid(bad)) == [3]
    assert model.verify(bad.drop(index=3)) < 1e-12


def test_numbers_as_categories_need_not_be_whole_numbers_in_the_table() -> None:
    frame = tables.loans(missing=False)
    frame["months"] = frame["months"].astype(int)
    steps = make_column_transformer((OneHotEncoder(), ["months"]), ("passthrough", ["debt"]))
    model = adapt(tables.fit(tables.behind(steps), frame))
    for kind in (float, str, object, "Int64"):
        assert model.invalid(frame.astype({"months": kind})) == {}
        np.testing.assert_array_equal(model.estimate(frame.astype({"months": kind})), model.estimate(frame))
    (found,) = model.invalid(with_cell(frame, 3, "months", 99)).items()
    assert found == (3, ("months", "holds a category the model was not trained on"))
