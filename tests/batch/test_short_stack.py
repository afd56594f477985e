"""A call in a thread of its own is like a call, but for what lies below it."""

import inspect
import subprocess
import sys

import pytest

from lrp_audit.batch.short_stack import with_short_stack


def deep(calls: int) -> int:
    """Open calls that what is called sees, below a caller as deep as this."""
    return with_short_stack(lambda: len(inspect.stack(0))) if calls == 0 else deep(calls - 1)


def test_no_call_of_the_caller_is_below() -> None:
    assert deep(0) == deep(100) < 8


def test_what_is_raised_is_raised_here() -> None:
    def fail() -> None:
        raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        with_short_stack(fail)


def test_a_process_that_is_told_to_stop_does_not_wait_for_it() -> None:
    program = """
import signal, time
from lrp_audit.batch.short_stack import with_short_stack

signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.alarm(1)
with_short_stack(lambda: time.sleep(600))
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, timeout=60)
    assert b"KeyboardInterrupt" in ended.stderr
