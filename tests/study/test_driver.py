from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from study.config.study import PRUNER_NAMES
from study.driver import NoTrial
from study.ledger.ranking import ranked_configurations
from tests.study.ledgers import read_events
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


def test_a_trial_killed_between_its_last_iteration_and_its_pruning_is_pruned_not_run(tmp_path: Path) -> None:
    study = study_of(num_samples=20, pruner="median")
    driver = driver_of(tmp_path, study)
    work(driver, 1, random.Random(0))
    driver.close()
    ledger = tmp_path / "ledger.jsonl"
    events, _ = read_events(ledger)
    end = next(event for event in events if event.get("state") == "pruned")
    lines = ledger.read_bytes().splitlines(keepends=True)
    ledger.write_bytes(b"".join(lines[: end["line"] - 1]))
    again = driver_of(tmp_path, study)
    assert again.records[end["trial"]].state == "pruned"


def test_the_best_are_confirmed_on_further_seeds_after_everything_else(tmp_path: Path) -> None:
    study = study_of(num_samples=6, seeds=2, confirm={"top": 2, "seeds": 3})
    driver = driver_of(tmp_path / "one", study)
    work(driver, 1, random.Random(0))
    confirmed = [record for record in driver.records.values() if record.origin == "confirm"]
    assert [record.number for record in confirmed] == list(range(12, 18))
    assert [record.seed for record in confirmed] == [2, 3, 4] * 2
    search = [record for record in driver.records.values() if record.origin != "confirm"]
    best = [replicates[0].configuration for replicates in ranked_configurations(search)[:2]]
    assert [record.configuration for record in confirmed] == [best[0]] * 3 + [best[1]] * 3
    assert study.num_trials == len(driver.records) == 18
    other = driver_of(tmp_path / "four", study)
    work(other, 4, random.Random(1))
    assert outcomes(other) == outcomes(driver)


def test_a_confirmed_study_can_be_extended(tmp_path: Path) -> None:
    plan = {"seeds": 1, "confirm": {"top": 1, "seeds": 2}}
    work(driver_of(tmp_path, study_of(num_samples=4, **plan)), 2, random.Random(0))
    driver = driver_of(tmp_path, study_of(num_samples=8, **plan))
    work(driver, 2, random.Random(1))
    at_once = driver_of(tmp_path / "at-once", study_of(num_samples=8))
    work(at_once, 1, random.Random(0))
    searched = [record.params for record in driver.records.values() if record.origin != "confirm"]
    assert searched == [record.params for record in at_once.records.values()]


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


@pytest.mark.parametrize("damaged", range(60))
def test_any_damaged_line_of_a_ledger_costs_that_line_alone(
    tmp_path: Path, damaged: int, reference: list[tuple[object, ...]]
) -> None:
    driver = driver_of(tmp_path, study_of(seeds=2))
    work(driver, 3, random.Random(5), events=60)
    driver.close()
    ledger = tmp_path / "ledger.jsonl"
    lines = ledger.read_bytes().splitlines(keepends=True)
    lines[damaged] = lines[damaged].replace(b"e", b"E", 1)
    ledger.write_bytes(b"".join(lines))
    again = driver_of(tmp_path, study_of(seeds=2))
    assert len(again.problems) == 1
    assert f"line {damaged + 1} " in again.problems[0]
    work(again, 2, random.Random(6))
    # An iteration's own line cannot be restored when its trial has ended; all else can.
    found, expected = outcomes(again), reference
    assert [trial[:6] + trial[7:] for trial in found] == [trial[:6] + trial[7:] for trial in expected]
    assert sum(a != b for a, b in zip(found, expected, strict=True)) <= 1


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
