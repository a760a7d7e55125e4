from __future__ import annotations

import math
from pathlib import Path

import pytest

from study.ledger.events import Ledger, decode, encode, read_events, trial_records


def written(path: Path) -> bytes:
    """A ledger of one finished and one running trial; its bytes."""
    ledger = Ledger(path)
    for trial in (0, 1):
        ledger.append("trial_proposed", trial=trial, params={"loss.beta": 4.0, "ß": "ü"}, seed=trial, origin="sampler")
        ledger.append("trial_started", trial=trial, host="h", pid=1, device="cpu")
        ledger.append("iteration", trial=trial, report={"iteration": 0, "best_so_far": 1 / 3, "best_iteration": 0})
    ledger.append(
        "trial_ended", trial=0, state="completed", reason=None, objective=1 / 3, best_iteration=0, seconds=1.0
    )
    ledger.close()
    return path.read_bytes()


def test_what_is_appended_is_read_back_with_line_numbers(tmp_path: Path) -> None:
    written(tmp_path / "ledger.jsonl")
    events, problems = read_events(tmp_path / "ledger.jsonl")
    assert problems == []
    assert [event["line"] for event in events] == list(range(1, 8))
    assert [event["seq"] for event in events] == list(range(1, 8))
    first, second = trial_records(events)
    assert (first.state, first.objective, first.seconds, first.finished) == ("completed", 1 / 3, 1.0, True)
    assert (second.state, second.seed, second.device, second.finished) == ("running", 1, "cpu", False)
    assert second.params == {"loss.beta": 4.0, "ß": "ü"}
    assert first.lines == [1, 2, 3, 7]


def test_a_missing_ledger_has_no_events(tmp_path: Path) -> None:
    assert read_events(tmp_path / "ledger.jsonl") == ([], [])


def test_a_ledger_cut_at_any_byte_of_its_last_line_loses_that_line_only(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    whole = written(path)
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    for cut in range(start + 1, len(whole)):
        path.write_bytes(whole[:cut])
        events, problems = read_events(path)
        assert len(events) == 6
        assert problems == [f"{path}: line 7 is cut short and is skipped"]


def test_an_append_after_a_torn_line_is_not_glued_to_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(written(path)[:-10])
    ledger = Ledger(path)
    ledger.append("study_ended")
    ledger.close()
    events, problems = read_events(path)
    assert events[-1]["event"] == "study_ended"
    assert events[-1]["seq"] == 7
    assert problems == [f"{path}: line 7 is not a ledger entry and is skipped"]


def test_a_flipped_byte_is_noticed_wherever_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    whole = written(path)
    end = whole.index(b"\n")
    for position in range(end):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        path.write_bytes(bytes(damaged))
        events, problems = read_events(path)
        assert 5 <= len(events) <= 6, position
        assert 1 <= len(problems) <= 2
        assert "line 1" in problems[0]


def test_numbers_that_json_lacks_become_null() -> None:
    assert decode(encode({"value": 1.5})) == {"value": 1.5}
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode({"value": math.nan})


def test_a_report_with_nan_is_kept_as_null(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    entry = ledger.append("iteration", trial=0, report={"iteration": 0, "loss": [math.nan, math.inf, 1.0]})
    assert entry["report"]["loss"] == [None, None, 1.0]


def test_an_iteration_told_twice_counts_once_and_an_end_is_final(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    report = {"iteration": 0, "best_so_far": 5.0, "best_iteration": 0}
    events = [ledger.append("iteration", trial=3, report=report) for _ in range(2)]
    end = {"reason": None, "objective": 5.0, "best_iteration": 0, "seconds": 1.0}
    events += [ledger.append("trial_ended", trial=3, state=state, **end) for state in ("completed", "failed")]
    (record,) = trial_records(events)
    assert len(record.iterations) == 1
    assert record.state == "completed"
