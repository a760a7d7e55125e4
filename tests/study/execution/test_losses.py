"""Lost workers, with real processes in their place."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator

import pytest

from study.execution import losses
from study.execution.losses import HungWorkers, Losses, LostWorker


@pytest.fixture
def stopped() -> Iterator[subprocess.Popen[bytes]]:
    """A process that answers no more."""
    process = subprocess.Popen(["sleep", "100"])
    process.send_signal(signal.SIGSTOP)
    yield process
    process.kill()
    process.wait()


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(losses, "time", clock)
    return clock


def test_a_worker_that_does_not_end_its_trial_in_time_is_killed(clock: Clock, stopped: subprocess.Popen[bytes]) -> None:
    workers = HungWorkers()
    workers.began(7, socket.gethostname(), stopped.pid, timeout_s=60)
    clock.now = 60 + losses.KILL_AFTER_S
    workers.kill_overdue()
    assert stopped.poll() is None
    clock.now += 0.1
    workers.kill_overdue()
    assert stopped.wait(timeout=10) == -signal.SIGKILL
    workers.kill_overdue()  # its process number may be that of another process by now
    reason = "its time was up and its worker did not end it: the worker hung and was killed"
    assert workers.ended(7) == (reason, True)
    assert len(workers) == 0


def test_without_a_time_limit_a_worker_may_be_silent_for_many_iterations(
    clock: Clock, stopped: subprocess.Popen[bytes]
) -> None:
    workers = HungWorkers(longest_s=5)
    workers.began(7, socket.gethostname(), stopped.pid, timeout_s=None)
    workers.heard(7, 100)
    clock.now = losses.SILENT_ITERATIONS * 100
    workers.kill_overdue()
    assert stopped.poll() is None
    workers.heard(7)
    clock.now *= 2
    workers.kill_overdue()
    assert stopped.poll() is None
    clock.now += 1
    workers.kill_overdue()
    assert stopped.wait(timeout=10) == -signal.SIGKILL
    assert workers.ended(7) == ("no sign of life for 2000 s: the worker hung and was killed", True)


def test_short_iterations_leave_a_worker_a_quarter_of_an_hour(clock: Clock, stopped: subprocess.Popen[bytes]) -> None:
    workers = HungWorkers(longest_s=0.1)
    workers.began(7, socket.gethostname(), stopped.pid, timeout_s=None)
    clock.now = losses.SILENT_AT_LEAST_S
    workers.kill_overdue()
    assert stopped.poll() is None
    assert workers.ended(7) is None


LATE = ("its worker did not begin with it in time: the worker hung and was killed", False)


def test_a_worker_that_does_not_begin_with_its_next_trial_is_killed(
    clock: Clock, stopped: subprocess.Popen[bytes]
) -> None:
    workers = HungWorkers(longest_s=1000)
    for clock.now in (0, losses.BEGIN_S):
        workers.given(7, socket.gethostname(), stopped.pid)
        workers.kill_overdue()
    assert stopped.poll() is None
    clock.now += 1
    workers.kill_overdue()
    assert stopped.wait(timeout=10) == -signal.SIGKILL
    assert workers.ended(7) == LATE


def test_a_new_worker_that_is_not_ready_in_time_is_killed(clock: Clock, stopped: subprocess.Popen[bytes]) -> None:
    workers = HungWorkers()
    for clock.now in (0, losses.BEGIN_S):
        workers.set_up({(socket.gethostname(), stopped.pid)})
        workers.kill_overdue()
    assert stopped.poll() is None
    clock.now += 1
    workers.kill_overdue()
    assert stopped.wait(timeout=10) == -signal.SIGKILL
    assert workers.ended(7, "The actor died.\n\tpid: 1\n") is None
    assert workers.ended(7, f"The actor died.\n\tpid: {stopped.pid}\n") == LATE


def test_where_memory_was_short_fewer_workers_run_and_not_at_once(clock: Clock) -> None:
    found = Losses(most=1)
    assert found.may_start(100)
    found.memory_was_short(running=3)
    assert not found.may_start(0)
    clock.now = losses.AFTER_MEMORY_S
    assert found.may_start(1)
    assert not found.may_start(2)
    for _ in range(5):
        found.memory_was_short(running=2)
    clock.now *= 2
    assert found.may_start(0), "one worker always may"


def test_a_loss_has_a_reason() -> None:
    memory = LostWorker(
        "Failure # 1\n1 worker(s) were killed due to the node running low on memory. Memory on the node (IP: 127.0.0.1"
        ", ID: fb) was 9.52GB used / 23.54GB limit (0.404599)\nOOM kill reason: Memory usage 9919897600B\n"
    )
    assert memory.state == "out-of-memory"
    assert memory.reason == "the memory of its node was short (9.52GB used / 23.54GB limit): Ray ended the worker"
    killed = LostWorker("Failure # 1\n  The actor died unexpectedly before finishing this task.\n\tpid: 1\n")
    assert (killed.state, killed.reason) == ("failed", "The actor died unexpectedly before finishing this task.")
    assert LostWorker("").reason == "the worker was lost"
