"""What a batch writes as JSON is what its published JSON Schemas say, and nothing else is."""

import datetime as dt
import json
from pathlib import Path

import jsonschema
import pandas as pd
import pytest
from pydantic import BaseModel
from runs import batch, order

from lrp_audit.batch.plan import Plan
from lrp_audit.history.events import Event
from lrp_audit.records.record import Record
from lrp_audit.sealing import layout
from lrp_audit.sealing.log import set_hold
from lrp_audit.sealing.manifest import Manifest

SITE = Path(__file__).parents[2] / "docs" / "site"
NOW = dt.datetime(2026, 11, 27, 9, tzinfo=dt.UTC)


@pytest.mark.usefixtures("opened")
def test_what_a_batch_writes_is_what_its_schemas_say(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(SITE)
    import models

    asked = order(samples, tmp_path / "batch", documents="letters", documents_sample=1)
    batch(asked)
    for held in (True, False):
        set_hold(asked.out, [0, 3], held=held, by="M. Auditor", role="counsel", why="litigation", now=NOW)
    records = pd.read_parquet(asked.out / layout.RECORDS)["record"]
    written: dict[type[BaseModel], list[str]] = {
        Plan: [(asked.out / layout.PLAN).read_text()],
        Manifest: [(asked.out / layout.MANIFEST).read_text()],
        Event: (asked.out / layout.EVENTS).read_text().splitlines(),
        Record: records.tolist(),
    }
    for model, texts in written.items():
        assert texts
        schema = json.loads(models.schema(model))
        jsonschema.Draft202012Validator.check_schema(schema)
        checked = jsonschema.Draft202012Validator(schema)
        for text in texts:
            checked.validate(json.loads(text))
        whole = json.loads(texts[0])
        for name in schema["required"]:
            assert not checked.is_valid({key: value for key, value in whole.items() if key != name}), name
