"""What Spark asks of a function for `mapInPandas`, without Spark: pieces in, rows of one schema out, sent by pickle."""

import pickle
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from lrp_audit.batch.spark import COLUMNS, judged
from lrp_audit.deciding.facts import text_columns
from lrp_audit.errors import ConfigError
from lrp_audit.records.record import Record, canonical
from lrp_audit.settings.config import load
from lrp_audit.tables import read_table


def test_pieces_of_a_partition_are_judged_as_the_whole(samples: Path) -> None:
    text = text_columns(load(samples / "audit.toml").facts)
    frame = read_table(samples / "synthetic_applications.csv", text=text).head(9)
    function = pickle.loads(pickle.dumps(partial(judged, config=str(samples / "audit.toml"), as_of="2026-11-16")))

    def pieces(*ends: int) -> Iterator[pd.DataFrame]:
        for start, end in zip((0, *ends), (*ends, len(frame)), strict=True):
            yield frame.iloc[start:end]

    cut, whole = (pd.concat(list(function(pieces(*ends))), ignore_index=True) for ends in ((1, 1, 5), ()))
    names = [column.split()[0] for column in COLUMNS.split(", ")]
    assert list(cut.columns) == list(whole.columns) == names
    assert cut["id"].tolist() == whole["id"].tolist() == frame["application_id"].tolist()
    pd.testing.assert_frame_equal(cut, whole, check_exact=True)
    for text in cut["record"]:
        assert canonical(Record.model_validate_json(text)).decode() == text


@pytest.mark.parametrize(
    ("line", "said"), [('id = "application_id"', "facts.id"), ('data = "synthetic_history.csv"', "no population")]
)
def test_settings_that_spark_cannot_do_with_are_refused(samples: Path, line: str, said: str) -> None:
    config = samples / f"{said[:5]}.toml"
    config.write_text((samples / "audit.toml").read_text().replace(line, ""))
    with pytest.raises(ConfigError, match=said):
        next(judged([pd.DataFrame()], str(config)))
