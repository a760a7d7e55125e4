from __future__ import annotations

import random
from pathlib import Path

from study.driver.recorder import Recorder
from study.ledger.folder import StudyFolder
from study.ledger.ledger_file import read_ledger
from study.ledger.study_events import StudyStopped
from study.ledger.trial_events import Configuration, TrialEnded, TrialProposed
from tests.study.ledgers import read_events
from tests.study.worlds import driver_of, work


def test_an_event_is_in_the_ledger_before_anything_else_learns_of_it(tmp_path: Path) -> None:
    driver = driver_of(tmp_path)
    seen = []
    driver.listeners.append(lambda event, record: seen.append(read_events(tmp_path / "ledger.jsonl")[0][-1]["seq"]))
    work(driver, 2, random.Random(0), events=20)
    assert seen == [event["seq"] for event in read_events(tmp_path / "ledger.jsonl")[0]]


def recorder_of(path: Path) -> Recorder:
    folder = StudyFolder(path)
    return Recorder(folder, read_ledger(folder.ledger_file))


def test_a_record_and_the_count_of_finished_trials_follow_the_events(tmp_path: Path) -> None:
    recorder = recorder_of(tmp_path)
    record = recorder.write(TrialProposed(3, Configuration(3, {"loss.beta": 2.0}), 7))
    assert (record.params, record.seed, recorder.num_finished) == ({"loss.beta": 2.0}, 7, 0)
    assert recorder.write(TrialEnded(3, "failed", "no")) is record
    recorder.write(TrialEnded(3, "completed"))
    assert (record.state, recorder.num_finished) == ("failed", 1)


def test_a_later_recorder_goes_on_where_the_first_one_ended(tmp_path: Path) -> None:
    first = recorder_of(tmp_path)
    first.write(TrialProposed(0, Configuration(0, {"loss.beta": 2.0}), 7))
    first.note(StudyStopped("SIGTERM"))
    first.close()
    second = recorder_of(tmp_path)
    assert second.records[0].params == {"loss.beta": 2.0}
    second.write(TrialEnded(0, "completed"))
    second.close()
    assert [event.seq for event in read_ledger(tmp_path / "ledger.jsonl").events] == [1, 2, 3]
    assert recorder_of(tmp_path).num_finished == 1
