"""A table that is read in pieces is the table that is read whole, whatever the pieces are."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.errors import DataError
from lrp_audit.tables import MISSING_WORDS, open_stream, queries, read_table

CELLS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.integers(-9, 9).map(str),
    st.floats().map(str),
    st.sampled_from(
        ["", " ", "\u3000", "true", "FALSE", "007", "1_000", "٣", "x", "-0", "1e5", *sorted(MISSING_WORDS)]
    ),
)
COLUMNS = st.sampled_from(
    [CELLS, st.integers(-(2**70), 2**70).map(str), st.sampled_from(["1", "2.5", ""]), st.just("True")]
)


def together(pieces: Iterator[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(list(pieces), ignore_index=True)


@given(st.data(), st.integers(1, 12), st.integers(1, 13))
def test_pieces_of_a_csv_are_the_whole(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, rows: int, size: int
) -> None:
    columns = {name: data.draw(st.lists(data.draw(COLUMNS), min_size=rows, max_size=rows)) for name in "abc"}
    path = tmp_path_factory.mktemp("pieces") / "table.csv"
    pd.DataFrame(columns | {"z": "end"}).to_csv(path, index=False)
    stream, whole = open_stream(path, text=["b"]), read_table(path, text=["b"])
    pieces = list(stream.frames(size))
    assert {len(piece) for piece in pieces[:-1]} <= {size}
    assert all((piece.dtypes == whole.dtypes).all() for piece in pieces)
    assert list(stream.columns) == list(whole.columns)
    pd.testing.assert_frame_equal(together(iter(pieces)), whole, check_exact=True)


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_pieces_of_parquet_are_the_whole(tmp_path: Path, size: int) -> None:
    frame = pd.DataFrame(
        {
            "whole": range(7),
            "holed": [1, 2, 3, 4, 5, 6, None],
            "truth": [True] * 6 + [None],
            "words": ["a", "b", None, "d", "e", "f", "g"],
            "kind": pd.Categorical(list("xyxyxyx")),
            "id": [1.0, 2, 3, 4, 5, 6, 7],
        },
        index=range(10, 17),
    )
    frame.to_parquet(tmp_path / "table.parquet", row_group_size=2)
    whole = read_table(tmp_path / "table.parquet", text=["id"]).reset_index(drop=True)
    pieces = list(open_stream(tmp_path / "table.parquet", text=["id"]).frames(size))
    assert len({str(piece.dtypes.tolist()) for piece in pieces}) == 1
    pd.testing.assert_frame_equal(together(iter(pieces)), whole.assign(kind=whole["kind"].astype("str")))


def test_a_folder_of_parquet_files_is_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    pd.DataFrame({"id": [1, 2], "x": [1, 2]}).to_parquet(folder / "part-0.parquet")
    pd.DataFrame({"x": [0.5], "id": [3]}).to_parquet(folder / "part-1.parquet")
    (folder / "_SUCCESS").touch()
    frame = together(open_stream(folder).frames(2))
    assert frame.to_dict("list") == {"id": [1, 2, 3], "x": [1.0, 2.0, 0.5]}
    pd.DataFrame({"other": [0.5]}).to_parquet(folder / "part-2.parquet")
    with pytest.raises(DataError, match=r"part-2\.parquet has other columns"):
        open_stream(folder)


def test_a_folder_without_parquet_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ends in \.parquet"):
        open_stream(tmp_path)


def test_a_byte_that_is_not_utf_8_is_found_wherever_blocks_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = "a,b\n1,ä\n2,é".encode() + b"\xe9,\n"
    (tmp_path / "table.csv").write_bytes(content)
    said = set()
    for size in range(1, len(content) + 2):
        monkeypatch.setattr("lrp_audit.tables.csv_files._BLOCK", size)
        with pytest.raises(DataError) as caught:
            open_stream(tmp_path / "table.csv")
        said.add(str(caught.value))
    (sentence,) = said
    assert "byte 13 in line 3 (0xe9)" in sentence


def test_a_text_cut_in_a_character_is_refused(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes("a,b\n1,ä".encode()[:-1])
    with pytest.raises(DataError, match="byte 6 in line 2"):
        read_table(tmp_path / "table.csv")


def asked(url: str, query: str, folder: Path) -> pd.DataFrame:
    folder.mkdir()
    queries.save(url, query, folder)
    return together(open_stream(folder).frames(2))


def test_a_query_of_sqlite_gives_typed_columns(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "loans.db") as database:
        database.execute("create table loans (id text, income, city, age, mixed)")
        rows = [("007", 100, "Ur", 30, 1), ("8", 2.5, None, 31, "two"), ("9", None, "Uruk", 2**60, None)]
        database.executemany("insert into loans values (?, ?, ?, ?, ?)", rows)
    database.close()
    frame = asked(f"sqlite:///{tmp_path}/loans.db", "select * from loans order by age", tmp_path / "found")
    assert frame["id"].tolist() == ["007", "8", "9"]
    assert frame["income"].tolist()[:2] == [100.0, 2.5]
    assert np.isnan(frame["income"][2])
    assert frame["age"].tolist() == [30, 31, 2**60]
    assert frame["mixed"].tolist()[:2] == ["1", "two"]
    assert frame["mixed"].isna()[2]


def test_kinds_hold_over_all_pieces_of_a_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "ROWS", 1)
    query = "select 1 as a, 1 as b, null as c union all select 'x', 0.5, null union all select null, null, 'y'"
    frame = asked("sqlite://", query, tmp_path / "found")
    assert frame["a"].tolist()[:2] == ["1", "x"]
    assert frame["b"].tolist()[:2] == [1.0, 0.5]
    assert frame["c"].isna().tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("url", "query", "said"),
    [
        ("nonsense", "select 1", "address of a database"),
        ("sqlite://", "select * from absent", "no such table"),
        ("sqlite://", "create table t (a)", "has to be a SELECT"),
        ("sqlite://", "select 1 as a where 0", "no rows"),
        ("sqlite://", "select 1 as a, 2 as a", "'a' more than once"),
        ("sqlite://", "select x'00' as a", "binary data"),
        ("sqlite:////nowhere/at/all.db", "select 1", "unable to open"),
    ],
)
def test_what_is_no_query_is_refused_in_one_sentence(tmp_path: Path, url: str, query: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        queries.save(url, query, tmp_path)
    assert "\n" not in str(caught.value)


def test_passwords_are_not_shown() -> None:
    assert "secret" not in queries.shown("postgresql://me:secret@host/loans?password=secret")
