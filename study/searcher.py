"""The driver behind Ray Tune's interfaces: a searcher that hands out its trials, a callback that tells it results.

Tune's callbacks hear of an event before Tune asks for another trial, so the ledger always comes first.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.tune.search import Searcher

from study.driver import Driver, NoTrial
from study.folder import trial_name
from study.ledger import TrialRecord

METRIC, MODE = "objective", "max"
DESCRIBE_S = 10.0


class StudySearcher(Searcher):
    """Hands the driver's trials to Tune; holds no state of its own."""

    def __init__(self, driver: Driver) -> None:
        super().__init__(metric=METRIC, mode=MODE)
        self._driver = driver

    def suggest(self, trial_id: str) -> Any:
        """A trial's configuration; None: not yet; FINISHED: no more (Tune's own annotation forgets the last)."""
        record = self._driver.next_trial()
        if record is NoTrial.MORE:
            return Searcher.FINISHED
        if isinstance(record, NoTrial):
            return None
        return trial_config(self._driver, record)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing: the callback has told the driver."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: a study is resumed from its ledger."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: a study is resumed from its ledger."""


class LedgerCallback(tune.Callback):
    """Tells the driver what happens to its trials."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._driver.started(trial.config["trial"], **_describe(trial))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        number = trial.config["trial"]
        if "report" in result:
            self._driver.reported(number, result["report"])
        if result["state"] != "running":
            self._driver.ended(number, result["state"], result.get("reason"), result.get("log"))

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        # A trial that ended by itself has said so; what is left was stopped by a scheduler.
        self._driver.ended(trial.config["trial"], "pruned", "stopped early by the pruner")

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        log = Path(trial.error_file).read_text(encoding="utf-8", errors="replace") if trial.error_file else ""
        lines = [line.strip() for line in log.splitlines() if line.strip()]
        reason = next((line for line in lines if "died" in line or "Error" in line), "the worker was lost")
        self._driver.ended(trial.config["trial"], "failed", reason, log)


def trial_config(driver: Driver, record: TrialRecord) -> dict[str, Any]:
    """What RefinementTrainable is told of a trial."""
    return {
        "trial": record.number,
        "run": driver.run_config(record).model_dump(mode="json"),
        "state_path": str(driver.folder.state_file(record.number).absolute()),
        "predictions_path": str(driver.folder.predictions_file(record.number).absolute()),
        "known_iterations": known_iterations(record),
    }


def known_iterations(record: TrialRecord) -> int:
    """How many iterations, from 0 on without a gap, the ledger has."""
    numbers = {report["iteration"] for report in record.iterations}
    return next(n for n in range(len(numbers) + 1) if n not in numbers)


def title(trial: Any) -> str:
    """Name of a Tune trial where Ray shows it, e.g. ``t0007 segment_prediction β=4``."""
    run = trial.config["run"]
    return f"{trial_name(trial.config['trial'])} {run['pseudo_labels']['generator']} β={run['loss']['beta']:g}"


def _describe(trial: Any) -> dict[str, Any]:
    """Host, process and device of a trial's worker; it has just started, so it answers at once."""
    actor: Any = getattr(getattr(trial, "temporary_state", None), "ray_actor", None)
    try:
        described: dict[str, Any] = ray.get(actor.describe.remote(), timeout=DESCRIBE_S)
        return described
    except (ray.exceptions.RayError, AttributeError):
        return {"host": None, "pid": None, "device": None}
