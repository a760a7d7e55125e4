"""The driver behind Ray Tune's interfaces: a searcher that hands out its trials, a callback that tells it results.

Tune's callbacks hear of an event before Tune asks for another trial, so the ledger always comes first.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import ray
from ray import tune
from ray.tune.search import Searcher

from study.driver import Driver, NoTrial
from study.execution.losses import HungWorkers, Killed, Losses, LostWorker, processes_in_setup
from study.ledger import TrialRecord, trial_name
from trainables.config import RunConfig
from trainables.worker.messages import (
    METRIC,
    UNWRITABLE,
    CachedM0,
    RunFiles,
    TrialAnswer,
    TrialOrder,
    WorkerOrder,
    WorkerPlace,
    answer_in,
    as_config,
    order_in,
)

MODE = "max"
DESCRIBE_S = 10.0
SETUP_LOOK_S = 10.0  # between two looks at workers that are being set up
SAME_CAUSE_S = 0.5  # what ends all processes of a job reaches this one just as soon


class Limits(NamedTuple):
    """What a trial may use. timeout_s: of its own iterations together. max_failures: retries after an exception.
    together: most trials that share a process."""

    cpus: float = 1
    gpus: float = 0
    timeout_s: float | None = None
    max_failures: int = 1
    together: int = 1


class StudySearcher(Searcher):
    """Hands the driver's trials to Tune, to no more workers at a time than ``losses`` allows."""

    def __init__(self, driver: Driver, limits: Limits, losses: Losses) -> None:
        super().__init__(metric=METRIC, mode=MODE)
        self._driver, self._limits, self._losses = driver, limits, losses
        self._at_work: set[str] = set()

    def suggest(self, trial_id: str) -> Any:
        """A trial's configuration; None: not yet; FINISHED: no more (Tune's own annotation forgets the last)."""
        if not self._losses.may_start(len(self._at_work)):
            return None
        with self._driver.noting_full_disk():
            records = self._driver.next_trials(self._limits.together)
        if records is NoTrial.EXHAUSTED:
            return Searcher.FINISHED
        if isinstance(records, NoTrial):
            return None
        self._at_work.add(trial_id)
        return as_config(worker_order(self._driver, records, self._limits))

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Its place is free; the callback has told the driver."""
        self._at_work.discard(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: a study is resumed from its ledger."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: a study is resumed from its ledger."""


