"""SIGINT and SIGTERM: what is worked on is finished, and nothing else begun; a second SIGINT stops at once."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """Call it to know whether a signal came; `received` says which. Use it as a context, in the main thread."""

    def __init__(self, say: Callable[[], None]) -> None:
        """Args: say: told once, when the first signal comes."""
        self.received: signal.Signals | None = None
        self._say = say
        self._before: dict[signal.Signals, object] = {}

    def __call__(self) -> bool:
        return self.received is not None

    def __enter__(self) -> Stopping:
        self._before = {number: signal.signal(number, self._receive) for number in _SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]  # what `signal` returned

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received is None:
            self.received = signal.Signals(number)
            self._say()
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
