from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from study.config.study import PRUNER_NAMES
from study.driver import NoTrial
from tests.study.ledgers import read_events
from tests.study.worlds import driver_of, outcomes, report_of, study_of, work


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    """An undisturbed study, one trial at a time."""
    driver = driver_of(tmp_path_factory.mktemp("reference"), study_of(seeds=2))
    work(driver, 1, random.Random(0))
    return outcomes(driver)


@pytest.mark.parametrize("workers", [2, 4, 8])
def test_workers_and_their_order_change_nothing(
    tmp_path: Path, workers: int, reference: list[tuple[object, ...]]
) -> None:
    driver = driver_of(tmp_path, study_of(seeds=2))
    work(driver, workers, random.Random(workers))
    assert outcomes(driver) == reference


@pytest.mark.parametrize("seed", range(8))
def test_kills_at_any_event_change_nothing_and_no_finished_trial_runs_again(
    tmp_path: Path, seed: int, reference: list[tuple[object, ...]]
) -> None:
    order = random.Random(seed)
    while True:
        driver = driver_of(tmp_path, study_of(seeds=2))
        finished = driver.num_finished
        left = work(driver, order.randint(1, 4), order, events=order.randint(1, 30))
        driver.close()
        assert driver.num_finished >= finished
        if left > 0:
            break
    assert outcomes(driver) == reference
    events, _ = read_events(tmp_path / "ledger.jsonl")
    ends = [event["trial"] for event in events if event["event"] == "trial_ended"]
    assert len(ends) == len(set(ends)) == 24
    for trial in set(ends):
        kinds = [event["event"] for event in events if event.get("trial") == trial]
        assert kinds[-1] == "trial_ended"


def test_an_unfinished_trial_comes_first_with_its_iterations(tmp_path: Path) -> None:
    driver = driver_of(tmp_path)
    trial = driver.next_trial()
    assert not isinstance(trial, NoTrial)
    driver.reported(trial.number, report_of(trial, 0))
    driver.close()
    again = driver_of(tmp_path).next_trial()
    assert not isinstance(again, NoTrial)
    assert (again.number, len(again.iterations)) == (0, 1)


def test_a_failure_keeps_its_log_in_a_file_and_its_reason_in_the_ledger(tmp_path: Path) -> None:
    driver = driver_of(tmp_path)
    driver.next_trial()
    driver.ended(0, "failed", "ValueError: no", log="Traceback ...\nValueError: no\n")
    assert driver.records[0].reason == "ValueError: no (see logs/t0000.log)"
    assert (tmp_path / "logs" / "t0000.log").read_text().endswith("ValueError: no\n")


@pytest.fixture(scope="module", params=[name for name in PRUNER_NAMES if name != "none"])
def pruned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Any]]:
    """A pruner's name and an undisturbed study with it."""
    driver = driver_of(tmp_path_factory.mktemp("pruned"), study_of(num_samples=20, pruner=request.param))
    work(driver, 1, random.Random(0))
    return request.param, outcomes(driver)


def test_weak_trials_are_pruned_with_their_reason(pruned: tuple[str, list[Any]]) -> None:
    _, trials = pruned
    states = [trial[1] for trial in trials]
    assert 2 <= states.count("pruned") <= 14
    assert states[0] == "completed", "there was nothing to compare the first one with"


@pytest.mark.parametrize("seed", range(3))
def test_pruning_does_not_depend_on_workers_kills_and_resumes(
    tmp_path: Path, pruned: tuple[str, list[Any]], seed: int
) -> None:
    name, expected = pruned
    order = random.Random(seed)
    while True:
        driver = driver_of(tmp_path, study_of(num_samples=20, pruner=name))
        left = work(driver, order.randint(1, 4), order, events=order.randint(1, 40))
        driver.close()
        if left > 0:
            break
    assert outcomes(driver) == expected


def test_out_of_memory_puts_a_trial_back_with_its_iterations_and_its_larger_share(tmp_path: Path) -> None:
    driver = driver_of(tmp_path)
    trial = driver.next_trial()
    assert not isinstance(trial, NoTrial)
    driver.reported(0, report_of(trial, 0))
    driver.retried(0, "out of memory", 0.5)
    driver.close()
    for session in (driver, driver_of(tmp_path)):
        again = session.next_trial()
        assert not isinstance(again, NoTrial)
        assert (again.number, again.gpus, len(again.iterations), again.state) == (0, 0.5, 1, "proposed")


def test_a_state_that_is_not_final_cannot_end_a_trial(tmp_path: Path) -> None:
    driver = driver_of(tmp_path)
    driver.next_trial()
    with pytest.raises(ValueError, match="t0000: 'done' is not a final state"):
        driver.ended(0, "done")


def test_trials_of_one_seed_are_handed_out_together_and_the_others_stay(tmp_path: Path) -> None:
    driver = driver_of(tmp_path, study_of(num_samples=4, seeds=2, sampler="random"))
    handed = []
    while not isinstance(trials := driver.next_trials(3), NoTrial):
        assert len({trial.seed for trial in trials}) == 1
        handed.append([trial.number for trial in trials])
    assert handed == [[0, 2, 4], [1, 3, 5], [6], [7]]
    assert trials is NoTrial.WAITING
