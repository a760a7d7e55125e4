from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from study.driver import Driver, NoTrial
from study.ledger.folder import StudyFolder
from study.ledger.ledger_file import read_ledger
from study.ledger.repair import lacks_iterations, repair_from_checkpoints
from tests.study.ledgers import read_events, records_of
from tests.study.worlds import driver_of, outcomes, report_of, study_of
from trainables.refinement.refine import RunState
from trainables.report import IterationReport, M0Origin
from trainables.worker.checkpoint import save_state

STUDY = study_of(num_samples=3)


def run_all(driver: Driver) -> None:
    """Every trial to its end, with a checkpoint beside it as a worker leaves it."""
    while not isinstance(trial := driver.next_trial(), NoTrial):
        reports: list[IterationReport] = []
        for iteration in range(3):
            m0 = M0Origin("k", trained=trial.number == 0) if iteration == 0 else None
            report = replace(report_of(trial, iteration), lr_last=float("nan"), m0=m0)
            reports.append(report)
            driver.reported(trial.number, report)
        save_state(driver.folder.state_file(trial.number), RunState(2, True, reports, {}))
        driver.ended(trial.number, "completed")
    driver.close()


@pytest.fixture
def whole(tmp_path: Path) -> Driver:
    """A study that has ended."""
    driver = driver_of(tmp_path, STUDY)
    run_all(driver)
    return driver


def repair(folder: StudyFolder) -> list[str]:
    """Repair a ledger; what was read and appended must be what it now holds."""
    contents, notes = repair_from_checkpoints(folder, read_ledger(folder.ledger_file))
    placed = [replace(event, line=None) for event in read_ledger(folder.ledger_file).events]
    assert [replace(event, line=None) for event in contents.events] == placed
    assert contents.current() is contents
    return notes


def damage(folder: StudyFolder, trial: int, iteration: int) -> None:
    """Flip a byte in the line of an iteration."""
    events, _ = read_events(folder.ledger_file)
    line = next(
        e["line"] for e in events
        if e["event"] == "iteration" and (e["trial"], e["report"]["iteration"]) == (trial, iteration)
    )  # fmt: skip
    lines = folder.ledger_file.read_bytes().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace(b"seconds", b"sEconds", 1)
    folder.ledger_file.write_bytes(b"".join(lines))


@pytest.mark.parametrize("iterations", [[0], [1], [2], [0, 2], [0, 1, 2]])
def test_damaged_iterations_of_a_finished_trial_are_restored_and_nothing_is_run_again(
    whole: Driver, iterations: list[int]
) -> None:
    for iteration in iterations:
        damage(whole.folder, 1, iteration)
    numbers = ", ".join(str(iteration) for iteration in iterations)
    assert repair(whole.folder) == [f"t0001: iteration {numbers} is restored from its checkpoint"]
    again = driver_of(whole.folder.path, STUDY)
    assert outcomes(again) == outcomes(whole)
    assert [(r.m0, r.seconds) for r in again.records.values()] == [(r.m0, r.seconds) for r in whole.records.values()]
    assert again.next_trial() is NoTrial.EXHAUSTED
    again.close()
    assert repair(whole.folder) == [], "there is nothing left to repair"


@pytest.mark.parametrize("why", ["no checkpoint", "torn", "another curve", "another end", "undamaged"])
def test_nothing_is_taken_from_a_checkpoint_that_is_not_whole_or_disagrees(whole: Driver, why: str) -> None:
    record, state = whole.records[1], whole.folder.state_file(1)
    if why != "undamaged":
        damage(whole.folder, 1, 1)
    if why == "no checkpoint":
        state.unlink()
    elif why == "torn":
        state.write_bytes(state.read_bytes()[:-5])
    elif why.startswith("another"):
        reports = [report_of(record, iteration) for iteration in range(3)]
        if why == "another curve":
            reports[0] = replace(reports[0], seconds=99)
        else:
            reports[2] = replace(reports[2], best_iteration=99)
        state.with_name("state.pt").unlink()
        save_state(state, RunState(2, True, reports, {}))
    before = whole.folder.ledger_file.read_bytes()
    assert repair(whole.folder) == []
    assert whole.folder.ledger_file.read_bytes() == before


def test_a_trial_that_is_not_finished_is_left_to_its_worker(tmp_path: Path) -> None:
    driver = driver_of(tmp_path, STUDY)
    trial = driver.next_trial()
    assert not isinstance(trial, NoTrial)
    driver.reported(0, report_of(trial, 0))
    driver.close()
    assert repair(driver.folder) == []


def test_a_whole_ledger_lacks_nothing(whole: Driver) -> None:
    records = records_of(whole.folder.ledger_file)
    assert not any(lacks_iterations(record) for record in records)
    records[random.Random(0).randrange(3)].iterations.pop()
    assert sum(lacks_iterations(record) for record in records) == 1
