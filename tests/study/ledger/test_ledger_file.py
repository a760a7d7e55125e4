from __future__ import annotations

import json
import math
import shutil
import time
from pathlib import Path

import pytest

from analysis.study import load_study
from study.ledger.ledger_file import Ledger, decode, encode, read_ledger
from study.ledger.records import trial_records
from study.ledger.study_events import StudyEnded, UnknownEvent
from study.ledger.trial_events import Configuration, IterationEnded, TrialEnded, TrialProposed, TrialStarted
from study.status import study_status
from tests.study.ledgers import append_line, read_events
from trainables.report import IterationReport, Selection


def written(path: Path) -> bytes:
    """A ledger of one finished and one running trial; its bytes."""
    ledger = Ledger(path)
    for trial in (0, 1):
        ledger.append(TrialProposed(trial, Configuration(None, {"loss.beta": 4.0, "ß": "ü"}), seed=trial))
        ledger.append(TrialStarted(trial, "h", 1, "cpu"))
        report = IterationReport(0, Selection("test", 1 / 3), 0, 1 / 3, False, seconds=1.0)
        ledger.append(IterationEnded(trial, report))
    ledger.append(TrialEnded(0, "completed", None, 1 / 3, 0, 1.0))
    ledger.close()
    return path.read_bytes()


def test_what_is_appended_is_read_back_with_line_numbers(tmp_path: Path) -> None:
    written(tmp_path / "ledger.jsonl")
    contents = read_ledger(tmp_path / "ledger.jsonl")
    assert contents.problems == ()
    assert [event.line for event in contents.events] == list(range(1, 8))
    assert [event.seq for event in contents.events] == list(range(1, 8))
    first, second = trial_records(contents.events)
    assert (first.state, first.objective, first.seconds, first.finished) == ("completed", 1 / 3, 1.0, True)
    assert (second.state, second.seed, second.device, second.finished) == ("running", 1, "cpu", False)
    assert second.params == {"loss.beta": 4.0, "ß": "ü"}
    assert first.lines == [1, 2, 3, 7]


def test_a_missing_ledger_has_no_events(tmp_path: Path) -> None:
    contents = read_ledger(tmp_path / "ledger.jsonl")
    assert (contents.events, contents.problems, contents.next_seq) == ((), (), 1)


