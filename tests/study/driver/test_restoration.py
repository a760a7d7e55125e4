from __future__ import annotations

import random
from pathlib import Path

import pytest

from study.driver import NoTrial
from tests.study.ledgers import read_events
from tests.study.worlds import driver_of, outcomes, report_of, study_of, work


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[object, ...]]:
    """An undisturbed study, one trial at a time."""
    driver = driver_of(tmp_path_factory.mktemp("reference"), study_of(seeds=2))
    work(driver, 1, random.Random(0))
    return outcomes(driver)


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
