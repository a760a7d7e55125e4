"""The whole Ray shell around ``refine``: one ``step`` is one refinement iteration, one actor runs many trials.

What a trial has done is on the disk before it is reported, so that a trial goes on after its last whole iteration,
whatever was killed. A trial that cannot go on says so in its last result: its worker lives on for the next trial.
"""

from __future__ import annotations

import gc
import os
import socket
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from ray import tune

from trainables.batches import FeatureStore
from trainables.checkpoint import load_state, save_state
from trainables.config import RunConfig, parse_config
from trainables.datasets.contract import Dataset
from trainables.refinement import IterationResult, feature_store, refine
from trainables.segment_files import mask_segments, write_predictions
from trainables.training import NonFiniteLoss

RUNNING = "running"


class RefinementTrainable(tune.Trainable):
    """One refinement run.

    Its Tune configuration: ``trial`` (number), ``run`` (RunConfig as plain data), ``state_path`` and
    ``predictions_path``, ``known_iterations`` (iterations that need no report). The data set comes through
    ``tune.with_parameters``: once per node in Ray's object store, read in place by all trials.
    """

    def setup(self, config: dict[str, Any], data: Dataset | None = None) -> None:
        assert data is not None, "the data set comes through tune.with_parameters"
        self._data = data
        self._stores: dict[tuple[str, str], FeatureStore] = {}
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial; data, imports and device stay."""
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        try:
            report = self._next_report()
        except Exception as error:  # a trial may end in any way, the study goes on
            return self._failed(error)
        done = bool(report["finished"])
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
        self._trial: int = config["trial"]
        self._state_path = Path(config["state_path"])
        self._predictions_path = Path(config["predictions_path"])
        self._objective = float("nan")
        self._replay: list[dict[str, Any]] = []
        self._iterations: Iterator[IterationResult] = iter(())
        self._release()
        self._run = parse_config(config["run"], source=f"trial {self._trial}")
        # The rest happens in the first step, where what goes wrong ends the trial and not the worker.
        self._known: int | None = config["known_iterations"]

    def _next_report(self) -> dict[str, Any]:
        if self._known is not None:
            self._open(self._known)
            self._known = None
        if self._replay:
            return self._replay.pop(0)
        result = next(self._iterations)
        report = result.report
        self._write_predictions(result)
        save_state(self._state_path, result.state)
        return report

    def _write_predictions(self, result: IterationResult) -> None:
        """Those of M0 and of the best iteration so far, and the pseudo labels that trained it where the test split
        has some (selection rule: paper)."""
        report, predictions, classes = result.report, result.predictions["test"], self._data.classes
        if report["iteration"] == 0:
            write_predictions(self._predictions_path.with_suffix(".m0.csv"), predictions, classes)
        if report["best_iteration"] == report["iteration"]:
            write_predictions(self._predictions_path, predictions, classes)
            if "test" in result.labels:
                labels = mask_segments(self._data.test, result.labels["test"])
                write_predictions(self._predictions_path.with_suffix(".labels.csv"), labels, ["foreground"])

    def _open(self, known: int) -> None:
        """Go on from the state on the disk; what it did beyond the ``known`` iterations is reported again."""
        state = load_state(self._state_path)
        if state is not None:
            last = state.reports[-1:] if state.finished else []
            self._replay = state.reports[known:] or last
        self._iterations = refine(self._run, self._data, state, self._store(self._run))

    def _store(self, run: RunConfig) -> FeatureStore:
        key = (run.compute.device, run.compute.dtype)
        if key not in self._stores:
            self._stores[key] = feature_store(run)
        return self._stores[key]

    def _failed(self, error: Exception) -> dict[str, Any]:
        log = "".join(traceback.format_exception(error))
        reason = traceback.format_exception_only(error)[-1].strip().splitlines()[-1]
        self._iterations = iter(())
        return self._result(state=failure_state(error), reason=reason, log=log, done=True)

    def _result(self, **fields: Any) -> dict[str, Any]:
        return {"trial": self._trial, "objective": self._objective, **fields}

    def _release(self) -> None:
        """Give the memory of the last trial back before the next one asks for its own."""
        gc.collect()
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            torch.cuda.empty_cache()


def failure_state(error: BaseException) -> str:
    """The final state of a trial that raised ``error``."""
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return "out-of-memory"
    if isinstance(error, NonFiniteLoss):
        return "non-finite"
    return "failed"
