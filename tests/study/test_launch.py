"""The command itself, in processes of its own: run, interrupted, killed, resumed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.launch import main
from study.ledger.folder import StudyFolder
from study.status import study_status
from tests.study.ledgers import read_events, records_of

REQUEST = ["--dataset", "simulated", "--num-samples", "5", "--seed", "3", "--set", "compute.device=cpu"]
SLOW = [*REQUEST, "--set", "training.epochs=40"]
TIMES = {"seconds", "training_s"}
ROOT = Path(__file__).resolve().parents[2]


def start(study_dir: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "study.launch", "--study-dir", str(study_dir), *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=240)
    return process.returncode, out, err


def wait_for(
    study_dir: Path, process: subprocess.Popen[str], enough: Callable[[list[dict[str, Any]]], bool]
) -> list[dict[str, Any]]:
    """Until the ledger of study ``s`` holds enough."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        events, _ = read_events(study_dir / "s" / "ledger.jsonl")
        if enough(events):
            return events
        time.sleep(0.02)
    raise AssertionError(f"not reached: {finish(process) if process.poll() is not None else 'too slow'}")


def outcomes(study_dir: Path) -> list[Any]:
    """All of a ledger but times, places, whose M0 a trial took, and the order in which trials took turns."""
    assert read_events(study_dir / "s" / "ledger.jsonl")[1] == []
    return [
        (r.number, r.state, r.params, r.seed, r.origin, r.objective, r.best_iteration,
         [replace(report.without_times(), m0=None) for report in r.iterations])
        for r in records_of(study_dir / "s" / "ledger.jsonl")
    ]  # fmt: skip


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """An undisturbed study, one trial at a time; its folder and what it printed."""
    study_dir = tmp_path_factory.mktemp("reference")
    status, out, err = finish(start(study_dir, *SLOW, "--name", "s", "--max-concurrent", "1"))
    assert status == 0, err
    return study_dir, out, err


def test_a_study_prints_its_own_lines_and_nothing_else(reference: tuple[Path, str, str]) -> None:
    _, out, err = reference
    assert err == ""
    lines = [line for line in out.splitlines() if line]
    # Card 8, plan 10, one per trial 5, counts 1, comparison 6, where and next 3.
    assert len(lines) <= 34, out
    assert len([line for line in lines if re.match(r"t\d{4}  completed", line)]) == 5
    assert not re.search("warning|deprecat|ray::|INFO|WARN", out, re.IGNORECASE)
    for part in ("dashboard    http://", "ray get-auth-token", "M0 (iteration 0)", "best: t000", "rule: held-out"):
        assert part in out
    assert "python -m analysis.tables --study s" in out


def test_status_tells_all_from_the_folder(reference: tuple[Path, str, str]) -> None:
    status = study_status(reference[0], "s")
    assert json.loads(json.dumps(status)) == status
    assert (status["state"], status["counts"], status["num_trials"]) == ("ended", {"completed": 5}, 5)
    assert [trial["number"] for trial in status["trials"]] == [0, 1, 2, 3, 4]
    assert status["best"]["objective"] == max(trial["objective"] for trial in status["trials"])


def test_a_study_leaves_few_files(reference: tuple[Path, str, str]) -> None:
    folder = reference[0] / "s"
    assert sorted(p.name for p in folder.iterdir()) == [
        "ambiguous.csv", "base", "checkpoints", "driver.lock", "ground_truth.csv", "ledger.jsonl", "models",
        "optuna.journal", "predictions", "study.json", "videos.json",
    ]  # fmt: skip
    written = sorted(p.name for p in (folder / "predictions").iterdir())
    assert written == [f"t000{trial}{part}.csv" for trial in range(5) for part in ("", ".m0")]


def test_a_trial_that_is_run_again_gives_the_recorded_numbers(reference: tuple[Path, str, str]) -> None:
    before = (reference[0] / "s" / "ledger.jsonl").read_bytes()
    status, out, err = finish(start(reference[0], "--rerun", "s", "t0001"))
    assert (status, err) == (0, "")
    assert out.splitlines()[-1] == "t0001: all numbers are equal, to the last bit"
    assert (reference[0] / "s" / "ledger.jsonl").read_bytes() == before


