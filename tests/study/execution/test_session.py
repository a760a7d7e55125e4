"""Trials on a real Ray, in this process: one cluster for all tests of the module, with a logical GPU."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ray
from ray import tune

from study.driver import Driver
from study.execution import losses, searcher
from study.execution.losses import HungWorkers, Losses
from study.execution.searcher import LedgerCallback, Limits, worker_order
from study.execution.session import run_trials
from study.ledger.records import TrialRecord
from study.ledger.trial_events import TrialStarted
from study.placement.gpu_probe import probe_on_ray
from study.placement.placement import place
from study.signals import Stopped, StopSignals
from tests.ray_clusters import ray_here
from tests.study.ledgers import read_events
from tests.study.worlds import driver_of, report_of, run_of, study_of
from trainables.datasets import Dataset, load_dataset
from trainables.json_types import JsonObject
from trainables.worker.messages import (
    COMPLETED,
    RUNNING,
    TrialAnswer,
    WorkerAnswer,
    WorkerPlace,
    as_config,
    as_result,
    order_in,
)
from trainables.worker.probe import TrialProbe


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    with ray_here(cores=2, gpus=1):
        yield


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset(run_of().dataset, Path("data"))


class Scripted(tune.Trainable):
    """Reports at once what a trial would, and how it is placed. Trial 1 loses its worker once, trial 2 always."""

    def setup(self, config: JsonObject, data: Dataset | None = None) -> None:
        assert data is not None
        self.data = data
        self.begin(config)

    def begin(self, config: JsonObject) -> None:
        (order,) = order_in(config).trials
        self.trial, self.steps, self.role = order.trial, 0, order.trial
        self.folder = order.files.state.parent
        self.begun = TrialRecord(self.trial, params={"trial": self.trial}, seed=order.run.seed)

    def reset_config(self, new_config: JsonObject) -> bool:
        self.begin(new_config)
        return True

    def step(self) -> JsonObject:
        self.folder.mkdir(parents=True, exist_ok=True)
        mark = self.folder / "died"
        if self.role == 2 or (self.role == 1 and self.steps == 1 and not mark.exists()):
            mark.touch()
            os._exit(1)
        report = report_of(self.begun, self.steps)
        self.steps += 1
        placed = {
            "pid": os.getpid(),
            "gpu": ray.get_runtime_context().get_assigned_resources().get("GPU", 0),
            "writeable": bool(self.data.train.features.flags.writeable),
        }
        with (self.folder / "placed.jsonl").open("a") as file:
            file.write(json.dumps(placed) + "\n")
        state = COMPLETED if report.finished else RUNNING
        answer = TrialAnswer(self.trial, state, report.best_so_far or 0.0, report)
        return as_result(WorkerAnswer((answer,), done=report.finished))

    def describe(self) -> WorkerPlace:
        return WorkerPlace("here", os.getpid(), "none")


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory, data: Dataset) -> Driver:
    """A study of scripted trials, two at a time on halves of the GPU."""
    driver = driver_of(tmp_path_factory.mktemp("scripted"), study_of(num_samples=6))
    (driver.folder.path / "checkpoints").mkdir()
    run_trials(driver, data, place(2, 1, threads=1, gpus_per_trial=0.5), trainable=Scripted)
    return driver


class Stuck(Scripted):
    """Stops its first worker before trial 0 begins, which then is a new one."""

    moment, stopped = "setup", 0

    def setup(self, config: JsonObject, data: Dataset | None = None) -> None:
        self._stop_in("setup", config)
        super().setup(config, data)

    def reset_config(self, new_config: JsonObject) -> bool:
        self._stop_in("reset", new_config)
        return super().reset_config(new_config)

    def begin(self, config: JsonObject) -> None:
        super().begin(config)
        self.role = 0

    def describe(self) -> WorkerPlace:
        return WorkerPlace(socket.gethostname(), os.getpid(), "none")

    def _stop_in(self, moment: str, config: JsonObject) -> None:
        (order,) = order_in(config).trials
        mark = order.files.state.parents[2] / "stopped"
        if (moment, order.trial) == (self.moment, self.stopped) and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGSTOP)


class StuckBetween(Stuck):
    """Before trial 1: its worker has run trial 0."""

    moment, stopped = "reset", 1


@pytest.mark.slow
@pytest.mark.parametrize("trainable", [Stuck, StuckBetween])
def test_a_worker_that_hangs_before_its_trial_begins_is_killed_and_the_trial_tried_again(
    trainable: type[Stuck], tmp_path: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "BEGIN_S", 40.0)
    monkeypatch.setattr(searcher, "SETUP_LOOK_S", 0.2)
    driver = driver_of(tmp_path, study_of(num_samples=3))
    (tmp_path / "checkpoints").mkdir()
    run_trials(driver, data, place(1, 0, threads=1), trainable=trainable)
    assert (tmp_path / "stopped").exists()
    assert [driver.records[number].state for number in range(3)] == ["completed"] * 3
    (retried,) = [event for event in read_events(driver.folder.ledger_file)[0] if event["event"] == "trial_retried"]
    assert retried["trial"] == trainable.stopped
    assert retried["reason"] == "its worker did not begin with it in time: the worker hung and was killed"


LOGS = {
    "failed": "Failure # 1\nThe actor died unexpectedly before finishing this task.\n",
    "out-of-memory": "Failure # 1\nOutOfMemoryError: Task was killed due to the node running low on memory.\n",
}


@pytest.mark.parametrize("state", LOGS)
def test_one_loss_of_a_worker_costs_a_retry_and_another_one_the_trial(tmp_path: Path, state: str) -> None:
    driver = driver_of(tmp_path, study_of(num_samples=4))
    counted, workers = Losses(most=1), HungWorkers()
    callback = LedgerCallback(driver, counted, workers)
    for other in range(4):
        workers.began(100 + other, None, None, None)
    driver.next_trial()
    (tmp_path / "error.txt").write_text(LOGS[state])
    config = as_config(worker_order(driver, [driver.records[0]], Limits()))
    trial = SimpleNamespace(config=config, error_file=str(tmp_path / "error.txt"))
    callback.on_trial_error(0, [], trial)
    assert driver.records[0].state == "proposed"
    assert driver.next_trial() is driver.records[0], "it comes first"
    assert counted.workers == (3 if state == "out-of-memory" else float("inf"))
    callback.on_trial_error(0, [], trial)
    assert driver.records[0].state == state


def test_what_is_lost_with_the_study_is_no_loss(tmp_path: Path) -> None:
    driver = driver_of(tmp_path, study_of(num_samples=4))
    signals = StopSignals()
    signals.number = signal.SIGTERM
    callback = LedgerCallback(driver, Losses(most=0), HungWorkers(), signals.check)
    with pytest.raises(Stopped, match="SIGTERM"):
        callback.on_trial_error(0, [], SimpleNamespace())
    assert driver.records == {}


def placed(driver: Driver, trial: int) -> list[dict[str, Any]]:
    """Where each of a trial's iterations ran."""
    path = driver.folder.state_file(trial).with_name("placed.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_the_probe_of_a_logical_gpu_says_that_there_is_none(data: Dataset) -> None:
    """Where there is a real one, it measures."""
    found = probe_on_ray(run_of(compute__device="auto"), data)
    assert isinstance(found, TrialProbe)
    assert (found.trial_bytes is None) == (found.device == "cpu")


def test_a_probe_that_fails_leaves_the_arithmetic_and_says_why(data: Dataset) -> None:
    found = probe_on_ray(run_of(model__name="none"), data)
    assert isinstance(found, str)
    assert found.startswith("the probe failed (")
    assert "no base model 'none'" in found


def test_a_lost_worker_costs_a_retry_and_a_second_loss_the_trial_alone(driver: Driver) -> None:
    states = {number: record.state for number, record in driver.records.items()}
    assert states == {0: "completed", 1: "completed", 2: "failed", 3: "completed", 4: "completed", 5: "completed"}
    assert [report.iteration for report in driver.records[1].iterations] == [0, 1, 2]
    reason = driver.records[2].reason
    assert reason is not None
    assert "died" in reason
    assert "logs/t0002.log" in reason
    assert driver.folder.log_file(2).exists()


def test_trials_share_a_gpu_by_fractions_and_read_the_data_in_place(driver: Driver) -> None:
    everything = [entry for number in driver.records for entry in placed(driver, number)]
    assert {entry["gpu"] for entry in everything} == {0.5}
    assert {entry["writeable"] for entry in everything} == {False}


def test_workers_are_used_again(driver: Driver) -> None:
    assert len({entry["pid"] for number in (3, 4, 5) for entry in placed(driver, number)}) <= 2


def test_the_ledger_knows_where_a_trial_runs(driver: Driver) -> None:
    assert driver.records[0].device == "none"


def test_a_trial_leaves_few_files(driver: Driver) -> None:
    snapshots = [path for path in (driver.folder.path / "checkpoints").iterdir() if path.is_file()]
    assert snapshots == []


def test_a_real_run_on_ray_equals_one_without(tmp_path: Path, data: Dataset) -> None:
    from trainables.refinement.refine import refine

    driver = driver_of(tmp_path, study_of(num_samples=2))
    for part in ("checkpoints", "predictions"):
        (tmp_path / part).mkdir()
    run_trials(driver, data, place(2, 0, threads=1))
    for record in driver.records.values():
        assert record.state == "completed"
        alone = [result.report.without_times() for result in refine(driver.run_config(record), data)]
        assert [report.without_times() for report in record.iterations] == alone


def test_trials_that_share_a_process_report_what_they_would_alone(tmp_path: Path, data: Dataset) -> None:
    from trainables.refinement.refine import refine

    # Of scalar attention, Adam turns the rounding of the bias's zero gradient into steps (README, Limits).
    run = run_of(model__attention="two_value")
    driver = driver_of(tmp_path, study_of(num_samples=3, seeds=2, lookback=4), run)
    for part in ("checkpoints", "predictions"):
        (tmp_path / part).mkdir()
    pids: dict[int, set[int]] = {}
    driver.listeners.append(
        lambda event, record: (
            pids.setdefault(event.pid or 0, set()).add(record.seed) if isinstance(event, TrialStarted) else None
        )
    )
    run_trials(driver, data, place(2, 0, threads=1, trials_per_process=3))
    assert {record.state for record in driver.records.values()} == {"completed"}
    assert len(driver.records) == 6
    assert len(pids) <= 2
    for record in driver.records.values():
        alone = [result.report for result in refine(driver.run_config(record), data)]
        for ours, expected in zip(record.iterations, alone, strict=True):
            assert ours.train_loss is not None
            assert expected.train_loss is not None
            assert ours.train_loss.total == pytest.approx(expected.train_loss.total, rel=1e-3)
            assert ours.to_json().keys() == expected.to_json().keys()
        assert driver.folder.predictions_file(record.number).exists()


def test_trials_that_share_a_process_go_on_when_it_is_lost(tmp_path: Path, data: Dataset) -> None:
    from trainables.worker.trainable import RefinementTrainable

    class Mortal(RefinementTrainable):
        """Its process dies once, after the first iteration of its trials."""

        def step(self) -> JsonObject:
            mark = self.process._trials[0].files.state.with_name("died")
            if mark.parent.exists() and not mark.exists():
                mark.touch()
                os._exit(1)
            return super().step()

    driver = driver_of(tmp_path, study_of(num_samples=3))
    for part in ("checkpoints", "predictions"):
        (tmp_path / part).mkdir()
    run_trials(driver, data, place(1, 0, threads=1, trials_per_process=3), trainable=Mortal)
    for record in driver.records.values():
        assert record.state == "completed"
        assert [report.iteration for report in record.iterations] == [0, 1, 2]


class Brief(Scripted):
    """Trials that end long before another worker would be there; all of them together take longer than its start."""

    def setup(self, config: JsonObject, data: Dataset | None = None) -> None:
        time.sleep(1.0)
        (order,) = order_in(config).trials
        start_s = time.time() - order.files.state.parent.parent.stat().st_mtime  # made when the session began
        self.step_s = min(start_s / 40, 0.5)
        super().setup(config, data)

    def begin(self, config: JsonObject) -> None:
        super().begin(config)
        self.role = 0  # one that does not die

    def step(self) -> JsonObject:
        time.sleep(self.step_s)
        return super().step()


def test_trials_shorter_than_the_start_of_a_worker_use_all_places(
    tmp_path: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = driver_of(tmp_path, study_of(num_samples=40, sampler="random"))
    # As while the first trial trains the base model: the second worker is asked for later than the first.
    monkeypatch.setattr(driver, "_may_start", lambda number: not number or bool(driver.records[0].iterations))
    (tmp_path / "checkpoints").mkdir()
    run_trials(driver, data, place(2, 0, threads=1), trainable=Brief)
    pids = [placed(driver, number)[0]["pid"] for number, record in driver.records.items() if record.iterations]
    by_worker = Counter(pids)
    assert sum(count >= 5 for count in by_worker.values()) >= 2, by_worker
