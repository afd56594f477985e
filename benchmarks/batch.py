"""How fast many decisions are judged and their notices printed, and the memory that a run takes.

    python benchmarks/batch.py                 # 60 000 rows, about 25 minutes; --rows 1000000 for a year
    python benchmarks/batch.py --quick         # 20 000 rows, a quarter of an hour
    python benchmarks/batch.py --rows 100000 --notices 1600 --workers 2

The model is an MLP 64-32 on 23 columns with a population of 64, trained here on a lender that is made up
(batches/lender.py). Four tables:

* `judging`: one chunk in this process, warm, on the process's own clock: what a decision costs with checks off and at
  the level of letters, with and without its canonical record and digest.
* `runs`: the command itself, from a Parquet file to the sealed folder, on the wall: without checks at 10 000 rows and
  at `--rows`, which shows whether memory grows, and with the checks of letters at a third of `--rows`.
  `judged / min` is the rate while every worker is at work (`-` where the run is too short for that), `cpu µs` the
  processor time of all processes a row in that time, and `all / min` the rate of the whole command: start-up and
  reading (`start s`), report and seal (`end s`) included. `MiB` is the peak of the summed PSS of all processes.
* `notices`: letters of denied decisions, beside bare WeasyPrint on the finished pages of such decisions (documents.py
  says what bare is), which prints each without tags, and as the tagged PDF that a letter has to be. `documents / s` is
  the rate of the command while every worker is at work. For all else, letters and pages take turns in one process, or
  in as many side by side as there are workers (batches/turns.py): milliseconds of a document on the wall, those of
  letters with all that a batch does; `of bare` and `of tagged` their ratios, and `cpu of ...` those of processor time.
  `denied` is a source of denied applications, as a lender has who prints what was refused; in `all decisions` 22 % are
  denied, so that each letter carries the judging of four others as well. Chunks are those of a run by default.
* `texts`: texts of 128 tokens and of 16 to 128, judged without checks by a network of BERT-base's size, beside the
  engine alone on the same tokens in the same batches (batches/texts.py). `of engine` is the engine's time over it.

The load of the machine is printed and kept, before and after.
"""

import argparse
import datetime as dt
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import kept  # the scripts beside this one
import pandas as pd
import torch
from batches import lender, texts
from batches.turns import OURS, VARIANTS, turns
from batches.watched import Run, watch

from lrp_audit import report
from lrp_audit.batch.order import CHUNK_ROWS, CHUNK_ROWS_WITH_DOCUMENTS, Order
from lrp_audit.deciding.judged import judge_chunk
from lrp_audit.deciding.session import Session, open_session
from lrp_audit.settings.config import load

FEW, TABLE = 10_000, 8192  # rows of a short run, and of the table that denied applications are taken from
NOTICE = dt.date(2026, 11, 2)
Row = dict[str, object]


def session(folder: Path, level: str) -> Session:
    path = lender.settings(folder, level)
    return open_session(load(path), folder, lender.frame(1))


def judging(folder: Path, rounds: int) -> Iterator[Row]:
    frame = lender.frame(CHUNK_ROWS)
    for level in ("none", "letter"):
        opened = session(folder, level)
        for records in (False, True):
            times = [_judged(opened, frame, records) for _ in range(rounds + 1)][1:]
            each = statistics.median(times) / CHUNK_ROWS
            yield {"checks": level, "records": records, "µs": each * 1e6, "decisions / min": 60 / each}


def _judged(opened: Session, frame: pd.DataFrame, records: bool) -> float:
    before = time.process_time()
    judge_chunk(opened, frame, notice=NOTICE, records=records, chunk_rows=CHUNK_ROWS)
    return time.process_time() - before