def test_a_ledger_cut_at_any_byte_of_its_last_line_loses_that_line_only(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    whole = written(path)
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    for cut in range(start + 1, len(whole)):
        path.write_bytes(whole[:cut])
        contents = read_ledger(path)
        assert len(contents.events) == 6
        assert contents.problems == (f"{path}: line 7 is cut short and is skipped",)


def test_an_append_after_a_torn_line_is_not_glued_to_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(written(path)[:-10])
    ledger = Ledger(path)
    ledger.append(StudyEnded(1))
    ledger.close()
    contents = read_ledger(path)
    last = contents.events[-1]
    assert isinstance(last, StudyEnded)
    assert last.seq == 7
    assert contents.problems == (f"{path}: line 7 is not a ledger entry and is skipped",)


def test_a_flipped_byte_is_noticed_wherever_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    whole = written(path)
    for position in range(whole.index(b"\n")):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        path.write_bytes(bytes(damaged))
        contents = read_ledger(path)
        assert 5 <= len(contents.events) <= 6, position
        assert 1 <= len(contents.problems) <= 2
        assert "line 1" in contents.problems[0]


def test_numbers_that_json_lacks_become_null(tmp_path: Path) -> None:
    assert decode(encode({"value": 1.5})) == {"value": 1.5}
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode({"value": math.nan})
    ledger = Ledger(tmp_path / "ledger.jsonl")
    report = IterationReport(
        0, Selection("test", math.nan), 0, math.nan, False, 1.0, map_by_epoch=(math.nan, math.inf, 1.0)
    )
    written_report = ledger.append(IterationEnded(0, report)).report
    assert (written_report.best_so_far, written_report.map_by_epoch) == (None, (None, None, 1.0))


def test_what_was_read_is_current_until_something_is_appended(tmp_path: Path) -> None:
    written(tmp_path / "ledger.jsonl")
    contents = read_ledger(tmp_path / "ledger.jsonl")
    assert contents.current() is contents
    ledger = Ledger(contents.path, contents)
    appended = ledger.append(StudyEnded(1))
    assert appended.seq == contents.next_seq == 8
    assert len(contents.current().events) == 8
    assert contents.with_events(appended).current().next_seq == 9


def test_an_event_of_a_newer_version_is_kept_and_makes_no_trial(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    written(path)
    append_line(path, {"seq": 8, "time": 1.0, "event": "trial_paused", "trial": 77})
    append_line(path, {"seq": 9, "time": 1.0, "event": "trial_ended", "trial": 1, "state": "failed", "mood": [1]})
    contents = read_ledger(path)
    assert contents.problems == ()
    assert isinstance(contents.events[-2], UnknownEvent)
    assert [record.state for record in trial_records(contents.events)] == ["completed", "failed"]


ABSURD = [
    ({"event": "trial_proposed", "trial": 8}, "'trial' must be below 8"),
    ({"event": "trial_proposed", "trial": -1}, "'trial' must be a whole number, 0 or more, got -1"),
    ({"event": "trial_proposed", "trial": True}, "'trial' must be a whole number"),
    ({"event": "trial_proposed", "trial": 1.0}, "'trial' must be a whole number"),
    ({"event": "trial_proposed", "trial": 2, "configuration": 10**9}, "'configuration' must be below 8"),
    ({"event": "trial_proposed", "trial": 2, "repeats": [0, 10**9]}, "'repeats' must be below 8"),
    ({"event": "trial_proposed", "trial": 2, "repeats": 3}, "'repeats' must be a list of whole numbers"),
    ({"event": "trial_proposed", "trial": 2, "params": [1]}, "'params' must be a JSON object"),
    ({"event": "trial_proposed", "trial": 2, "params": {"loss.beta": [1]}}, "'params' must be an object of single"),
    ({"event": "trial_proposed", "trial": 2, "seed": -3}, "'seed' must be a whole number"),
    ({"event": "trial_proposed", "trial": 2, "origin": None}, "'origin' must be text"),
    ({"event": "iteration", "trial": 1, "report": {"iteration": 10**9, "seconds": 1}}, "'iteration' must be below 8"),
    ({"event": "iteration", "trial": 1, "report": {"iteration": 1}}, "lacks 'seconds'"),
    ({"event": "iteration", "trial": 1, "report": {"iteration": 1, "seconds": -1}}, "'seconds' must be 0 or more"),
    ({"event": "iteration", "trial": 1, "report": {"iteration": 1, "seconds": 1, "map": {"test": "9"}}}, "'map' must"),
    ({"event": "iteration", "trial": 1, "report": 5}, "'report' must be a JSON object, got 5"),
    ({"event": "trial_ended", "trial": 1, "state": "completed", "objective": "9"}, "'objective' must be a number"),
    ({"event": "trial_ended", "trial": 1, "state": "done"}, "'state' must be one of completed, pruned"),
    ({"event": "trial_ended", "trial": 1, "state": "completed", "best_iteration": 10**9}, "'best_iteration' must be"),
    ({"event": "trial_retried", "trial": 1, "gpus": "half"}, "'gpus' must be a number"),
    ({"event": "study_started", "num_samples": -4}, "'num_samples' must be a whole number"),
    ({"event": "study_started", "session": []}, "'session' must be a JSON object"),
    ({"event": 7}, "'event' must be text, got 7"),
    ({"event": "study_ended", "seq": "x"}, "'seq' must be a whole number"),
    ({"event": "study_ended", "time": None}, "'time' must be a number"),
]


@pytest.mark.parametrize(("entry", "message"), ABSURD, ids=[json.dumps(entry) for entry, _ in ABSURD])
def test_a_line_with_a_value_that_no_version_writes_is_skipped_and_named(
    tmp_path: Path, entry: dict[str, object], message: str
) -> None:
    path = tmp_path / "ledger.jsonl"
    written(path)
    whole: dict[str, object] = {"seq": 8, "time": 1.0}
    if entry["event"] == "trial_proposed":
        whole |= {"params": {}, "seed": 0, "origin": "sampler", "configuration": 0}
    append_line(path, whole | entry)
    contents = read_ledger(path)
    (problem,) = contents.problems
    assert problem.startswith(f"{path}: line 8 ")
    assert message in problem
    assert problem.endswith(" and is skipped")
    assert len(contents.events) == 7


def test_any_damage_to_a_whole_value_of_a_line_is_skipped_or_harmless(tmp_path: Path) -> None:
    """Each value of each line in turn becomes each of these, with a right checksum."""
    path = tmp_path / "ledger.jsonl"
    written(path)
    entries, _ = read_events(path)
    values: list[object] = [None, -1, 10**18, 1e300, "text", [], [[]], {}, {"a": {"a": [{}]}}, True]
    for number, entry in enumerate(entries):
        del entry["line"]
        for key in entry:
            for value in values:
                lines = [encode(other if n != number else {**entry, key: value}) for n, other in enumerate(entries)]
                path.write_bytes(b"".join(lines))
                contents = read_ledger(path)
                assert len(contents.events) + len(contents.problems) == len(entries)
                assert len(trial_records(contents.events)) <= 3


@pytest.mark.parametrize("command", ["status", "frames"])
def test_no_absurd_line_of_the_shared_cases_costs_more_than_itself(shared: Path, tmp_path: Path, command: str) -> None:
    lines = sorted((shared / "cases" / "damaged" / "ledger_lines").glob("*.jsonl"))
    assert len(lines) >= 13
    for line in lines:
        folder = tmp_path / line.stem
        shutil.copytree(shared / "cases" / "damaged" / "study", folder)
        with (folder / "ledger.jsonl").open("ab") as ledger:
            ledger.write(line.read_bytes())
        started = time.perf_counter()
        if command == "status":
            status = study_status(tmp_path, line.stem)
            trials, problems = len(status["trials"]), status["problems"]
        else:
            study = load_study(folder)
            trials, problems = len(study.trials), study.problems
        assert time.perf_counter() - started < 5
        assert trials == 6
        assert len(problems) == (0 if line.stem == "unknown_event_of_trial_77" else 1), line.stem
        assert all(" line 40 " in problem and "\n" not in problem for problem in problems)
