"""Calling with a short stack of calls below."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")


def with_short_stack(act: Callable[[], Result]) -> Result:
    """Call in a thread of its own, in which no call is open yet; give what it gives, or raise what it raises.

    CPython keeps the frames of calls in pieces of 16 KiB and frees a piece as soon as it is empty: a loop whose calls
    just reach over the end of one maps and unmaps memory every time (github.com/python/cpython/issues/142183, mended in
    late 3.13 and 3.14). Rendering has many such loops; so deep in calls as a command works, they cost a letter a tenth
    of its time.
    """
    result = Future[Result]()

    def answer() -> None:
        try:
            result.set_result(act())
        except BaseException as error:
            result.set_exception(error)

    Thread(target=answer, daemon=True).start()  # a process that is told to stop at once does not wait for it
    return result.result()
