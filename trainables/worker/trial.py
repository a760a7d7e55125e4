"""One trial of a study on the disk: its state, its predictions, the base model that it takes or leaves. No Ray."""

from __future__ import annotations

import errno
import shutil
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from trainables.config import parse_config
from trainables.data import Dataset, mask_segments, write_predictions
from trainables.files import DamagedFile, read_with_digest, write_with_digest
from trainables.model import write_weights
from trainables.refinement import IterationResult, RunState, after_base
from trainables.training import NonFiniteLoss
from trainables.worker.checkpoint import load_state, save_state
from trainables.worker.time_limit import TimeLimitExceeded

RUNNING = "running"
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class Trial:
    """A trial as its worker knows it.

    config: ``trial`` (number), ``run`` (RunConfig as plain data), ``state_path``, ``predictions_path`` and
    ``model_path`` (weights of the best iteration), ``known_iterations`` (iterations that need no report); and, where it
    is wanted, ``base`` ({"key", "state_path", "predictions_path", "model_path"}: iteration 0, taken from there or left
    there).
    """

    def __init__(self, config: dict[str, Any], data: Dataset) -> None:
        self._data = data
        self.number: int = config["trial"]
        self.run = parse_config(config["run"], source=f"trial {self.number}")
        self.ended = False
        self._state_path = Path(config["state_path"])
        self._predictions_path = Path(config["predictions_path"])
        self._model_path = Path(config["model_path"])
        self._base: dict[str, str] | None = config.get("base")
        self.reported = int(config["known_iterations"])
        self._objective = float("nan")
        self._replay: list[dict[str, Any]] = []

    def open(self) -> RunState | None:
        """The state to go on from, None to begin; what it did beyond the reported iterations is told again."""
        state = load_state(self._state_path) or self._take_base()
        self._replay = []
        if state is not None:
            last = state.reports[-1:] if state.finished else []
            self._replay = state.reports[self.reported :] or last
        return state

    def replayed(self) -> dict[str, Any] | None:
        """The result of the next iteration that was on the disk already; None when all are told."""
        return self._told(self._replay.pop(0)) if self._replay else None

    def kept(self, result: IterationResult) -> dict[str, Any]:
        """The result of an iteration, when all of it is on the disk."""
        report = result.report
        if report["iteration"] == 0 and self._base:
            self._leave_base(result, self._base)
        self._write_predictions(result)
        if report["best_iteration"] == report["iteration"]:
            write_weights(self._model_path, report["iteration"], result.weights)
        save_state(self._state_path, result.state)
        return self._told(report)

    def failed(self, error: Exception) -> dict[str, Any]:
        """The result of a trial that cannot go on."""
        log = "".join(traceback.format_exception(error))
        reason = traceback.format_exception_only(error)[-1].strip().splitlines()[-1]
        number = error.errno if isinstance(error, OSError) else None
        self.ended = True
        return self._result(state=failure_state(error), reason=reason, log=log, errno=number, done=True)

    def _told(self, report: dict[str, Any]) -> dict[str, Any]:
        self.ended = bool(report["finished"])
        self.reported = int(report["iteration"]) + 1
        self._objective = report["best_so_far"]
        return self._result(state="completed" if self.ended else RUNNING, report=report, done=self.ended)

    def _result(self, **fields: Any) -> dict[str, Any]:
        return {"trial": self.number, "objective": self._objective, **fields}

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

    def _take_base(self) -> RunState | None:
        """The state after an iteration 0 that another trial has trained; its report says where it is from."""
        if not self._base:
            return None
        predictions = Path(self._base["predictions_path"])
        state = load_state(Path(self._base["state_path"]))
        if state is None or not predictions.exists():
            return None
        state = after_base(self.run, state)
        state.reports[0]["base"] = {"key": self._base["key"], "trained": False}
        self._predictions_path.parent.mkdir(parents=True, exist_ok=True)
        for copy in (self._base_predictions_path, self._predictions_path):
            shutil.copyfile(predictions, copy)
        with suppress(FileNotFoundError, DamagedFile):  # a base of an older version has no weights
            write_with_digest(self._model_path, read_with_digest(Path(self._base["model_path"])))
        return state

    @property
    def _base_predictions_path(self) -> Path:
        return self._predictions_path.with_suffix(".m0.csv")

    def _leave_base(self, result: IterationResult, base: dict[str, str]) -> None:
        """For other trials; the state last, so that where it lies its predictions do too."""
        write_predictions(Path(base["predictions_path"]), result.predictions["test"], self._data.classes)
        write_weights(Path(base["model_path"]), 0, result.weights)
        save_state(Path(base["state_path"]), result.state)
        result.report["base"] = {"key": base["key"], "trained": True}


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
