"""What the harness costs per trial: ``python -m benchmarks.harness``.

64 trials of a trainable that imports torch and reports three numbers, two at a time: this project's harness (ledger
with fsync, journal, workers that are used again), Ray Tune as it comes (OptunaSearch, a new worker process per trial,
its own result files), and plain Optuna in one process with its journal file. Also how many of the seconds are paid
once, for Ray and the first workers.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tabulate import tabulate

from benchmarks.tabulated import ITERATIONS, Tabulated
from study.config import load_study_config, parse_study
from study.driver import Driver
from study.execution.cluster import start_ray, stop_ray
from study.execution.optuna_journal import OptunaJournal
from study.execution.session import run_trials
from study.ledger import StudySettings, TrialEnded, TrialEvent, TrialRecord, create_folder
from study.placement import place
from trainables.config import preset
from trainables.datasets import load_dataset

WORKERS = 2


def ours(trials: int, folder: Path) -> tuple[float, float]:
    """Seconds until the first trial ended, and of all."""
    run = preset("simulated").updated({"compute.device": "cpu"})
    data = load_dataset(run.dataset, Path("data"))
    study = parse_study({**load_study_config("search").as_dict(), "num_samples": trials}, "benchmark")
    started = time.perf_counter()
    driver = Driver(
        create_folder(folder, "ours", StudySettings(run.model_dump(mode="json"), study.as_dict())), study, run
    )
    journal = OptunaJournal(driver.folder, study, driver.run, data.name, driver.records)
    ends: list[float] = []

    def note(event: TrialEvent, record: TrialRecord) -> None:
        if isinstance(event, TrialEnded):
            ends.append(time.perf_counter() - started)

    driver.listeners += [journal, note]
    run_trials(driver, data, place(WORKERS, 0, 1), Tabulated)
    assert len(ends) == trials, len(ends)
    journal.close()
    driver.close()
    return ends[0], time.perf_counter() - started


def ray_default(trials: int, folder: Path) -> tuple[float, float]:
    """The same numbers of Ray Tune with what its guide shows."""
    from ray import tune
    from ray.tune.search.optuna import OptunaSearch

    class Reporter(tune.Trainable):
        def setup(self, config: dict[str, Any]) -> None:
            import torch

            torch.zeros(1)

        def step(self) -> dict[str, Any]:
            return {"objective": self.config["beta"] + self.iteration, "done": self.iteration + 1 == ITERATIONS}

        def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:  # asked for at a trial's end
            return {}

    for name in ("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS",):  # this project's settings, not Ray's
        os.environ.pop(name, None)
    ends: list[float] = []
    started = time.perf_counter()

    class Note(tune.Callback):
        def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
            ends.append(time.perf_counter() - started)

    search = OptunaSearch({"beta": tune.uniform(1, 16)}, metric="objective", mode="max")
    tune.Tuner(
        tune.with_resources(Reporter, {"cpu": 1}),
        tune_config=tune.TuneConfig(search_alg=search, num_samples=trials, max_concurrent_trials=WORKERS),
        run_config=tune.RunConfig(name="default", storage_path=str(folder), callbacks=[Note()], verbose=0),
    ).fit()
    return ends[0], time.perf_counter() - started


def plain_optuna(trials: int, folder: Path) -> tuple[float, float]:
    """Optuna alone: one process, no placement, nothing survives a worker."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    started = time.perf_counter()
    ends: list[float] = []
    study = optuna.create_study(storage=JournalStorage(JournalFileBackend(str(folder / "journal"))))

    def objective(trial: optuna.Trial) -> float:
        value = trial.suggest_float("beta", 1, 16) + random.random()
        for iteration in range(ITERATIONS):
            trial.report(value, iteration)
        ends.append(time.perf_counter() - started)
        return value

    study.optimize(objective, n_trials=trials)
    return ends[0], time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=64)
    given = parser.parse_args()
    ways: dict[str, Callable[[int, Path], tuple[float, float]]] = {
        "this project": ours,
        "Ray Tune's default": ray_default,
        "plain Optuna": plain_optuna,
    }
    rows = []
    warnings.simplefilter("ignore")
    start_ray(WORKERS, 0)
    try:
        for name, way in ways.items():
            with tempfile.TemporaryDirectory() as aside:
                first, total = way(given.trials, Path(aside))
                files = sum(1 for path in Path(aside).rglob("*") if path.is_file())
            after = (total - first) / (given.trials - 1)
            rows.append([name, first, after, total / given.trials, files / given.trials])
            print(tabulate(rows[-1:], tablefmt="plain", floatfmt=".3f"), flush=True)
    finally:
        stop_ray()
    names = ["", "s to the first end", "s per further trial", "s per trial, all", "files per trial"]
    print(tabulate(rows, names, floatfmt=".3f"))


if __name__ == "__main__":
    main()
