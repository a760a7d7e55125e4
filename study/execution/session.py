"""The trials of a session on Ray: run what is left. The only user of Ray Tune."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.driver import Driver
from study.placement import Placement
from study.signals import StopSignals
from trainables.data import Dataset
from trainables.json_types import JsonObject

if TYPE_CHECKING:
    from ray import tune

    from study.execution.losses import HungWorkers
    from study.execution.searcher import StudySearcher

MAX_FAILURES = 1
OVERDUE_LOOK_S = 1.0  # between two looks for workers that do not answer
FULL_BYTES = 64 * 1024


def run_trials(
    driver: Driver,
    data: Dataset,
    placement: Placement,
    trainable: Any = None,
    timeout_s: float | None = None,
    max_failures: int = MAX_FAILURES,
    callbacks: Sequence[Any] = (),
    signals: StopSignals | None = None,
) -> None:
    """Run all trials that are left; returns when there are none.

    Raises Stopped soon after a signal (``study.signals``): trials then go on from their last iteration at the next
    session; OSError where the study's folder refuses. trainable: a tune.Trainable class in place of
    RefinementTrainable, called with the same configuration. timeout_s: of one trial. max_failures: how often a trial
    is tried again after an exception, and after the loss of its worker. callbacks: further ones of Tune's, after the
    ledger's. signals: those of this process, where they are handled already.
    """
    from study.execution.losses import HungWorkers, Losses
    from study.execution.searcher import LedgerCallback, Limits, StudySearcher
    from study.execution.tune_internals import (
        count_no_callbacks,
        one_snapshot,
        registry_asked_once,
        treat_lost_workers_alike,
    )

    together = placement.trials_per_process
    limits = Limits(placement.cpus_per_trial, placement.gpus_per_trial, timeout_s, max_failures, together)
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # a lost trial has its line and its reason here
    treat_lost_workers_alike()
    count_no_callbacks()
    losses, workers = Losses(max_failures), HungWorkers(_longest_iteration_s(driver))
    signals = signals or StopSignals()
    with (
        signals.installed(), signals.deferred(), _as_it_was(driver),
        one_snapshot(), registry_asked_once(), warnings.catch_warnings(),
    ):  # fmt: skip
        # Ray's own internals, at the end of a study: nothing that a user could act on.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module="ray")
        warnings.filterwarnings("ignore", category=FutureWarning, module="ray")
        _tuner(
            _placed(trainable, data),
            StudySearcher(driver, limits, losses),
            placement.concurrency,
            driver.folder.path.absolute(),
            [LedgerCallback(driver, losses, workers, signals.check), *callbacks],
            _stopper(driver, signals, workers),
        ).fit()
    _remove_snapshots(driver)


def _placed(trainable: Any, data: Dataset) -> Any:
    """The class that Tune runs, with its data, and with what each trial's order says of CPUs and GPUs."""
    from ray import tune

    from trainables.worker.messages import order_in
    from trainables.worker.trainable import RefinementTrainable

    def resources(config: JsonObject) -> tune.PlacementGroupFactory:
        order = order_in(config)
        return tune.PlacementGroupFactory([{"CPU": order.cpus, "GPU": order.gpus}])

    chosen = trainable or RefinementTrainable
    placed = tune.with_resources(tune.with_parameters(chosen, data=data), resources)
    placed.__name__, placed.__qualname__ = chosen.__name__, chosen.__qualname__  # Ray's dashboard shows it
    return placed


def _tuner(
    trainable: Any, searcher: StudySearcher, at_once: int, folder: Path, callbacks: Sequence[Any], stopper: Any
) -> tune.Tuner:
    """Tune alone decides nothing: what runs next, what is kept and what is tried again is the study's."""
    from ray import tune

    from study.execution.scheduler import FreeWorkerFirst
    from study.execution.searcher import title
    from study.ledger import trial_name
    from trainables.worker.messages import order_in

    return tune.Tuner(
        trainable,
        param_space={},
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=FreeWorkerFirst(),
            num_samples=-1,
            max_concurrent_trials=at_once,
            reuse_actors=True,
            trial_name_creator=title,
            trial_dirname_creator=lambda trial: trial_name(order_in(trial.config).trials[0].trial),
        ),
        run_config=tune.RunConfig(
            name="checkpoints",
            storage_path=str(folder),
            callbacks=list(callbacks),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),  # a trial keeps its own state
            failure_config=tune.FailureConfig(max_failures=0),  # a trial is put back by the callback
            stop=stopper,
            verbose=0,
        ),
    )


def _stopper(driver: Driver, signals: StopSignals, workers: HungWorkers) -> Any:
    from ray import tune

    from trainables.worker.messages import answer_in

    class StopRequested(tune.Stopper):
        """Asked by Tune between two events: the one place where stopping tears nothing."""

        begun, next_look = False, 0.0

        def __call__(self, trial_id: str, result: JsonObject) -> bool:
            answer = answer_in(result)
            if driver.study.pruner == "none" or answer is None or len(answer.trials) != 1:
                return False  # of trials that share a process, one cannot be stopped alone
            (one,) = answer.trials
            return one.report is not None and driver.prunes(one.trial, one.report)

        def stop_all(self) -> bool:
            if not self.begun:
                signals.install()  # Tune has set a handler of its own for SIGUSR1
                self.begun = True
            signals.check()
            if time.monotonic() > self.next_look:
                self.next_look = time.monotonic() + OVERDUE_LOOK_S
                workers.kill_overdue()
            return False

        def __reduce__(self) -> Any:
            return tune.stopper.NoopStopper, ()  # Tune's snapshots: an event is of this process only

    return StopRequested()


@contextmanager
def _as_it_was(driver: Driver) -> Iterator[None]:
    """Tune turns whatever goes wrong into an error of its own; what the study's folder refuses is told as that."""
    try:
        yield
    except Exception as error:
        refused = driver.unwritable or _os_error_behind(error)
        if refused is None and shutil.disk_usage(driver.folder.path).free < FULL_BYTES:
            refused = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(driver.folder.path))
        if refused is None:
            raise
        raise refused from error


def _os_error_behind(error: BaseException | None) -> OSError | None:
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _longest_iteration_s(driver: Driver) -> float:
    return max((report.seconds for record in driver.records.values() for report in record.iterations), default=0.0)


def _remove_snapshots(driver: Driver) -> None:
    """Tune's own snapshots of the experiment: nothing here is restored from them."""
    for path in (driver.folder.path / "checkpoints").iterdir():
        if path.is_file():
            path.unlink()
