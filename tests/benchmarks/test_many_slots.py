"""The simulated workers run a study to the numbers that any workers give; what Tune does once is done once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ray.tune import registry
from ray.tune.execution.tune_controller import TuneController

from benchmarks.simulated_workers import SimulatedWorkers, simulated
from benchmarks.tabulated import Tabulated, curve
from study.driver import Driver, NoTrial
from study.execution.session import run_trials
from study.placement import place
from tests.ray_clusters import ray_here
from tests.study.worlds import driver_of, run_of, study_of
from trainables.datasets import load_dataset
from trainables.report import IterationReport, Selection


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    with ray_here(cores=1, gpus=0):
        yield


def values(driver: Driver) -> list[tuple[Any, ...]]:
    return [(r.params, r.state, r.objective, r.best_iteration) for _, r in sorted(driver.records.items())]


def one_after_the_other(driver: Driver) -> Driver:
    while not isinstance(record := driver.next_trial(), NoTrial):
        known = curve(driver.run_config(record))
        for iteration, value in enumerate(known):
            best = max(known[: iteration + 1])
            last = iteration + 1 == len(known)
            report = IterationReport(iteration, Selection("held_out", value), known.index(best), best, last, 1.0)
            driver.reported(record.number, report)
        driver.ended(record.number, "completed")
    return driver


def test_a_study_on_simulated_slots_is_the_study_of_one_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshots: list[bool] = []
    save = TuneController.save_to_dir

    def counted(self: TuneController) -> None:
        snapshots.append(True)
        save(self)

    asked: list[bytes] = []
    ask = registry._internal_kv_get

    def counted_ask(key: bytes, **named: Any) -> Any:
        asked.append(key)
        return ask(key, **named)

    monkeypatch.setattr(TuneController, "save_to_dir", counted)
    monkeypatch.setattr(registry, "_internal_kv_get", counted_ask)
    driver = driver_of(tmp_path / "simulated", study_of(num_samples=30, lookback=16))
    workers = SimulatedWorkers(8, Tabulated)
    with simulated(workers):
        run_trials(driver, load_dataset(run_of().dataset, Path("data")), place(8, 0, 1), Tabulated)
    assert len(snapshots) == 1
    assert len(asked) < 10, "the head of the cluster is not asked for each trial"
    assert "get" not in vars(registry._global_registry), "Tune is left as it was"
    assert workers.most_at_once == 8
    alone = one_after_the_other(driver_of(tmp_path / "alone", study_of(num_samples=30, lookback=16)))
    assert values(driver) == values(alone)
