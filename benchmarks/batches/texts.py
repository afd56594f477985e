"""Made-up texts, and a network of BERT-base's size with random weights that judges them: batch.py measures on both.

Settings, tokenizer and words are those of the shipped sample (data_samples/text).
"""

from __future__ import annotations

import json
import random
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import torch
from transformers import BertConfig, BertForSequenceClassification

from lrp_audit.adapters.text import batches
from lrp_audit.deciding.facts import text_columns
from lrp_audit.deciding.judged import judge_chunk
from lrp_audit.deciding.session import Session, open_session
from lrp_audit.deciding.text_decisions import TextDecisions
from lrp_audit.engine import propagate
from lrp_audit.resources import samples
from lrp_audit.settings.config import load
from lrp_audit.tables import read_table

TOKENS, SHORTEST = 128, 16
LENGTHS = {"128 tokens": TOKENS, "16 to 128 tokens": SHORTEST}  # the shortest text; the longest has `TOKENS`


def judging(folder: Path, count: int, rounds: int) -> Iterator[dict[str, object]]:
    """What a text costs on the process's own clock: the engine alone, and judged whole; all take turns."""
    opened, sample = _session(folder)
    decisions = opened.model
    assert isinstance(decisions, TextDecisions)
    for lengths, shortest in LENGTHS.items():
        frame = _frame(sample, decisions, count, shortest)
        ways = {
            "engine": lambda frame=frame: _propagated(decisions, frame, ledger=False),
            "engine, with ledger": lambda frame=frame: _propagated(decisions, frame, ledger=True),
            "judged": lambda frame=frame: judge_chunk(opened, frame, records=False),
        }
        times = [{way: _seconds(call) / count for way, call in ways.items()} for _ in range(rounds)]
        for way in ways:
            of_engine = statistics.median(one["engine"] / one[way] for one in times)
            each = statistics.median(one[way] for one in times)
            yield {"texts": lengths, "way": way, "ms": each * 1e3, "texts / min": 60 / each, "of engine": of_engine}


def _session(folder: Path) -> tuple[Session, pd.DataFrame]:
    """The sample with its network exchanged, judged without checks."""
    shutil.copytree(samples() / "text", folder)
    config = json.loads((folder / "synthetic_model" / "config.json").read_text())
    kept = {name: config[name] for name in ("vocab_size", "id2label", "label2id")}
    torch.manual_seed(0)
    BertForSequenceClassification(BertConfig(**kept)).save_pretrained(folder / "synthetic_model")
    settings = folder / "audit.toml"
    settings.write_text(settings.read_text().replace("[checks]\n", '[checks]\nlevel = "none"\n'))
    loaded = load(settings)
    sample = read_table(folder / "synthetic_narratives.csv", text=text_columns(loaded.facts))
    return open_session(loaded, folder, sample.head(1)), sample


def _frame(sample: pd.DataFrame, decisions: TextDecisions, count: int, shortest: int) -> pd.DataFrame:
    """Rows whose texts, words of the sample at random, have from `shortest` to `TOKENS` tokens."""
    draw = random.Random(0)
    words = " ".join(sample[decisions.section.column]).split()
    frame = sample.head(count).copy()
    frame[decisions.section.column] = [
        _text(draw, words, decisions, draw.randint(shortest, TOKENS)) for _ in range(count)
    ]
    return frame


def _text(draw: random.Random, words: list[str], decisions: TextDecisions, tokens: int) -> str:
    text = draw.choice(words)
    while True:
        longer = f"{text} {draw.choice(words)}"
        windows = decisions.model.encode([longer])
        if len(windows) > 1 or len(windows[0]) > tokens:
            return text
        text = longer


def _propagated(decisions: TextDecisions, frame: pd.DataFrame, *, ledger: bool) -> None:
    explainer, model = decisions.explainer, decisions.model
    windows = model.encode(frame[decisions.section.column].tolist())
    for positions in batches(windows, model.padding):
        inputs = model.tensors([windows[position] for position in positions], None)
        propagate(explainer.graph, inputs, target=(1, 0), composite=explainer.composite, ledger=ledger)


def _seconds(call: Callable[[], object]) -> float:
    before = time.process_time()
    call()
    return time.process_time() - before
