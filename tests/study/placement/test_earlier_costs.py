from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import pytest

from study.ledger.ledger_file import read_ledger
from study.ledger.settings import StudySettings, create_folder
from study.placement.earlier_costs import find_earlier_costs, free_bytes
from tests.study.worlds import driver_of, run_of, study_of, work


def study(folder: Path, name: str, time: float, trials: int = 2, **changes: Any) -> Path:
    """A study with ended trials, each iteration of 2 seconds; ``time``: of its study.json."""
    run = run_of(**changes)
    made = create_folder(folder, name, StudySettings(run.model_dump(mode="json"), study_of().as_dict()))
    driver = driver_of(made.path, study_of(num_samples=max(trials, 1)), run)
    work(driver, 1, random.Random(0), events=None if trials else 0)
    driver.close()
    os.utime(made.study_file, (time, time))
    return made.path


def test_the_last_study_of_the_same_data_model_and_training_tells_seconds_and_bytes(tmp_path: Path) -> None:
    study(tmp_path, "old", 1000)
    last = study(tmp_path, "last", 2000, loss__beta=8.0)
    (last / "predictions" / "t0000.csv").write_bytes(b"x" * 5000)
    found = find_earlier_costs(tmp_path, run_of())
    assert found is not None
    assert (found.name, found.iteration_s) == ("last", 2.0)
    assert found.trial_bytes == ((last / "ledger.jsonl").stat().st_size + 5000) / 2


def test_studies_of_other_training_without_iterations_or_damaged_tell_nothing(tmp_path: Path) -> None:
    assert find_earlier_costs(tmp_path / "nowhere", run_of()) is None
    study(tmp_path, "other", 1000, training__epochs=99)
    study(tmp_path, "begun", 2000, trials=0)
    (study(tmp_path, "damaged", 3000) / "study.json").write_text("{")
    assert find_earlier_costs(tmp_path, run_of()) is None


def test_a_ledger_that_has_been_read_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = read_ledger(study(tmp_path, "s", 1000) / "ledger.jsonl")
    monkeypatch.setattr("study.placement.earlier_costs.read_ledger", lambda path: pytest.fail(f"{path} read again"))
    found = find_earlier_costs(tmp_path, run_of(), ledger)
    assert found is not None
    assert found.name == "s"


def test_the_free_space_of_a_folder_that_is_not_there_yet_is_that_above_it(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "a" / "b") > 0
