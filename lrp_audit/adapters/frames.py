"""Reading a data frame's columns as what the model was trained on: numbers or text, whatever type they arrive in."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from pandas.api import types

from lrp_audit.adapters.nodes import BoolArray, Kind
from lrp_audit.errors import DataError

MIN_ROWS_FOR_THROUGHOUT = 2  # one bad cell in one row is a bad row, not a bad table


def check_columns(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise DataError unless every column is there exactly once."""
    present = [str(one) for one in frame.columns]
    missing = [one for one in columns if one not in present]
    if missing:
        near = did_you_mean(missing[0], present)
        more = f" (and {len(missing) - 1} more: {', '.join(missing[1:6])})" if len(missing) > 1 else ""
        raise DataError(f"The table lacks column '{missing[0]}', an input of the model{more}{near}.")
    twice = [one for one in columns if present.count(one) > 1]
    if twice:
        raise DataError(f"The table has column '{twice[0]}' twice; keep one of them.")


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """'; did you mean ...?' for a word close to a known one, else nothing."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean '{near[0]}'" if near else ""


def read(
    frame: pd.DataFrame, columns: Sequence[str], kinds: Mapping[str, Kind]
) -> tuple[pd.DataFrame, dict[str, BoolArray]]:
    """The model's columns in model order with plain types, and per column the cells that could not be read.

    Numbers arrive as NumPy numbers (single precision is widened, text is parsed, extension types are unpacked), text
    as objects; a missing value is NaN. The given frame is not changed.

    Raises:
        DataError: a column is absent, double, or of the wrong type throughout.
    """
    check_columns(frame, columns)
    frame = frame.reset_index(drop=True)
    by_name = {str(name): position for position, name in enumerate(frame.columns)}
    values: dict[str, pd.Series | np.ndarray] = {}
    unreadable: dict[str, BoolArray] = {}
    for name in columns:
        series = frame.iloc[:, by_name[name]]
        kind = kinds.get(name, "any")
        read_as, unreadable[name] = _numbers(series, name) if kind == "number" else _text(series, name, kind)
        values[name] = read_as if read_as.dtype.kind == "O" else read_as.to_numpy()  # of which no index is compared
    return pd.DataFrame(values, columns=list(columns), index=pd.RangeIndex(len(frame))), unreadable


def _numbers(series: pd.Series, name: str) -> tuple[pd.Series, BoolArray]:
    series = _plain(series)
    fine = np.zeros(len(series), dtype=bool)
    if types.is_complex_dtype(series.dtype) or series.dtype.kind in "mM":
        raise DataError(f"Column '{name}' holds {series.dtype} values where the model expects numbers.")
    if series.dtype.kind in "biuf":
        return (series.astype(np.float64) if series.dtype.kind == "f" else series), fine
    numbers = pd.to_numeric(series, errors="coerce").astype(np.float64)
    given = series.notna().to_numpy(dtype=bool)
    unreadable = given & numbers.isna().to_numpy(dtype=bool)
    if given.sum() >= MIN_ROWS_FOR_THROUGHOUT and unreadable[given].all():
        raise DataError(f"Column '{name}' holds text throughout where the model expects numbers.")
    return numbers, unreadable


def _text(series: pd.Series, name: str, kind: Kind) -> tuple[pd.Series, BoolArray]:
    series = _plain(series)
    fine = np.zeros(len(series), dtype=bool)
    if kind == "any":
        return series, fine
    given = series.notna().to_numpy(dtype=bool)
    if series.dtype.kind != "O":
        if given.any():
            raise DataError(f"Column '{name}' holds numbers where the model was trained on text categories.")
        return series.astype(object), fine
    return series, given & np.array([not isinstance(one, str) for one in series], dtype=bool)


def _plain(series: pd.Series) -> pd.Series:
    """Without pandas extension types: categories, strings and nullable numbers become objects or NumPy numbers."""
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _plain(series.astype(dtype.categories.dtype if series.notna().all() else object))
    if isinstance(dtype, np.dtype):
        if dtype.kind == "O":
            absent = np.array([one is pd.NA for one in series], dtype=bool)
            return series.mask(absent, np.nan) if absent.any() else series
        return series
    if types.is_numeric_dtype(dtype) or types.is_bool_dtype(dtype):
        if series.hasnans:
            return pd.Series(series.to_numpy(dtype=np.float64, na_value=np.nan))
        return pd.Series(series.to_numpy())
    if types.is_datetime64_any_dtype(dtype):
        return pd.Series(series.to_numpy(dtype="datetime64[ns]"))
    values = series.astype(object)
    return values.where(values.notna(), np.nan)
