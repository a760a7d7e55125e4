"""optuna.journal: what Optuna's own reader finds in it, while the study runs and after any damage."""

from __future__ import annotations

import random
from pathlib import Path

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from study.driver import Driver
from study.execution.optuna_journal import OptunaJournal, optuna_study_name
from tests.study.worlds import BETA, SPACE, driver_of, study_of, work

STUDY = study_of(num_samples=10, pruner="median")
STATES = {
    "completed": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL,
    "running": TrialState.RUNNING, "proposed": TrialState.RUNNING,
}  # fmt: skip


def with_journal(path: Path) -> tuple[Driver, OptunaJournal]:
    driver = driver_of(path, STUDY)
    journal = OptunaJournal(driver.folder, STUDY, "simulated", driver.records)
    driver.listeners.append(journal)
    return driver, journal


def read(path: Path) -> list[optuna.trial.FrozenTrial]:
    """As optuna-dashboard does."""
    storage = JournalStorage(JournalFileBackend(str(path / "optuna.journal")))
    return optuna.load_study(study_name=optuna_study_name("simulated", STUDY), storage=storage).trials


def agrees(path: Path, driver: Driver) -> None:
    trials, records = read(path), driver.records
    assert len(trials) == len(records)
    for trial in trials:
        record = records[trial.number]
        assert (trial.state, trial.params) == (STATES[record.state], record.params)
        assert trial.value == (record.refined_objective if record.state in ("completed", "pruned") else None)
        refined = [report.selection.number or 0.0 for report in record.iterations if report.iteration > 0]
        assert trial.intermediate_values == {i + 1: max(refined[: i + 1]) for i in range(len(refined))}
        assert trial.user_attrs["trial"] == f"t{trial.number:04d}"


@pytest.mark.parametrize("events", [1, 7, 23, 1000])
def test_it_can_be_read_at_any_time_and_agrees_with_the_ledger(tmp_path: Path, events: int) -> None:
    driver, _ = with_journal(tmp_path)
    work(driver, 2, random.Random(0), events)
    agrees(tmp_path, driver)
    if events > 100:
        assert {trial.state for trial in read(tmp_path)} >= {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}


@pytest.mark.parametrize("damage", ["none", "cut", "empty", "delete", "flip", "behind", "foreign", "blank line"])
def test_it_is_written_anew_where_it_does_not_agree(tmp_path: Path, damage: str) -> None:
    driver, journal = with_journal(tmp_path)
    work(driver, 2, random.Random(0), 20)
    driver.close()
    journal.close()
    file = tmp_path / "optuna.journal"
    whole = file.read_bytes()
    lines = whole.splitlines(keepends=True)
    flipped = whole.replace(b'"intermediate_value":', b'"intermediate_valuE":', 1)
    content = {
        "none": whole, "cut": whole[:-10], "empty": b"", "delete": b"", "flip": flipped,
        "behind": b"".join(lines[:-3]), "foreign": b"not a journal\n", "blank line": whole + b"\n",
    }[damage]  # fmt: skip
    file.unlink() if damage == "delete" else file.write_bytes(content)
    again, _ = with_journal(tmp_path)
    agrees(tmp_path, again)
    work(again, 2, random.Random(1))
    agrees(tmp_path, again)
    assert file.read_bytes().startswith(whole) == (damage == "none")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ledger.jsonl", "optuna.journal"]


def test_a_study_that_counts_m0_shows_it(tmp_path: Path) -> None:
    study = study_of(num_samples=3, objective="best")
    driver = driver_of(tmp_path, study)
    journal = OptunaJournal(driver.folder, study, "simulated", driver.records)
    driver.listeners.append(journal)
    work(driver, 1, random.Random(0))
    for trial in journal.trials():
        record = driver.records[trial.number]
        assert trial.value == record.objective
        assert trial.intermediate_values == {r.iteration: r.best_so_far for r in record.iterations}


def test_its_name_tells_data_set_and_space() -> None:
    name = optuna_study_name("simulated", STUDY)
    assert name.startswith("simulated small ")
    assert optuna_study_name("utkinect", STUDY) != name
    other = study_of(space={**SPACE, BETA: {"choices": [1.0, 2.0]}})
    assert optuna_study_name("simulated", other) != name