def test_a_damaged_iteration_of_an_ended_study_is_had_back_from_the_checkpoint(
    tmp_path: Path, reference: tuple[Path, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(reference[0] / "s", tmp_path / "s")
    ledger = copy / "ledger.jsonl"
    lines = ledger.read_bytes().splitlines(keepends=True)
    damaged = max(n for n, line in enumerate(lines) if b'"event": "iteration"' in line)
    ledger.write_bytes(b"".join([*lines[:damaged], lines[damaged][:40] + b"\n", *lines[damaged + 1 :]]))
    assert main(["--resume", "s", "--study-dir", str(tmp_path)]) == 0
    assert "is restored from its checkpoint" in capsys.readouterr().out
    ledger.write_bytes(b"".join(line for n, line in enumerate(ledger.read_bytes().splitlines(True)) if n != damaged))
    assert outcomes(tmp_path) == outcomes(reference[0])


def test_the_next_plan_goes_by_what_this_study_cost(
    reference: tuple[Path, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*SLOW, "--dry-run", "--study-dir", str(reference[0])]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"time         about .*, at \d+\.\d s per training \(study s\)", printed)
    assert re.search(r"disk         about [\d.]+ kB, at [\d.]+ kB per trial \(study s\); [\d.]+ .B free", printed)
    assert "the disk is too small" not in printed


def test_a_disk_that_is_too_small_is_noted_before_anything_starts(
    reference: tuple[Path, str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.cli.plan.free_bytes", lambda folder: 10_000)
    assert main([*SLOW, "--dry-run", "--study-dir", str(reference[0])]) == 0
    assert "10 kB free\n" in (printed := capsys.readouterr().out)
    assert "note         the disk is too small for that; free some" in printed


def test_an_ended_study_is_resumed_without_running_anything(reference: tuple[Path, str, str]) -> None:
    before = (reference[0] / "s" / "ledger.jsonl").read_bytes()
    status, out, _ = finish(start(reference[0], "--resume", "s"))
    assert status == 0
    assert "best: t000" in out
    assert (reference[0] / "s" / "ledger.jsonl").read_bytes() == before


def test_a_search_that_reaches_its_target_ends_early_and_says_so_wherever_one_looks(tmp_path: Path) -> None:
    early = ["--num-samples", "30", "--target", "1", "--lookback", "1", "--sampler", "random", "--name", "s"]
    status, out, err = finish(start(tmp_path, *REQUEST, *early))
    assert (status, err) == (0, "")
    assert "ends early   a configuration reaches 1\n" in out
    ended = re.search(r"the search ended early: (configuration 0 reached the target 1 \(\d+\.\d\))\n", out)
    assert ended
    # Configuration 1 was proposed without a look at configuration 0.
    assert study_status(tmp_path, "s")["counts"] == {"completed": 2}
    assert study_status(tmp_path, "s")["search_end"] == ended[1]
    assert study_status(tmp_path, "s")["num_trials"] == 2
    before = (tmp_path / "s" / "ledger.jsonl").read_bytes()
    status, out, _ = finish(start(tmp_path, "--resume", "s"))
    assert status == 0
    assert "dashboard" not in out, "nothing is left for Ray to run"
    assert (tmp_path / "s" / "ledger.jsonl").read_bytes() == before


def test_interrupted_killed_and_resumed_on_two_workers_it_is_the_same_study(
    tmp_path: Path, reference: tuple[Path, str, str]
) -> None:
    first = start(tmp_path, *SLOW, "--name", "s")
    wait_for(tmp_path, first, lambda events: any(event["event"] == "iteration" for event in events))

    os.kill(first.pid, signal.SIGSTOP)  # so that it cannot end before the second one asks
    status, _, err = finish(start(tmp_path, "--resume", "s"))
    os.kill(first.pid, signal.SIGCONT)
    assert status == 2
    assert f"study 's' is being driven by process {first.pid} on " in err

    os.killpg(first.pid, signal.SIGINT)  # as a terminal does
    status, out, err = finish(first)
    assert (status, err) == (130, "")
    assert f"python -m study.launch --resume s --study-dir {tmp_path}" in out
    assert study_status(tmp_path, "s")["state"] == "stopped"
    events, _ = read_events(tmp_path / "s" / "ledger.jsonl")
    assert events[-1]["event"] == "study_stopped"

    third = start(tmp_path, "--resume", "s")
    known = len(events)
    wait_for(tmp_path, third, lambda now: any(event["event"] == "iteration" for event in now[known:]))
    os.kill(third.pid, signal.SIGKILL)
    third.communicate()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(third.pid, signal.SIGKILL)
    finished = {record.number for record in records_of(tmp_path / "s" / "ledger.jsonl") if record.finished}

    status, out, err = finish(start(tmp_path, "--resume", "s"))
    assert status == 0, err
    assert outcomes(tmp_path) == outcomes(reference[0])
    events, _ = read_events(StudyFolder(tmp_path / "s").ledger_file)
    resumed = max(i for i, event in enumerate(events) if event["event"] == "study_resumed")
    assert not {event["trial"] for event in events[resumed:] if "trial" in event} & finished


def test_a_study_without_a_successful_trial_ends_with_status_1_and_its_reasons(tmp_path: Path) -> None:
    hopeless = ["--set", "training.lr=1e30", "--num-samples", "1", "--name", "s"]
    status, out, err = finish(start(tmp_path, *REQUEST, *hopeless))
    assert (status, err) == (1, "")
    assert re.search(r"t0000  non-finite .*loss is not finite.*see logs/t0000.log", out)
    assert "no trial completed" in out
