"""The driver behind Ray Tune's interfaces: a searcher that hands out its trials, a callback that tells it results.

Tune's callbacks hear of an event before Tune asks for another trial, so the ledger always comes first.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import ray
from ray import tune
from ray.tune.search import Searcher

from study.driver import Driver, NoTrial
from study.execution.losses import HungWorkers, Losses, LostWorker
from study.ledger import TrialRecord, trial_name

METRIC, MODE = "objective", "max"
DESCRIBE_S = 10.0
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
        if len(self._at_work) >= self._losses.workers:
            return None
        with self._driver.noting_full_disk():
            records = self._driver.next_trials(self._limits.together)
        if records is NoTrial.MORE:
            return Searcher.FINISHED
        if isinstance(records, NoTrial):
            return None
        self._at_work.add(trial_id)
        configs = [trial_config(self._driver, record, self._limits) for record in records]
        return configs[0] if self._limits.together == 1 else joint_config(configs)

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

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        with self._driver.noting_full_disk():
            described = _describe(trial)
            for config in members(trial.config):
                self._driver.started(config["trial"], **described)
            self._workers.began(members(trial.config)[0]["trial"], described, trial.config.get("timeout_s"))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        with self._driver.noting_full_disk():
            self._heard(members(trial.config)[0]["trial"], result)
            if "results" not in result:
                self._result(trial.config, result)
                return
            configs = {config["trial"]: config for config in members(trial.config)}
            for one in result["results"]:
                self._result(configs[one["trial"]], one)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        time.sleep(SAME_CAUSE_S)
        self._check_stop()
        log = Path(trial.error_file).read_text(encoding="utf-8", errors="replace") if trial.error_file else ""
        lost, running = LostWorker(log), len(self._workers)
        hung = self._workers.ended(members(trial.config)[0]["trial"])
        if lost.out_of_memory:
            self._losses.memory_was_short(running)
        with self._driver.noting_full_disk():
            for config in members(trial.config):
                self._lost(config["trial"], lost, hung)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._workers.ended(members(trial.config)[0]["trial"])

    def _lost(self, number: int, lost: LostWorker, hung: str | None) -> None:
        if hung is not None:
            self._driver.ended(number, "timed-out", hung)
        elif self._losses.retries(number):
            self._driver.retried(number, lost.reason, self._driver.records[number].gpus)
        else:
            self._driver.ended(number, lost.state, lost.reason, lost.log)

    def _heard(self, number: int, result: dict[str, Any]) -> None:
        reports = [one["report"] for one in result.get("results", [result]) if "report" in one]
        self._workers.heard(number, max((report["seconds"] for report in reports), default=0.0))

    def _result(self, config: dict[str, Any], result: dict[str, Any]) -> None:
        number, state = config["trial"], result["state"]
        if "report" in result:
            self._driver.reported(number, result["report"])
        if state == "unwritable":
            # No fault of the trial: it goes on at the next session, when there is room again.
            raise OSError(result["errno"], os.strerror(result["errno"]), str(self._driver.folder.path))
        if state == "out-of-memory" and self._retry(number, config, result["reason"]):
            return
        if state != "running":
            self._driver.ended(number, state, result.get("reason"), result.get("log"))

    def _retry(self, number: int, config: dict[str, Any], reason: str) -> bool:
        """Once more, with twice the share of a GPU, unless it had a whole one."""
        share = config.get("gpus", 0)
        if not 0 < share < 1:
            return False
        self._driver.retried(number, reason, min(2 * share, 1.0))
        return True


def trial_config(driver: Driver, record: TrialRecord, limits: Limits) -> dict[str, Any]:
    """What RefinementTrainable is told of a trial."""
    folder, key = driver.folder, driver.base(record)
    run = driver.run_config(record)
    config = {
        "trial": record.number,
        "title": f"{trial_name(record.number)} {run.pseudo_labels.generator} β={run.loss.beta:g}",
        "run": run.model_dump(mode="json"),
        "state_path": str(folder.state_file(record.number).absolute()),
        "predictions_path": str(folder.predictions_file(record.number).absolute()),
        "model_path": str(folder.model_file(record.number).absolute()),
        "known_iterations": known_iterations(record),
        "cpus": limits.cpus,
        "gpus": record.gpus or limits.gpus,
        "retries": limits.max_failures,
    }
    if key is not None:
        state, predictions = (str(path.absolute()) for path in folder.base_files(key))
        model = str(folder.base_model_file(key).absolute())
        config["base"] = {"key": key, "state_path": state, "predictions_path": predictions, "model_path": model}
    if limits.timeout_s is not None:
        config["timeout_s"] = max(limits.timeout_s - record.own_seconds, 0.0)
    return config


def joint_config(configs: list[dict[str, Any]]) -> dict[str, Any]:
    """What JointTrainable is told of several trials; to Tune they are one, named after the first."""
    first, more = configs[0], len(configs) - 1
    title = f"{first['title']} and {more} more" if more else first["title"]
    return {**{key: first[key] for key in ("trial", "cpus", "gpus", "retries")}, "title": title, "together": configs}


def members(config: dict[str, Any]) -> list[dict[str, Any]]:
    """Configurations of the single trials of a Tune trial."""
    together: list[dict[str, Any]] = config.get("together", [config])
    return together


def known_iterations(record: TrialRecord) -> int:
    """How many iterations, from 0 on without a gap, the ledger has."""
    numbers = {report["iteration"] for report in record.iterations}
    return next(n for n in range(len(numbers) + 1) if n not in numbers)


def title(trial: Any) -> str:
    """Name of a Tune trial where Ray shows it, e.g. ``t0007 segment_prediction β=4``."""
    return str(trial.config["title"])


def _describe(trial: Any) -> dict[str, Any]:
    """Host, process and device of a trial's worker; it has just started, so it answers at once."""
    actor: Any = getattr(getattr(trial, "temporary_state", None), "ray_actor", None)
    try:
        described: dict[str, Any] = ray.get(actor.describe.remote(), timeout=DESCRIBE_S)
        return described
    except (ray.exceptions.RayError, AttributeError):
        return {"host": None, "pid": None, "device": None}
