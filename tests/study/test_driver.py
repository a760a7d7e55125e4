from __future__ import annotations

import random
from pathlib import Path

import pytest

from study.driver import NoTrial
from study.ledger import read_events
from tests.study.worlds import driver_of, outcomes, report_of, study_of, work


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    """An undisturbed study, one trial at a time."""
    driver = driver_of(tmp_path_factory.mktemp("reference"), study_of(seeds=2))
    work(driver, 1, random.Random(0))
    return outcomes(driver)


def test_the_study_has_all_its_trials_with_replicates_side_by_side(reference: list[tuple[object, ...]]) -> None:
    assert len(reference) == 24
    assert [trial[3] for trial in reference[:4]] == [0, 1, 0, 1]
    assert reference[0][2] == reference[1][2] != reference[2][2]
    assert reference[0][4] == "preset"


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


def test_a_torn_last_line_costs_nothing_that_is_not_done_again(
    tmp_path: Path, reference: list[tuple[object, ...]]
) -> None:
    driver = driver_of(tmp_path, study_of(seeds=2))
    work(driver, 2, random.Random(1), events=40)
    driver.close()
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-20])
    driver = driver_of(tmp_path, study_of(seeds=2))
    assert len(driver.problems) == 1
    work(driver, 2, random.Random(2))
    assert outcomes(driver) == reference


def test_a_larger_budget_goes_on_where_the_smaller_one_ended(tmp_path: Path) -> None:
    small, whole = tmp_path / "small", tmp_path / "whole"
    work(driver_of(small, study_of(num_samples=5)), 2, random.Random(0))
    extended = driver_of(small, study_of(num_samples=12))
    assert extended.num_finished == 5
    work(extended, 3, random.Random(0))
    at_once = driver_of(whole, study_of(num_samples=12))
    work(at_once, 1, random.Random(0))
    assert outcomes(extended) == outcomes(at_once)


def test_a_trial_killed_between_its_last_iteration_and_its_end_is_ended_not_run(tmp_path: Path) -> None:
    driver = driver_of(tmp_path)
    trial = driver.next_trial()
    assert not isinstance(trial, NoTrial)
    for iteration in range(3):
        driver.reported(trial.number, report_of(trial, iteration))
    driver.close()
    again = driver_of(tmp_path)
    assert again.records[0].state == "completed"
    following = again.next_trial()
    assert not isinstance(following, NoTrial)
    assert following.number == 1


def test_an_unfinished_trial_comes_first_with_its_iterations(tmp_path: Path) -> None:
    driver = driver_of(tmp_path)
    trial = driver.next_trial()
    assert not isinstance(trial, NoTrial)
    driver.reported(trial.number, report_of(trial, 0))
    driver.close()
    again = driver_of(tmp_path).next_trial()
    assert not isinstance(again, NoTrial)
    assert (again.number, len(again.iterations)) == (0, 1)


def test_an_event_is_in_the_ledger_before_anything_else_learns_of_it(tmp_path: Path) -> None:
    driver = driver_of(tmp_path)
    seen = []
    driver.listeners.append(lambda event, record: seen.append(read_events(tmp_path / "ledger.jsonl")[0][-1]["seq"]))
    work(driver, 2, random.Random(0), events=20)
    assert seen == [event["seq"] for event in read_events(tmp_path / "ledger.jsonl")[0]]


def test_a_failure_keeps_its_log_in_a_file_and_its_reason_in_the_ledger(tmp_path: Path) -> None:
    driver = driver_of(tmp_path)
    driver.next_trial()
    driver.ended(0, "failed", "ValueError: no", log="Traceback ...\nValueError: no\n")
    assert driver.records[0].reason == "ValueError: no (see logs/t0000.log)"
    assert (tmp_path / "logs" / "t0000.log").read_text().endswith("ValueError: no\n")


def test_a_state_that_is_not_final_cannot_end_a_trial(tmp_path: Path) -> None:
    driver = driver_of(tmp_path)
    driver.next_trial()
    with pytest.raises(ValueError, match="t0000: 'done' is not a final state"):
        driver.ended(0, "done")
