"""What a run tells of itself: to a log in its folder, to machines, to whoever watches. Nothing of it is personal."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lrp_audit.batch.tally import Tally
from lrp_audit.errors import ReportError
from lrp_audit.sealing import layout

Kind = Literal["begun", "chunk", "sealing", "interrupted", "sealed"]


@dataclass(frozen=True)
class Event:
    """A moment of a run.

    Attributes:
        kind: `begun`: the plan stands; `chunk`: one is finished; `sealing`: all are; `interrupted`; `sealed`.
        decisions: to be judged in all.
        tally: of those that are done.
        chunk: that was finished.
        root: of the sealed batch.
    """

    kind: Kind
    decisions: int
    tally: Tally
    chunk: int | None = None
    root: str | None = None

    def fields(self) -> dict[str, Any]:
        """As JSON has it."""
        given = {"chunk": self.chunk, "root": self.root}
        known = {name: value for name, value in given.items() if value is not None}
        return {"event": self.kind, "decisions": self.decisions, **known, "done": self.tally.model_dump()}


Watch = Callable[[Event], None]


def logged(folder: Path) -> Watch:
    """Writes events with their time behind what run.log holds. Raises ReportError where it cannot."""
    path = folder / layout.LOG

    def watch(event: Event) -> None:
        line = json.dumps({"time": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), **event.fields()})
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise ReportError(f"{path} cannot be written: {error.strerror}.") from None

    return watch
