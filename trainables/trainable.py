"""The whole Ray shell around ``refine``: one ``step`` is one refinement iteration, one actor runs many trials.

What a trial has done is on the disk before it is reported, so that a trial goes on after its last whole iteration,
whatever was killed. A trial that cannot go on says so in its last result: its worker lives on for the next trial.
"""

from __future__ import annotations

import errno
import gc
import os
import shutil
import socket
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray
import torch
from ray import tune

from trainables.checkpoint import load_state, save_state
from trainables.config import RunConfig, parse_config
from trainables.datasets.contract import Dataset
from trainables.feature_store import FeatureStore
from trainables.refinement import IterationResult, RunState, after_base, feature_store, refine
from trainables.segment_files import mask_segments, write_predictions
from trainables.time_limit import TimeLimitExceeded, time_limit
from trainables.training import NonFiniteLoss

RUNNING = "running"
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class RefinementTrainable(tune.Trainable):
    """One refinement run.

    Its Tune configuration: ``trial`` (number), ``run`` (RunConfig as plain data), ``state_path`` and
    ``predictions_path``, ``known_iterations`` (iterations that need no report); and, each absent where it is not
    wanted, ``title`` (where Ray and ``ps`` show the trial), ``base`` ({"key", "state_path", "predictions_path"}:
    iteration 0, taken from there or left there), ``timeout_s`` (what is left of the trial's time), ``retries``
    (after an exception), ``gpus`` (share of the GPU's memory that this process may use). The data set comes through
    ``tune.with_parameters``: once per node in Ray's object store, read in place by all trials.
    """

    _title: str = "trial"  # asked for also when a worker fails before its first trial begins

    def setup(self, config: dict[str, Any], data: Dataset | None = None) -> None:
        assert data is not None, "the data set comes through tune.with_parameters"
        self._data = data
        self._stores: dict[tuple[str, str], FeatureStore] = {}
        _warm_up()
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial; data, imports and device stay."""
        self._begin(new_config)
        return True

    def __repr__(self) -> str:
        """What Ray's dashboard calls this worker: the trial that it began with."""
        return self._title

    def step(self) -> dict[str, Any]:
        _set_process_title(self._title)
        while True:
            try:
                with time_limit(self._time_left()):
                    report = self._next_report()
                break
            except Exception as error:  # a trial may end in any way, the study goes on
                if failure_state(error) != "failed" or not self._retries:
                    return self._failed(error)
                self._retries -= 1
                self._go_on_from_disk()
        done = bool(report["finished"])
        self._reported = int(report["iteration"]) + 1
        self._objective = report["best_so_far"]
        return self._result(state="completed" if done else RUNNING, report=report, done=done)

    def describe(self) -> dict[str, Any]:
        """Where this trial runs."""
        cuda = self._run.compute.device != "cpu" and torch.cuda.is_available()
        return {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "device": torch.cuda.get_device_name() if cuda else "cpu",
        }

    def _begin(self, config: dict[str, Any]) -> None:
        self._began = time.monotonic()
        self._trial: int = config["trial"]
        self._title = config.get("title", f"trial {self._trial}")
        self._state_path = Path(config["state_path"])
        self._predictions_path = Path(config["predictions_path"])
        self._base: dict[str, str] | None = config.get("base")
        self._timeout_s: float | None = config.get("timeout_s")
        self._retries: int = config.get("retries", 0)
        self._objective = float("nan")
        self._reported = int(config["known_iterations"])
        self._run = parse_config(config["run"], source=f"trial {self._trial}")
        self._go_on_from_disk()
        _cap_gpu_memory(config.get("gpus", 0))

    def _go_on_from_disk(self) -> None:
        """Forget what is in memory; the rest happens in the next step, where a failure ends the trial alone."""
        self._replay: list[dict[str, Any]] = []
        self._iterations: Iterator[IterationResult] = iter(())
        self._is_open = False
        self._release()

    def _time_left(self) -> float | None:
        return None if self._timeout_s is None else self._timeout_s - (time.monotonic() - self._began)

    def _next_report(self) -> dict[str, Any]:
        if not self._is_open:
            self._open()
            self._is_open = True
        if self._replay:
            return self._replay.pop(0)
        result = next(self._iterations)
        report = result.report
        if report["iteration"] == 0 and self._base:
            self._leave_base(result, self._base)
        self._write_predictions(result)
        save_state(self._state_path, result.state)
        return report

    def _write_predictions(self, result: IterationResult) -> None:
        """Those of M0 and of the best iteration so far, and the pseudo labels that trained it where the test split
        has some (selection rule: paper)."""
        report, predictions, classes = result.report, result.predictions["test"], self._data.classes
        if report["iteration"] == 0:
            write_predictions(self._base_predictions_path, predictions, classes)
        if report["best_iteration"] == report["iteration"]:
            write_predictions(self._predictions_path, predictions, classes)
            if "test" in result.labels:
                labels = mask_segments(self._data.test, result.labels["test"])
                write_predictions(self._predictions_path.with_suffix(".labels.csv"), labels, ["foreground"])

    def _open(self) -> None:
        """Go on from the state on the disk; what it did beyond the reported iterations is reported again."""
        state = load_state(self._state_path) or self._take_base()
        if state is not None:
            last = state.reports[-1:] if state.finished else []
            self._replay = state.reports[self._reported :] or last
        self._iterations = refine(self._run, self._data, state, self._store(self._run))

    def _take_base(self) -> RunState | None:
        """The state after an iteration 0 that another trial has trained; its report says where it is from."""
        if not self._base:
            return None
        predictions = Path(self._base["predictions_path"])
        state = load_state(Path(self._base["state_path"]))
        if state is None or not predictions.exists():
            return None
        state = after_base(self._run, state)
        state.reports[0]["base"] = {"key": self._base["key"], "trained": False}
        self._predictions_path.parent.mkdir(parents=True, exist_ok=True)
        for copy in (self._base_predictions_path, self._predictions_path):
            shutil.copyfile(predictions, copy)
        return state

    @property
    def _base_predictions_path(self) -> Path:
        return self._predictions_path.with_suffix(".m0.csv")

    def _leave_base(self, result: IterationResult, base: dict[str, str]) -> None:
        """For other trials; the state last, so that where it lies its predictions do too."""
        write_predictions(Path(base["predictions_path"]), result.predictions["test"], self._data.classes)
        save_state(Path(base["state_path"]), result.state)
        result.report["base"] = {"key": base["key"], "trained": True}

    def _store(self, run: RunConfig) -> FeatureStore:
        key = (run.compute.device, run.compute.dtype)
        if key not in self._stores:
            self._stores[key] = feature_store(run)
        return self._stores[key]

    def _failed(self, error: Exception) -> dict[str, Any]:
        log = "".join(traceback.format_exception(error))
        reason = traceback.format_exception_only(error)[-1].strip().splitlines()[-1]
        self._iterations = iter(())
        state = failure_state(error)
        number = error.errno if isinstance(error, OSError) else None
        return self._result(state=state, reason=reason, log=log, errno=number, done=True)

    def _result(self, **fields: Any) -> dict[str, Any]:
        return {"trial": self._trial, "objective": self._objective, **fields}

    def _release(self) -> None:
        """Give the memory of the last trial back before the next one asks for its own."""
        gc.collect()
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            torch.cuda.empty_cache()


def failure_state(error: BaseException) -> str:
    """The final state of a trial that raised ``error``; ``unwritable``: none, the study itself cannot go on."""
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return "out-of-memory"
    if isinstance(error, NonFiniteLoss):
        return "non-finite"
    if isinstance(error, TimeLimitExceeded):
        return "timed-out"
    if isinstance(error, OSError) and error.errno in UNWRITABLE:
        return "unwritable"
    return "failed"


def _cap_gpu_memory(share: float) -> None:
    """Ray's fractions are book-keeping; this makes a trial that needs more fail instead of its neighbours."""
    if share and torch.cuda.is_available():
        torch.cuda.set_per_process_memory_fraction(min(share, 1.0))


def _set_process_title(title: str) -> None:
    """The trial that runs now, in ``ps``, ``top``, ``nvidia-smi`` and the dashboard's list of processes."""
    # Ray brings this along for its own titles; it is no part of its interface, so it may go.
    change = getattr(ray._raylet, "setproctitle", None)
    if change is not None:
        change(f"ray::{title}")


def _warm_up() -> None:
    """One step of a tiny training: what torch imports at its first use is not charged to the first iteration."""
    weight = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.Adam([weight])
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    weight.sum().backward()
    optimizer.step()
    schedule.step(0.0)
