from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.search import Searcher

from study.driver import Driver
from study.execution.losses import HungWorkers, Losses
from study.execution.searcher import LedgerCallback, Limits, StudySearcher, known_iterations, trial_order, worker_order
from study.ledger.records import TrialRecord
from study.m0_cache import M0Cache
from tests.study.worlds import BETA, driver_of, report_of, study_of
from trainables.config import RunConfig
from trainables.worker.messages import COMPLETED, RUNNING, UNWRITABLE, TrialAnswer, WorkerAnswer, as_result, order_in


def begun(folder: Path, **changes: Any) -> Driver:
    """A driver whose trial 0 has been handed out."""
    driver = driver_of(folder, study_of(num_samples=2, sampler="random", **changes))
    driver.next_trial()
    return driver


def told(driver: Driver, *answers: TrialAnswer) -> None:
    """Let the callback hear a worker's answers."""
    order = worker_order(driver, [driver.records[answer.trial] for answer in answers], Limits(gpus=0.25))
    trial = SimpleNamespace(config={"order": order})
    callback = LedgerCallback(driver, Losses(most=1), HungWorkers())
    callback.on_trial_result(0, [], trial, as_result(WorkerAnswer(answers, done=False)))


def test_tune_gets_trial_after_trial_and_then_hears_that_there_are_no_more(tmp_path: Path) -> None:
    driver = driver_of(tmp_path, study_of(num_samples=2, sampler="random"))
    searcher = StudySearcher(driver, Limits(), Losses(most=1))
    configs = [searcher.suggest(name) for name in "ab"]
    assert [order_in(config).trials[0].trial for config in configs] == [0, 1]
    assert searcher.suggest("c") is None, "a trial that runs may have to be run again"
    for number in (0, 1):
        driver.ended(number, "failed", "no")
    assert searcher.suggest("c") == Searcher.FINISHED


def test_an_order_names_the_trials_files_what_is_known_of_it_and_its_m0(tmp_path: Path) -> None:
    driver = begun(tmp_path)
    record = driver.records[0]
    driver.reported(0, report_of(record, 0))
    order = trial_order(driver, record, Limits(gpus=0.5))
    assert (order.trial, order.gpus, order.known_iterations) == (0, 0.5, 1)
    assert order.known_reports == tuple(record.iterations)
    assert order.run.loss.beta == record.params[BETA]
    assert order.files.state == driver.folder.state_file(0).absolute()
    assert order.m0 is None
    driver.share_m0(M0Cache(driver.folder, {}))
    m0 = trial_order(driver, record, Limits()).m0
    assert m0 is not None
    assert m0.files.state == driver.folder.m0_files(m0.key)[0].absolute()


def test_iterations_count_as_known_up_to_the_first_gap() -> None:
    record = TrialRecord(0)
    record.iterations = [report_of(record, iteration, 5) for iteration in (0, 1, 3)]
    assert known_iterations(record) == 2


def test_the_time_that_a_trial_has_used_is_taken_from_its_limit(tmp_path: Path) -> None:
    driver = begun(tmp_path)
    driver.reported(0, report_of(driver.records[0], 0))
    assert worker_order(driver, [driver.records[0]], Limits(timeout_s=5.0)).timeout_s == 3.0
    assert worker_order(driver, [driver.records[0]], Limits(timeout_s=1.0)).timeout_s == 0.0
    assert worker_order(driver, [driver.records[0]], Limits()).timeout_s is None


def test_a_result_is_in_the_ledger_and_the_last_one_ends_the_trial(tmp_path: Path) -> None:
    driver = begun(tmp_path)
    record = driver.records[0]
    for iteration in range(3):
        report = report_of(record, iteration)
        told(driver, TrialAnswer(0, COMPLETED if report.finished else RUNNING, 1.0, report))
        assert len(record.iterations) == iteration + 1
    assert record.state == "completed"


def test_out_of_memory_is_tried_again_with_twice_the_share(tmp_path: Path) -> None:
    driver = begun(tmp_path)
    told(driver, TrialAnswer(0, "out-of-memory", 0.0, reason="no room"))
    assert (driver.records[0].state, driver.records[0].gpus) == ("proposed", 0.5)


def test_a_worker_that_could_not_write_stops_the_study_and_not_the_trial(tmp_path: Path) -> None:
    driver = begun(tmp_path)
    with pytest.raises(OSError, match="/data/t0000") as raised:
        told(driver, TrialAnswer(0, UNWRITABLE, 0.0, reason="no", errno=errno.EIO, path="/data/t0000"))
    assert driver.unwritable is raised.value
    assert not driver.records[0].finished


class TuneTrial:
    """A trial of Tune's that counts how often its status is asked for."""

    looks = 0

    def __init__(self, number: int, status: str) -> None:
        self.trial_id, self._status, self.temporary_state = str(number), status, SimpleNamespace(ray_actor=None)

    @property
    def status(self) -> str:
        TuneTrial.looks += 1
        return self._status


def test_trials_that_have_begun_are_looked_at_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TuneTrial, "looks", 0)
    monkeypatch.setattr("study.execution.searcher.processes_in_setup", set)
    callback = LedgerCallback(driver_of(tmp_path), Losses(most=1), HungWorkers())
    trials: list[Any] = []
    for step in range(100):
        trials.append(TuneTrial(step, "TERMINATED"))
        callback.on_step_begin(step, trials)
    assert TuneTrial.looks == 100
    waits = TuneTrial(100, "PENDING")
    for step in range(5):
        callback.on_step_begin(step, [*trials, waits])
    assert TuneTrial.looks == 105


def test_a_trials_configuration_is_made_once_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    updated = RunConfig.updated

    def counted(self: RunConfig, *given: Any, **named: Any) -> RunConfig:
        made.append(given)
        return updated(self, *given, **named)

    driver = begun(tmp_path)
    driver.share_m0(M0Cache(driver.folder, {}))
    monkeypatch.setattr(RunConfig, "updated", counted)
    first, again = (trial_order(driver, driver.records[0], Limits()) for _ in range(2))
    assert first == again
    assert len(made) == 1
    driver.ended(0, "failed", "no")
    assert driver.run_config(driver.records[0]) == first.run
