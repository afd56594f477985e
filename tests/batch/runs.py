"""Small batches over the shipped samples, for the tests of this folder."""

import datetime as dt
import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from lrp_audit.batch.events import Event
from lrp_audit.batch.executors import Executor, InProcess, Stop
from lrp_audit.batch.order import Order
from lrp_audit.batch.run import Ended, run
from lrp_audit.batch.work import Setup, work_of
from lrp_audit.deciding.session import Session
from lrp_audit.sealing import layout

AS_OF = dt.date(2026, 11, 16)
CLOCKED = {layout.LOG, layout.LOCK}  # what no promise is made for


def order(samples: Path, out: Path, **others: object) -> Order:
    """The shipped applications, ten of them in chunks of four, with nothing searched that takes long."""
    quick = samples / "quick.toml"
    quick.write_text((samples / "audit.toml").read_text() + "\n[variations]\nsearch = false\n")
    asked = Order(samples / "synthetic_applications.csv", None, quick, out, AS_OF, chunk_rows=4, limit=10)
    return replace(asked, **others)  # type: ignore[arg-type]


def batch(
    asked: Order,
    executor: Callable[[Setup, Session], Executor] | None = None,
    stop: Stop = lambda: False,
    watch: Callable[[Event], None] = lambda event: None,
) -> Ended:
    return run(asked, executor or (lambda setup, session: InProcess(asked.out, work_of(setup, session))), watch, stop)


def contents(folder: Path) -> dict[str, str]:
    """Digests of all files that a batch promises the bits of."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name not in CLOCKED)
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def decisions(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / layout.DECISIONS)


def copied(asked: Order, out: Path) -> Order:
    """The same batch in a copy of its folder, as it is now."""
    shutil.copytree(asked.out, out)
    return replace(asked, out=out)
