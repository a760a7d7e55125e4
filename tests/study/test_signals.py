from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from study import signals as module
from study.signals import Stopped, StopSignals, heeded_signals, stop_status


@pytest.fixture
def signals() -> Iterator[StopSignals]:
    with StopSignals().installed() as installed:
        yield installed


def send(number: int) -> None:
    os.kill(os.getpid(), number)


def test_the_first_signal_stops_at_once(signals: StopSignals) -> None:
    with pytest.raises(Stopped, match="SIGTERM"):
        send(signal.SIGTERM)
    assert signals.number == signal.SIGTERM


def test_a_deferred_signal_is_noted_until_it_is_looked_for(signals: StopSignals) -> None:
    with signals.deferred():
        signals.check()
        send(signal.SIGUSR1)
        send(signal.SIGUSR1)  # the same request, to the process and to its group
        with pytest.raises(Stopped, match="SIGUSR1"):
            signals.check()


def test_a_second_request_does_not_wait(signals: StopSignals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAME_REQUEST_S", 0.0)
    with signals.deferred():
        send(signal.SIGTERM)
        with pytest.raises(Stopped, match="SIGTERM"):
            send(signal.SIGINT)


def test_the_handlers_of_before_come_back() -> None:
    before = [signal.getsignal(number) for number in module.STOPPING]
    with StopSignals().installed():
        assert [signal.getsignal(number) for number in module.STOPPING] != before
    assert [signal.getsignal(number) for number in module.STOPPING] == before


def test_a_hangup_that_whoever_started_the_process_ignores_is_not_heeded() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        assert signal.SIGHUP in heeded_signals()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        assert signal.SIGHUP not in heeded_signals()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_leaves_the_handlers_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def install() -> None:
        with StopSignals().installed():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=install)
    thread.start()
    thread.join()
    assert seen == [before]


def test_only_ctrl_c_has_a_status_of_its_own() -> None:
    assert {number: stop_status(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGXCPU)} == {
        signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGXCPU: 143,
    }  # fmt: skip
