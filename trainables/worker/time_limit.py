"""A limit on the wall-clock time of a block of code, enforced by a signal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TimeLimitExceeded(Exception):
    """The work took longer than it may."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise TimeLimitExceeded inside the block after so many seconds; None, or another thread than the main: never.

    By SIGALRM, which Python handles between two of its instructions: a single long call into C ends first.
    """
    # Python runs the handlers of signals in its main thread only.
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    if seconds <= 0:
        raise TimeLimitExceeded("its time was used up before this iteration began")

    def expire(number: int, frame: FrameType | None) -> None:
        raise TimeLimitExceeded(f"the trial's time limit was reached {seconds:.1f} s into this iteration")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
