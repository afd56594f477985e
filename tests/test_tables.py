"""A table is read as it is written, or refused in one sentence that says where."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrp_audit.errors import DataError
from lrp_audit.tables import MISSING_WORDS, SEPARATORS, read_table


def table(tmp_path: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("separator", SEPARATORS)
def test_every_separator_gives_the_same_table(tmp_path: Path, separator: str) -> None:
    rows = [["id", "income", "city"], ["1", "10.5", "Ur"], ["2", "", "Uruk"]]
    frame = read_table(table(tmp_path, "\n".join(separator.join(row) for row in rows)))
    assert frame["id"].tolist() == [1, 2]
    assert frame["income"].dtype == np.float64
    assert frame["income"].isna().tolist() == [False, True]
    assert frame["city"].tolist() == ["Ur", "Uruk"]


def test_line_ends_byte_order_mark_quotes_and_blank_lines_do_not_matter(tmp_path: Path) -> None:
    plain = read_table(table(tmp_path, 'a,b\n1,"x, y"\n2,z\n'))
    dressed = read_table(table(tmp_path, b'\xef\xbb\xbfa,b\r\n\r\n1,"x, y"\r\n2,"z"\r\n\r\n'))
    pd.testing.assert_frame_equal(plain, dressed)


@pytest.mark.parametrize("word", sorted(MISSING_WORDS))
def test_a_category_named_like_a_missing_value_stays_a_category(tmp_path: Path, word: str) -> None:
    frame = read_table(table(tmp_path, f"region,amount\n{word},{word}\nEU,3\n"))
    assert frame["region"].tolist() == [word, "EU"]
    assert frame["amount"].isna().tolist() == [True, False]


def test_columns_named_as_text_are_kept_as_written(tmp_path: Path) -> None:
    content = "id,version,amount\n007,1.10,007\n,2.0,8\n"
    frame = read_table(table(tmp_path, content), text=["id", "version"])
    assert frame["id"].isna().tolist() == [False, True]
    assert frame["id"][0] == "007"
    assert frame["version"].tolist() == ["1.10", "2.0"]
    assert frame["amount"].tolist() == [7, 8]


def test_a_column_that_mixes_numbers_and_words_keeps_every_cell(tmp_path: Path) -> None:
    frame = read_table(table(tmp_path, "id,income\n1,100\n2,about 40k\n3,\n"))
    assert frame["income"].tolist()[:2] == ["100", "about 40k"]
    assert pd.isna(frame["income"][2])


def test_infinity_and_numbers_beyond_64_bits_are_numbers(tmp_path: Path) -> None:
    frame = read_table(table(tmp_path, "a,b\ninf,1\n-Infinity,99999999999999999999\n"))
    assert frame["a"].tolist() == [np.inf, -np.inf]
    assert frame["b"].tolist() == [1.0, 1e20]


@given(
    st.lists(
        st.tuples(
            st.integers(-(2**53), 2**53),
            st.floats(allow_nan=False),
            st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1).map("x".__add__),
        ),
        min_size=1,
    )
)
def test_what_pandas_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[object]) -> None:
    frame = pd.DataFrame(rows, columns=["whole", "real", "words"])
    path = tmp_path_factory.mktemp("round") / "trip.csv"
    frame.to_csv(path, index=False)
    pd.testing.assert_frame_equal(read_table(path), frame, check_exact=True)


def test_parquet_and_csv_of_one_table_agree(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": [7, 8], "income": [1.5, np.nan], "city": ["Ur", None]})
    frame.to_parquet(tmp_path / "table.parquet")
    frame.to_csv(tmp_path / "table.csv", index=False)
    parquet, csv = (read_table(tmp_path / name, text=["id"]) for name in ("table.parquet", "table.csv"))
    pd.testing.assert_frame_equal(parquet, csv)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"a,b\n", "no rows"),
        (b"a,b\n\n\n", "no rows"),
        (b"\x89PNG\r\n\x1a\n\0\0", "binary"),
        (b"PAR1 and then nothing", "damaged or truncated"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        (b"a,b\n1,2\n3,Jos\xe9\n", r"byte 13 in line 3 \(0xe9\)"),
        (b"Dear Sir or Madam\nplease find\n", "not a CSV"),
        (b"a,b,a\n1,2,3\n", "'a' more than once"),
        (b"a,b\n1,2\n3\n", "line 3 has 1 cells and the header 2"),
        (b"a,b\n1,2\n3,4,5\n", "line 3 has 3 cells and the header 2"),
        (b'a,b\n1,"2\n3,4\n', "cannot be read as CSV"),
        (b"a,b\n1," + b"x" * 200_000, "cannot be read as CSV"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line_that_names_the_file(tmp_path: Path, content: bytes, said: str) -> None:
    path = table(tmp_path, content)
    with pytest.raises(DataError, match=said) as caught:
        read_table(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "absent.csv")
    with pytest.raises(DataError, match="folder"):
        read_table(tmp_path)


def test_a_truncated_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pd.DataFrame({"a": range(1000), "b": range(1000)}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="damaged or truncated"):
        read_table(path)
