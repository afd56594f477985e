"""Whatever stands in its cells, every row of a source is a decision of the batch: judged, refused or failed."""

import csv
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from runs import batch, decisions, order

from lrp_audit.tables import csv_files

CELLS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40),
    st.floats().map(str),
    st.integers(-(10**40), 10**40).map(str),
    st.sampled_from(["", " ", "NA", "inf", "-0", "1e999", "2026-02-30", "=1+1", "../../etc/passwd", "{{ 7 * 7 }}"]),
    st.sampled_from(
        ["<script>alert(1)</script>", "\u202eevil", "é" * 9_000, "a\nb\r\nc", '"', ";;;;", "𝔘𝔫𝔦", "\x1b[31m"]
    ),
)


def hostile(source: Path, cells: list[str], rows: int, chance: random.Random) -> tuple[list[str], list[list[str]]]:
    """Rows like those of a table, some of whose cells are replaced."""
    names, *known = csv_files.rows(source)
    made = []
    for number in range(rows):
        row = list(chance.choice(known))
        row[0] = f"H-{number}" if chance.random() < 0.9 else chance.choice(cells)
        for position in chance.sample(range(len(row)), chance.choice([0, 1, 1, 2, len(row)])):
            row[position] = chance.choice(cells)
        made.append(row)
    return names, made


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize(
    ("examples", "rows"), [(1, 60), pytest.param(5, 2000, marks=pytest.mark.slow)], ids=["some", "ten thousand"]
)
def test_no_row_is_lost(samples: Path, tmp_path_factory: pytest.TempPathFactory, examples: int, rows: int) -> None:
    source = samples / "synthetic_applications.csv"

    @settings(
        max_examples=examples, suppress_health_check=list(HealthCheck),
        database=None, phases=[Phase.generate],  # a smaller example of 2000 rows is not worth its minutes
    )  # fmt: skip
    @given(st.lists(CELLS, min_size=20, max_size=60), st.integers(0, 2**32))
    def check(cells: list[str], seed: int) -> None:
        place = tmp_path_factory.mktemp("hostile")
        names, made = hostile(source, cells, rows, random.Random(seed))  # too many choices for hypothesis
        with (place / "hostile.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([names, *made])
        asked = order(samples, place / "batch", chunk_rows=128, limit=None)
        ended = batch(replace(asked, data=place / "hostile.csv"))
        found = decisions(asked.out)
        assert len(found) == ended.tally.rows == rows
        states = Counter(found["state"].dropna())
        assert ended.tally.refused == dict(states)
        assert ended.tally.failed == found["failure"].notna().sum() == 0
        assert len(found) == sum(states.values()) + found["state"].isna().sum()

    check()
