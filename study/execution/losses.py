"""Workers that are lost while they run trials: hung, killed, out of memory."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

KILL_AFTER_S = 10.0  # a worker ends a trial by itself when its time is up; what does not answer then is hung
SILENT_ITERATIONS = 20  # without a time limit: so many times as long as the longest iteration
SILENT_AT_LEAST_S = 900.0
AFTER_MEMORY_S = 15.0  # what filled the memory may be gone then
SILENT_UNKNOWN_S = 6 * 3600.0  # while no iteration of the study has ended
BEGIN_S = 900.0  # to import torch, get the data set and begin with a trial
LATE = "its worker did not begin with it in time"


@dataclass
class _Running:
    host: str | None
    pid: int | None
    ends_at: float
    heard_at: float
    begun: bool = True
    reason: str | None = None  # why its process was killed


class Killed(NamedTuple):
    """A worker that was killed from here. begun: it had begun with its trial."""

    reason: str
    begun: bool


class HungWorkers:
    """Kills the process of a worker that does not answer: it cannot end its trial itself any more.

    A worker is known by the number of the first trial that it runs.
    """

    def __init__(self, longest_s: float = 0.0) -> None:
        """longest_s: seconds of the longest iteration so far, 0 while none has ended."""
        self._longest_s = longest_s
        self._running: dict[int, _Running] = {}
        self._in_setup: dict[tuple[str, int], float] = {}  # host and process -> seen first
        self._killed_in_setup: set[int] = set()

    def __len__(self) -> int:
        return len(self._running)

    def set_up(self, processes: Iterable[tuple[str, int]]) -> None:
        """All new workers, which have not begun with their first trial; each as host and process."""
        now = time.monotonic()
        self._in_setup = {process: self._in_setup.get(process, now) for process in processes}

    def given(self, trial: int, host: str | None, pid: int | None) -> None:
        """A worker that has run trials before was given this one, and has not begun with it."""
        self._running.setdefault(trial, _Running(host, pid, float("inf"), time.monotonic(), begun=False))

    def began(self, trial: int, host: str | None, pid: int | None, timeout_s: float | None) -> None:
        """timeout_s: what is left of the trial's time."""
        now = time.monotonic()
        limit = float("inf") if timeout_s is None else timeout_s + KILL_AFTER_S
        self._running[trial] = _Running(host, pid, now + limit, now)

    def heard(self, trial: int, seconds: float = 0.0) -> None:
        """It has told a result; seconds: of the iteration."""
        self._longest_s = max(self._longest_s, seconds)
        if trial in self._running:
            self._running[trial].heard_at = time.monotonic()

    def ended(self, trial: int, log: str = "") -> Killed | None:
        """It runs no more; None where it was not killed from here. log: Tune's, of its loss."""
        running = self._running.pop(trial, None)
        if running is not None:
            return Killed(running.reason, running.begun) if running.reason else None
        if any(f"pid: {pid}\n" in log for pid in self._killed_in_setup):
            return Killed(_hung(LATE), begun=False)
        return None

    def kill_overdue(self) -> None:
        """Kill those that are beyond their limit; Ray then tells of the loss."""
        now = time.monotonic()
        for running in self._running.values():
            if running.reason is None and (reason := self._overdue(running, now)):
                running.reason = _hung(reason)
                kill_process(running.host, running.pid)
        for (host, pid), since in self._in_setup.items():
            if now > since + BEGIN_S:
                self._in_setup[host, pid] = float("inf")
                self._killed_in_setup.add(pid)
                kill_process(host, pid)

    def _overdue(self, running: _Running, now: float) -> str | None:
        if not running.begun:
            return LATE if now > running.heard_at + BEGIN_S else None
        if now > running.ends_at:
            return "its time was up and its worker did not end it"
        silent_s = max(SILENT_AT_LEAST_S, SILENT_ITERATIONS * self._longest_s) if self._longest_s else SILENT_UNKNOWN_S
        return f"no sign of life for {silent_s:.0f} s" if now > running.heard_at + silent_s else None


def _hung(reason: str) -> str:
    return f"{reason}: the worker hung and was killed"


class Losses:
    """How often the worker of each trial was lost, and how many workers may run at a time since memory was short."""

    def __init__(self, most: int) -> None:
        """most: how often a trial survives the loss of its worker."""
        self._most, self._lost = most, Counter[int]()
        self.workers = float("inf")
        self._not_before = 0.0

    def retries(self, trial: int) -> bool:
        """Count one more loss; whether the trial is to be tried again."""
        self._lost[trial] += 1
        return self._lost[trial] <= self._most

    def memory_was_short(self, running: int) -> None:
        """With so many workers; the session goes on with fewer."""
        self.workers = max(1, min(self.workers, running) - 1)
        self._not_before = time.monotonic() + AFTER_MEMORY_S

    def may_start(self, running: int) -> bool:
        """Whether there may be one more worker now."""
        return running < self.workers and time.monotonic() >= self._not_before


@dataclass(frozen=True)
class LostWorker:
    """What Tune's log of a failed trial says."""

    log: str

    @property
    def memory_was_short(self) -> bool:
        """Whether Ray's memory monitor ended the worker."""
        return "running low on memory" in self.log

    @property
    def state(self) -> str:
        """How the trial ends where it is not tried again."""
        return "out-of-memory" if self.memory_was_short or "OutOfMemory" in self.log else "failed"

    @property
    def reason(self) -> str:
        if self.memory_was_short:
            used = re.search(r"[\d.]+GB used / [\d.]+GB limit", self.log)
            return f"the memory of its node was short{f' ({used[0]})' if used else ''}: Ray ended the worker"
        lines = (line.strip() for line in self.log.splitlines())
        return next((line for line in lines if "died" in line or "Error" in line), "the worker was lost")


def kill_process(host: str | None, pid: int | None) -> None:
    """SIGKILL, here or on another node; a process that is stopped does not obey Ray's own order to end."""
    if pid is None:
        return
    if host == socket.gethostname():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    for node in ray.nodes():
        if node["Alive"] and node["NodeManagerHostname"] == host:
            strategy = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            ray.remote(num_cpus=0)(os.kill).options(scheduling_strategy=strategy).remote(pid, signal.SIGKILL)


def processes_in_setup() -> set[tuple[str, int]]:
    """Host and process of each worker of this Ray job that is not ready for its first trial."""
    import ray
    from ray._private import state  # the public list of actors needs the dashboard

    job = ray.JobID(bytes.fromhex(ray.get_runtime_context().get_job_id()))
    hosts = {node["NodeID"]: node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"]}
    actors = state.actors(job_id=job, actor_state_name="PENDING_CREATION").values()
    return {
        (hosts[node], actor["Pid"])
        for actor in actors
        if (node := actor["Address"]["NodeID"]) in hosts and actor["Pid"]
    }
