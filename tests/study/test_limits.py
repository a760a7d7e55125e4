"""Ways for a trial to end before its time, on a real Ray with a logical GPU: time, memory, numbers, exceptions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import ray
import torch

from study.driver import Driver
from study.execution.session import run_trials
from study.placement.placement import place
from tests.ray_clusters import ray_here
from tests.study.worlds import driver_of, run_of, study_of
from trainables.datasets import Dataset, load_dataset
from trainables.worker.messages import TrialAnswer
from trainables.worker.process import WorkerProcess
from trainables.worker.trainable import RefinementTrainable

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    with ray_here(cores=2, gpus=1):
        yield


class TroubledProcess(WorkerProcess):
    """Trial 1 needs half a GPU and a whole one for its last iteration, trial 2 more than there is, trial 3 hangs,
    trial 4 fails once, trial 5 always; the others run as they are."""

    def __init__(self, data: Dataset) -> None:
        self.failures: dict[int, int] = {}
        super().__init__(data)

    def _next_answers(self) -> tuple[TrialAnswer, ...]:
        (own,) = self._trials
        trial = own.number
        share = ray.get_runtime_context().get_assigned_resources().get("GPU", 0)
        needed = {1: 1.0 if own.reported == 2 else 0.5, 2: 2.0}.get(trial, 0)
        if share < needed:
            raise torch.cuda.OutOfMemoryError(f"CUDA out of memory on {share:g} GPU")
        if trial == 3:
            time.sleep(60)
        self.failures[trial] = self.failures.get(trial, 0) + 1
        if trial == 5 or (trial == 4 and self.failures[4] == 2):
            raise RuntimeError("by design")
        (answer,) = super()._next_answers()
        assert answer.report is not None
        # In place of a time, which nothing here depends on.
        return (replace(answer, report=replace(answer.report, training_s=share)),)


class Troubled(RefinementTrainable):
    """A worker with such a process."""

    def make_process(self, data: Dataset) -> WorkerProcess:
        return TroubledProcess(data)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    run = run_of(refinement__patience=None)
    driver = driver_of(tmp_path_factory.mktemp("troubled"), study_of(num_samples=8), run)
    (driver.folder.path / "checkpoints").mkdir()
    data = load_dataset(run.dataset, Path("data"))
    run_trials(driver, data, place(2, 1, threads=1, gpus_per_trial=0.25), Troubled, timeout_s=8)
    return driver


def test_every_trial_ends_in_its_own_state(driver: Driver) -> None:
    states = [driver.records[number].state for number in range(8)]
    assert states == [
        "completed", "completed", "out-of-memory", "timed-out", "completed", "failed", "completed", "completed"
    ]  # fmt: skip


def test_out_of_memory_goes_on_with_twice_the_share_until_that_is_a_whole_gpu(driver: Driver) -> None:
    reports = driver.records[1].iterations
    assert [(report.iteration, report.training_s) for report in reports] == [(0, 0.5), (1, 0.5), (2, 1.0)]
    reason = driver.records[2].reason
    assert reason is not None
    assert "CUDA out of memory on 1 GPU" in reason
    assert {report.training_s for report in driver.records[0].iterations} == {0.25}


def test_a_trial_that_hangs_is_stopped_with_its_limit_as_the_reason(driver: Driver) -> None:
    reason = driver.records[3].reason
    assert reason is not None
    assert reason.startswith("the trial's time limit was reached")


def test_an_exception_is_retried_from_the_checkpoint_and_a_second_one_ends_the_trial(driver: Driver) -> None:
    assert [report.iteration for report in driver.records[4].iterations] == [0, 1, 2]
    assert "RuntimeError: by design (see logs/t0005.log)" in str(driver.records[5].reason)
