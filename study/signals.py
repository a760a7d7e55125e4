"""Signals that stop a study in order: of a terminal, of a batch system, of a user."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Slurm sends SIGTERM, or what its --signal says; SIGHUP: the terminal is gone; SIGXCPU: a batch system's limit.
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)
SAME_REQUEST_S = 0.5  # one request reaches a process twice where it is sent to it and to its group


class Stopped(KeyboardInterrupt):
    """A signal asked to stop."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def stop_status(number: int) -> int:
    """Exit status of a command that a signal stopped: 130 as after Ctrl+C, 143 for all others."""
    return 130 if number == signal.SIGINT else 143


def heeded_signals() -> list[signal.Signals]:
    """All, but for a SIGHUP that the parent process has set to be ignored (nohup, disown)."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [number for number in STOPPING if number != signal.SIGHUP or not ignored]


class StopSignals:
    """Handles the signals of this process: the first one raises Stopped, at once or where the holder looks for it; one
    that comes later raises it at once."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._at = 0.0
        self._deferred = False

    @contextmanager
    def installed(self) -> Iterator[StopSignals]:
        """In force inside of the block; only in the main thread, as Python demands."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        before = {number: signal.getsignal(number) for number in heeded_signals()}
        self.install()
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def install(self) -> None:
        """Take the signals (again): Ray Tune sets a handler of its own for some."""
        if threading.current_thread() is threading.main_thread():
            for number in heeded_signals():
                signal.signal(number, self._handle)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """The first signal is only noted inside of the block."""
        before, self._deferred = self._deferred, True
        try:
            yield
        finally:
            self._deferred = before

    def check(self) -> None:
        """Raise Stopped where a signal has been noted."""
        if self.number is not None:
            raise Stopped(self.number)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        first = self.number is None
        if first:
            self.number, self._at = number, now
        if (first and not self._deferred) or now - self._at > SAME_REQUEST_S:
            raise Stopped(self.number or number)