class LedgerCallback(tune.Callback):
    """Tells the driver what happens to its trials.

    losses: whether a trial whose worker is lost is tried again. workers: those that run. check_stop: raises where the
    study is to stop, so that what is lost with it counts as no loss.
    """

    def __init__(
        self, driver: Driver, losses: Losses, workers: HungWorkers, check_stop: Callable[[], None] = lambda: None
    ) -> None:
        self._driver, self._losses, self._workers, self._check_stop = driver, losses, workers, check_stop
        self._places: WeakKeyDictionary[Any, WorkerPlace] = WeakKeyDictionary()  # a worker lives as long as its handle
        self._next_look = 0.0
        self._num_seen = 0  # of Tune's trials, to which it appends
        self._not_begun: dict[str, Any] = {}  # its trials, by their identity in Tune

    def __getstate__(self) -> dict[str, Any]:
        """Nothing, for Tune's snapshots: a study is resumed from its ledger."""
        return {}

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Of workers that were given a trial, Tune tells no more until they have begun with it."""
        # Tune lists all trials of the session: a look at each of them at each step makes a long one slow.
        self._not_begun |= {trial.trial_id: trial for trial in trials[self._num_seen :]}
        self._num_seen = len(trials)
        for trial in list(self._not_begun.values()):
            if trial.status != "PENDING":
                del self._not_begun[trial.trial_id]
            elif actor := trial.temporary_state.ray_actor:
                place = self._places.get(actor, WorkerPlace())
                self._workers.given(order_in(trial.config).trials[0].trial, place.host, place.pid)
        if time.monotonic() > self._next_look:
            self._next_look = time.monotonic() + SETUP_LOOK_S
            self._workers.set_up(processes_in_setup())

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        with self._driver.noting_full_disk():
            place, order = self._place(trial), order_in(trial.config)
            for one in order.trials:
                self._driver.started(one.trial, place.host, place.pid, place.device)
            self._workers.began(order.trials[0].trial, place.host, place.pid, order.timeout_s)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        with self._driver.noting_full_disk():
            order, answer = order_in(trial.config), answer_in(result)
            orders = {one.trial: one for one in order.trials}
            answers = answer.trials if answer else ()
            seconds = [one.report.seconds for one in answers if one.report is not None]
            self._workers.heard(order.trials[0].trial, max(seconds, default=0.0))
            for one in answers:
                self._answered(orders[one.trial], one)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        time.sleep(SAME_CAUSE_S)
        self._check_stop()
        log = Path(trial.error_file).read_text(encoding="utf-8", errors="replace") if trial.error_file else ""
        orders, lost, running = order_in(trial.config).trials, LostWorker(log), len(self._workers)
        killed = self._workers.ended(orders[0].trial, log)
        if lost.memory_was_short:
            self._losses.memory_was_short(running)
        with self._driver.noting_full_disk():
            for one in reversed(orders):  # each is put back before the others
                self._lost(one.trial, lost, killed)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._workers.ended(order_in(trial.config).trials[0].trial)

    def _place(self, trial: Any) -> WorkerPlace:
        """Of a worker that has begun with a trial; where it does not answer any more, as it was known before."""
        actor, place = trial.temporary_state.ray_actor, _describe(trial)
        if place.pid is None:
            place = self._places.get(actor, place)
        self._places[actor] = place
        return place

    def _lost(self, number: int, lost: LostWorker, killed: Killed | None) -> None:
        reason = killed.reason if killed else lost.reason
        if killed and killed.begun:
            self._driver.ended(number, "timed-out", reason)
        elif self._losses.retries(number):
            self._driver.retried(number, reason, self._driver.records[number].gpus)
        else:
            self._driver.ended(number, lost.state, reason, lost.log)

    def _answered(self, order: TrialOrder, answer: TrialAnswer) -> None:
        number = answer.trial
        if answer.report is not None:
            self._driver.reported(number, answer.report)
        if answer.state == UNWRITABLE:
            # No fault of the trial: it goes on at the next session, when there is room again.
            assert answer.errno is not None, "a worker says what kept it from writing"
            raise OSError(answer.errno, os.strerror(answer.errno), answer.path or str(self._driver.folder.path))
        if answer.state == "out-of-memory" and self._retry(order, answer.reason or answer.state):
            return
        if answer.ended:
            self._driver.ended(number, answer.state, answer.reason, answer.log)

    def _retry(self, order: TrialOrder, reason: str) -> bool:
        """Once more, with twice the share of a GPU, unless it had a whole one."""
        if not 0 < order.gpus < 1:
            return False
        self._driver.retried(order.trial, reason, min(2 * order.gpus, 1.0))
        return True


def worker_order(driver: Driver, records: Sequence[TrialRecord], limits: Limits) -> WorkerOrder:
    """What a worker is told: to Tune, trials that share a process are one, named after the first."""
    trials = tuple(trial_order(driver, record, limits) for record in records)
    left_s = None if limits.timeout_s is None else limits.timeout_s - min(record.own_seconds for record in records)
    return WorkerOrder(
        trials,
        cpus=limits.cpus,
        gpus=trials[0].gpus,
        retries=limits.max_failures,
        timeout_s=None if left_s is None else max(left_s, 0.0),
    )


def trial_order(driver: Driver, record: TrialRecord, limits: Limits) -> TrialOrder:
    """What a worker is told of one trial."""
    folder, run, known = driver.folder, driver.run_config(record), known_iterations(record)
    return TrialOrder(
        trial=record.number,
        run=run,
        files=_files(
            folder.state_file(record.number), folder.predictions_file(record.number), folder.model_file(record.number)
        ),
        title=f"{trial_name(record.number)} {run.pseudo_labels.generator} β={run.loss.beta:g}",
        known_iterations=known,
        known_reports=tuple(report for report in record.iterations if report.iteration < known),
        m0=_cached_m0(driver, record, run),
        gpus=record.gpus or limits.gpus,
    )


def _cached_m0(driver: Driver, record: TrialRecord, run: RunConfig) -> CachedM0 | None:
    cache, key = driver.m0_cache, driver.m0_key(record)
    if cache is None or key is None:
        return None
    folder = cache.folder
    files = _files(*folder.m0_files(key), folder.m0_model_file(key))
    return CachedM0(key, files, cache.measured_with(run))


def _files(*paths: Path) -> RunFiles:
    return RunFiles(*(path.absolute() for path in paths))


def known_iterations(record: TrialRecord) -> int:
    """How many iterations, from 0 on without a gap, the ledger has."""
    numbers = {report.iteration for report in record.iterations}
    return next(n for n in range(len(numbers) + 1) if n not in numbers)


def title(trial: Any) -> str:
    """Name of a Tune trial where Ray shows it, e.g. ``t0007 segment_prediction β=4``."""
    return order_in(trial.config).title


def _describe(trial: Any) -> WorkerPlace:
    """Host, process and device of a trial's worker; it has just started, so it answers at once."""
    try:
        place: WorkerPlace = ray.get(trial.temporary_state.ray_actor.describe.remote(), timeout=DESCRIBE_S)
        return place
    except (ray.exceptions.RayError, AttributeError):
        return WorkerPlace()
