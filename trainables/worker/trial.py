"""One trial of a study on the disk: its state, its predictions, the base model that it takes or leaves. No Ray."""

from __future__ import annotations

import logging
import math
import shutil
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch

from trainables.config import RunConfig
from trainables.data import Dataset, write_predictions
from trainables.files import DamagedFile, is_unavailable, keeping_files, read_with_digest, write_with_digest
from trainables.gpu import DeviceCache
from trainables.model import read_weights, write_weights
from trainables.refinement.iteration import IterationResult, RunState
from trainables.refinement.refine import after_m0, measured_m0
from trainables.report import IterationReport, M0Origin
from trainables.training import NonFiniteLoss, Weights
from trainables.worker.belonging import content_problem, m0_owner, report_problem, trial_owner
from trainables.worker.checkpoint import load_state, save_state
from trainables.worker.messages import COMPLETED, RUNNING, UNWRITABLE, CachedM0, TrialAnswer, TrialOrder
from trainables.worker.time_limit import TimeLimitExceeded

logger = logging.getLogger(__name__)


class Trial:
    """A trial as its worker knows it."""

    def __init__(self, order: TrialOrder, data: Dataset, device_cache: Callable[[RunConfig], DeviceCache]) -> None:
        """device_cache: what the process keeps on a run's device."""
        self.files, self._m0, self._data, self._device_cache = order.files, order.m0, data, device_cache
        self.number, self.run = order.trial, order.run
        self.ended = False
        self.reported, self._known = order.known_iterations, order.known_reports
        self._objective = math.nan
        self._unreported: list[IterationReport] = []

    def open(self) -> RunState | None:
        """The state to go on from, None to begin. Iterations that it has beyond the known ones are answered first."""
        with keeping_files():
            state = load_state(self.files.state, trial_owner(self.run), self._problem) or self._take_m0()
        self._unreported = []
        if state is not None:
            last = state.reports[-1:] if state.finished else []
            self._unreported = state.reports[self.reported :] or last
        return state

    def next_known(self) -> TrialAnswer | None:
        """The answer for the next iteration that the state on the disk has beyond the known ones; None without one."""
        return self._told(self._unreported.pop(0)) if self._unreported else None

    def kept(self, result: IterationResult) -> TrialAnswer:
        """The answer for an iteration, when all of it is on the disk."""
        with keeping_files():
            if result.report.iteration == 0 and self._m0:
                result = self._leave_m0(result, self._m0)
            self._write_predictions(result)
            if result.report.best_iteration == result.report.iteration:
                write_weights(self.files.model, result.report.iteration, result.weights)
            save_state(self.files.state, result.state, trial_owner(self.run))
        return self._told(result.report)

    def failed(self, error: Exception) -> TrialAnswer:
        """The answer of a trial that cannot go on."""
        self.ended = True
        return TrialAnswer(
            self.number,
            failure_state(error),
            self._objective,
            reason=_reason(error),
            log="".join(traceback.format_exception(error)),
            errno=error.errno if isinstance(error, OSError) else None,
            path=str(error.filename) if isinstance(error, OSError) and error.filename else None,
        )

    def _told(self, report: IterationReport) -> TrialAnswer:
        self.ended = report.finished
        self.reported = report.iteration + 1
        self._objective = math.nan if report.best_so_far is None else report.best_so_far
        return TrialAnswer(self.number, COMPLETED if self.ended else RUNNING, self._objective, report)

    def _write_predictions(self, result: IterationResult) -> None:
        """Those of M0 and of the best iteration so far, and the pseudo labels that trained it where the test split
        has some (selection rule: paper)."""
        report, predictions, classes = result.report, result.predictions["test"], self._data.classes
        path = self.files.predictions
        if report.iteration == 0:
            write_predictions(self._m0_predictions_path, predictions, classes)
        if report.best_iteration == report.iteration:
            write_predictions(path, predictions, classes)
            if "test" in result.labels:
                labels = self._data.test.segments_of(result.labels["test"])
                write_predictions(path.with_suffix(".labels.csv"), labels, ["foreground"])

    def _take_m0(self) -> RunState | None:
        """The state after an iteration 0 that another trial has trained; its report says where it is from.

        None where the cache has none that is right: this trial then trains it anew, and leaves it there.
        """
        m0 = self._m0
        if m0 is None:
            return None
        state = load_state(m0.files.state, m0_owner(m0.key), self._m0_problem)
        if state is None or not m0.files.predictions.exists():
            return None
        self.files.predictions.parent.mkdir(parents=True, exist_ok=True)
        origin = M0Origin(m0.key, trained=False)
        if _measured_otherwise(m0, self.run):
            return self._measure_m0(m0, state, origin)
        for copy in (self._m0_predictions_path, self.files.predictions):
            shutil.copyfile(m0.files.predictions, copy)
        with suppress(FileNotFoundError, DamagedFile):  # an M0 of an older version has no weights
            write_with_digest(self.files.model, read_with_digest(m0.files.model))
        return with_m0_origin(after_m0(self.run, state), origin)

    def _measure_m0(self, m0: CachedM0, state: RunState, origin: M0Origin) -> RunState | None:
        """The state after an M0 that the cache keeps with the numbers of other predictions than this trial's."""
        weights = self._m0_weights(m0, state)
        if weights is None:
            return None
        result = measured_m0(self.run, self._data, state, weights, self._device_cache(self.run))
        for path in (self._m0_predictions_path, self.files.predictions):
            write_predictions(path, result.predictions["test"], self._data.classes)
        write_with_digest(self.files.model, read_with_digest(m0.files.model))
        return with_m0_origin(result.state, origin)

    def _m0_weights(self, m0: CachedM0, state: RunState) -> Weights | None:
        """Of the chosen epoch; None where they are not there, as in older studies, or are not those of such an M0."""
        try:
            weights = read_weights(m0.files.model).weights
            problem = content_problem(replace(state, weights=weights), self.run, self._data)
            if problem is not None:
                raise DamagedFile(f"{m0.files.model}: {problem}")
        except FileNotFoundError:
            return None
        except DamagedFile as error:
            logger.warning("%s; it is not used", error)
            return None
        return weights

    def _problem(self, state: RunState, owned: bool) -> str | None:
        """Why this trial does not go on from a state; of one that names no owner, the ledger's reports tell it."""
        found = content_problem(state, self.run, self._data)
        return found if found or owned else report_problem(state, self._known)

    def _m0_problem(self, state: RunState, owned: bool) -> str | None:
        if state.iteration:
            return f"is the state after iteration {state.iteration}, not an M0"
        return content_problem(state, self.run, self._data)

    @property
    def _m0_predictions_path(self) -> Path:
        return self.files.predictions.with_suffix(".m0.csv")

    def _leave_m0(self, result: IterationResult, m0: CachedM0) -> IterationResult:
        """For other trials; the state last, so that where it lies its predictions do too."""
        kept = result
        if m0.prediction is not None and _measured_otherwise(m0, self.run):
            kept_run = self.run.model_copy(update={"prediction": m0.prediction})
            kept = measured_m0(kept_run, self._data, result.state, result.weights, self._device_cache(kept_run))
        write_predictions(m0.files.predictions, kept.predictions["test"], self._data.classes)
        write_weights(m0.files.model, 0, result.weights)
        save_state(m0.files.state, kept.state, m0_owner(m0.key))
        state = with_m0_origin(result.state, M0Origin(m0.key, trained=True))
        return replace(result, state=state, report=state.reports[0])


def _measured_otherwise(m0: CachedM0, run: RunConfig) -> bool:
    """Whether the numbers that are kept with an M0 are of other predictions than a run's."""
    return m0.prediction is not None and m0.prediction != run.prediction


def with_m0_origin(state: RunState, origin: M0Origin) -> RunState:
    """The state with a note in the report of iteration 0 of where that comes from."""
    first, *others = state.reports
    return replace(state, reports=[replace(first, m0=origin), *others])


def _reason(error: Exception) -> str:
    """One line; what is foreseen is a sentence of its own, anything else begins with its class."""
    if isinstance(error, NonFiniteLoss | TimeLimitExceeded):
        return str(error)
    return traceback.format_exception_only(error)[-1].strip().splitlines()[-1]


def failure_state(error: BaseException) -> str:
    """The final state of a trial that raised ``error``; ``unwritable``: none, the study itself cannot go on."""
    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return "out-of-memory"
    if isinstance(error, NonFiniteLoss):
        return "non-finite"
    if isinstance(error, TimeLimitExceeded):
        return "timed-out"
    if is_unavailable(error):
        return UNWRITABLE
    return "failed"