def runs(folder: Path, source: Path, rows: int, sizes: list[int]) -> Iterator[Row]:
    counts = {"none": sorted({min(FEW, rows), rows}), "letter": [rows // 3]}
    for level, records, workers in product(counts, (False, True), sizes):
        for limit in counts[level]:
            run = batch(folder, source, level, limit, workers, *(() if records else ("--no-records",)))
            yield {
                "checks": level,
                "records": records,
                "run": f"{limit:,} rows, {workers} workers",
                **_rates(run, workers),
                "all / min": 60 * limit / run.seconds,
                "start s": run.at("begun"),
                "end s": run.seconds - run.at("sealing"),
                "MiB": run.peak,
            }


def _rates(run: Run, workers: int) -> Row:
    steady = run.steady(workers)
    if steady is None:
        return {"judged / min": None, "cpu µs": None}
    first, last = steady
    rows = last.rows - first.rows
    return {"judged / min": 60 * rows / (last.wall - first.wall), "cpu µs": 1e6 * (last.cpu - first.cpu) / rows}


def batch(folder: Path, source: Path, level: str, limit: int, workers: int, *others: str) -> Run:
    with tempfile.TemporaryDirectory(dir=folder) as out:
        given = ("--config", str(lender.settings(folder, level)), "--out", str(Path(out) / "batch"))
        wanted = ("--limit", str(limit), "--workers", str(workers), "--as-of", NOTICE.isoformat())
        return watch(str(source), *given, *wanted, *others)


def notices(folder: Path, source: Path, count: int, sizes: list[int]) -> Iterator[Row]:
    opened, frame = session(folder, "letter"), lender.frame(TABLE)
    judged = judge_chunk(opened, frame, notice=NOTICE, records=False)
    outcomes = judged.decisions["outcome"].to_pylist()
    denied = [row for row, outcome in enumerate(outcomes) if outcome == "adverse"][:count]
    refused = folder / "denied.parquet"
    frame.iloc[denied].to_parquet(refused, index=False)
    decisions = map(judged.decision, denied[:64])
    pages = [report.letter_html(made.record, made.addressee, opened.config) for made in decisions]
    sources = {
        "denied": (refused, len(denied)),
        "all decisions": (source, denied[-1] + 1),
    }
    for workers, (name, wanted) in product(sizes, sources.items()):
        found = turns(_order(folder, *wanted), pages, workers)
        yield {
            "way": f"{name}, {workers} at a time",
            "documents / s": _letters(folder, *wanted, workers),
            **{f"{what} ms": 1e3 * each.wall for what, each in found.items()},
            **{f"of {kind}": found[kind].wall / found[OURS].wall for kind in VARIANTS},
            **{f"cpu of {kind}": found[kind].cpu / found[OURS].cpu for kind in VARIANTS},
        }


def _order(folder: Path, source: Path, limit: int) -> Order:
    """Notices of the denied among the first rows of a source."""
    return Order(
        data=source,
        query=None,
        config=lender.settings(folder, "letter"),
        out=folder,
        as_of=NOTICE,
        documents="letters",
        limit=limit,
    )


def _letters(folder: Path, source: Path, limit: int, workers: int) -> float:
    """The same, by the command itself: how many a second, while every worker is at work."""
    steady = batch(folder, source, "letter", limit, workers, "--documents", "letters").steady(workers)
    if steady is None:
        raise SystemExit(f"So few notices are too few for {workers} workers; name more by --notices.")
    first, last = steady
    return (last.letters - first.letters) / (last.wall - first.wall)


def table(title: str, lines: Iterator[Row]) -> list[Row]:
    """Prints lines as they come."""
    found: list[Row] = []
    print(f"\n{title}")
    for line in lines:
        if not found:
            print("".join(f"{name:>24}" for name in line))
        found.append(line)
        print("".join(f"{_cell(value):>24}" for value in line.values()), flush=True)
    return found


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return "-" if value is None else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rows and notices; not for quoting")
    parser.add_argument("--rows", type=int, metavar="N", help="of the long runs")
    parser.add_argument("--notices", type=int, metavar="N", help="how many to print; by default 1280")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], metavar="N", help="processes of a run")
    chosen = parser.parse_args()
    rows = chosen.rows or (20_000 if chosen.quick else 60_000)
    count = chosen.notices or 1280
    least, most = CHUNK_ROWS_WITH_DOCUMENTS * (3 * max(chosen.workers) - 1), 1700
    if not least <= count <= most:  # fewer give no rate, and there are no more
        parser.error(f"--notices is from {least} to {most} for so many workers.")
    rounds = 1 if chosen.quick else 3
    torch.set_num_threads(1)
    before = os.getloadavg()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = lender.make(folder, max(rows, TABLE))
        tables = {
            "judging": table("judging", judging(folder, rounds)),
            "runs": table("runs", runs(folder, source, rows, chosen.workers)),
            "notices": table("notices", notices(folder, source, count, chosen.workers)),
            "texts": table("texts", texts.judging(folder / "texts", 6 if chosen.quick else 12, rounds)),
        }
    load = {"before": before, "after": os.getloadavg()}
    print(f"\nLoad of the machine: {before[0]:.1f} before, {load['after'][0]:.1f} after.")
    facts = kept.environment("torch", "scikit-learn", "pyarrow", "transformers", "weasyprint", threads=1)
    kept.keep("batch", facts, {"load": load, **tables}, quick=chosen.quick)


if __name__ == "__main__":
    main()
