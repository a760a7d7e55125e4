"""Each state file of a study cut at each byte of its last record, emptied, deleted, flipped: survived, or named."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from study.execution.optuna_journal import OptunaJournal
from study.launch import main
from study.ledger.folder import StudyFolder
from study.ledger.lock import lock
from study.ledger.settings import DatasetSettings, StudySettings, create_folder, open_study
from study.ledger.study_events import StudyCreated
from study.m0_cache import M0Cache
from study.status import study_status
from tests.study.worlds import driver_of, outcomes, run_of, study_of, work
from tests.trainables.worlds import tiny_dataset
from trainables.errors import UserError
from trainables.refinement.refine import refine
from trainables.worker.checkpoint import load_state, save_state

STUDY, RUN = study_of(num_samples=6), run_of()
SETTINGS = StudySettings(
    RUN.model_dump(mode="json"), STUDY.as_dict(), dataset=DatasetSettings("simulated", "simulated"), data_dir="data"
)


def damages(whole: bytes, record: int) -> Iterator[bytes]:
    """Cut at each byte of the last ``record`` bytes, empty, and each of them flipped."""
    start = len(whole) - record
    yield from (whole[:cut] for cut in range(start, len(whole)))
    yield b""
    yield from (whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(start, len(whole)))


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    """A study of which a part has been done."""
    made = create_folder(tmp_path, "s", SETTINGS)
    driver = driver_of(made.path, STUDY)
    driver.note(StudyCreated(open_study(tmp_path, "s").settings.to_json()))
    journal = OptunaJournal(made, STUDY, run_of(), "simulated", driver.records)
    driver.listeners.append(journal)
    work(driver, 2, random.Random(0), events=20)
    driver.close()
    journal.close()
    return made


def test_study_json_is_restored_from_the_ledger(folder: StudyFolder) -> None:
    whole = folder.study_file.read_bytes()
    settings = json.loads(whole)
    for damaged in [*damages(whole, 40), b"null", b"[]"]:
        folder.study_file.write_bytes(damaged)
        try:
            found = open_study(folder.path.parent, "s").settings
        except UserError as error:
            assert str(folder.study_file) in str(error)  # noqa: PT017 (either is right, whichever byte it was)
            continue
        assert found.run == settings["run"]
    folder.study_file.unlink()
    assert open_study(folder.path.parent, "s").settings.to_json() == settings
    assert study_status(folder.path.parent, "s")["num_trials"] == 6


def test_without_a_ledger_a_damaged_study_json_is_named(folder: StudyFolder) -> None:
    folder.ledger_file.unlink()
    folder.study_file.write_bytes(b"{")
    with pytest.raises(
        UserError, match=r"study\.json: is not JSON.*; the ledger has no copy of it: restore study.json"
    ):
        open_study(folder.path.parent, "s")


@pytest.mark.parametrize("part", ["run", "study"])
def test_a_study_whose_settings_were_changed_is_refused_with_the_difference(
    folder: StudyFolder, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = json.loads(folder.study_file.read_text())
    if part == "run":
        settings["run"]["training"]["epochs"] = 99
        message = "run.training.epochs: was 2 when study 's' began and is 99 now"
    else:
        settings["study"]["space"]["loss.beta"] = {"choices": [1.0, 3.0]}
        message = "study.space.loss.beta.choices: was [1.0, 2.0, 4.0, 8.0] when study 's' began and is [1.0, 3.0] now"
    folder.study_file.write_text(json.dumps(settings))
    assert main(["--resume", "s", "--study-dir", str(folder.path.parent)]) == 2
    assert message in capsys.readouterr().err


def test_a_ledger_with_any_damage_to_its_last_record_is_finished_to_the_same_study(
    folder: StudyFolder, tmp_path: Path
) -> None:
    whole = folder.ledger_file.read_bytes()
    undisturbed = driver_of(tmp_path / "undisturbed", STUDY)
    work(undisturbed, 1, random.Random(0))
    last = len(whole) - whole.rstrip(b"\n").rfind(b"\n") - 1
    for number, damaged in enumerate(damages(whole, last)):
        if not damaged or number % 7:  # each damage is read elsewhere; here a study is run after every seventh
            continue
        folder.ledger_file.write_bytes(damaged)
        driver = driver_of(folder.path, STUDY)
        assert len(driver.problems) <= 1
        work(driver, 2, random.Random(number))
        driver.close()
        assert outcomes(driver) == outcomes(undisturbed)


def test_a_journal_with_any_damage_is_written_anew(folder: StudyFolder) -> None:
    whole = folder.optuna_file.read_bytes()
    last = len(whole) - whole.rstrip(b"\n").rfind(b"\n") - 1
    driver = driver_of(folder.path, STUDY)
    for damaged in damages(whole, last):
        folder.optuna_file.write_bytes(damaged)
        journal = OptunaJournal(folder, STUDY, run_of(), "simulated", driver.records)
        states = [trial.state.name for trial in journal.trials()]
        journal.close()
        assert len(states) == len(driver.records)
        assert states.count("RUNNING") == sum(not record.finished for record in driver.records.values())


def test_a_state_with_any_damage_is_noticed_and_the_one_before_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    first, second = (result.state for result, _ in zip(refine(RUN, tiny_dataset()), range(2), strict=False))
    save_state(path, first)
    save_state(path, second)
    whole = path.read_bytes()
    for damaged in [*damages(whole, 200), whole[:31], whole[:32], whole[:33]]:
        path.write_bytes(damaged)
        state = load_state(path)
        assert state is not None
        assert state.iteration == 0
    path.unlink()
    assert (load_state(path) or second).iteration == 0


def test_a_base_model_with_any_damage_is_not_taken_from_another_study(tmp_path: Path) -> None:
    here, beside = StudyFolder(tmp_path / "here"), StudyFolder(tmp_path / "beside")
    state, predictions = beside.m0_files("k")
    save_state(state, next(refine(RUN, tiny_dataset())).state)
    predictions.write_text("")
    whole = state.read_bytes()
    for damaged in damages(whole, 100):
        state.write_bytes(damaged)
        assert not M0Cache(here, {}).ready("k")
    state.write_bytes(whole)
    assert M0Cache(here, {}).ready("k")


@pytest.mark.parametrize("content", [None, "", "process 1 on nowhere", "\0"])
def test_whatever_a_lock_file_holds_only_a_living_driver_locks(tmp_path: Path, content: Any) -> None:
    if content is not None:
        (tmp_path / "driver.lock").write_text(content)
    lock(StudyFolder(tmp_path)).close()
