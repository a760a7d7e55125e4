"""A study that is stopped or loses what it stands on: real processes, real signals, a real Ray. Long ones are slow."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import ray

from study.status import study_status
from tests.study.test_launch import ROOT

assert ray.__version__, "it brings psutil along, and a path to it"
psutil: Any = importlib.import_module("psutil")

pytestmark = pytest.mark.timeout(600)
REQUEST = ["--dataset", "simulated", "--name", "s", "--seed", "3", "--set", "compute.device=cpu"]
LONG = [*REQUEST, "--num-samples", "40", "--set", "training.epochs=60"]


def start(study_dir: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "study.launch", "--study-dir", str(study_dir), *arguments],
        cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def events_of(study_dir: Path) -> list[dict[str, Any]]:
    """As any reader of the file finds them."""
    ledger = study_dir / "s" / "ledger.jsonl"
    lines = ledger.read_bytes().splitlines(keepends=True) if ledger.exists() else []
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


def wait_until(process: subprocess.Popen[str], reached: Callable[[], object], seconds: float = 200) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "not reached"
        time.sleep(0.05)


def has(study_dir: Path, kind: str) -> Callable[[], bool]:
    return lambda: any(event["event"] == kind for event in events_of(study_dir))


def family(process: subprocess.Popen[str]) -> list[Any]:
    """The process and all that it has started."""
    first = psutil.Process(process.pid)
    return [first, *first.children(recursive=True)]


def named(process: subprocess.Popen[str], name: str) -> list[Any]:
    found = []
    for one in family(process):
        with contextlib.suppress(psutil.Error):
            found += [one] if name in one.name() else []
    return found


def ended(process: subprocess.Popen[str], within: float = 60) -> tuple[int, str, str]:
    """Status and output of a process that ends in time; nothing that it has started stays behind."""
    left = family(process)[1:]
    out, err = process.communicate(timeout=within)
    _, alive = psutil.wait_procs(left, timeout=15)
    assert [one.name() for one in alive] == []
    assert "Traceback" not in out + err
    return process.returncode, out, err


@pytest.fixture
def awkward(tmp_path: Path) -> Path:
    """A folder whose name a shell would take apart."""
    return tmp_path / "a b & c"


@pytest.mark.parametrize(
    ("name", "status", "when"),
    [
        ("SIGTERM", 143, "gcs_server"),
        pytest.param("SIGINT", 130, "gcs_server", marks=pytest.mark.slow),
        pytest.param("SIGHUP", 143, "gcs_server", marks=pytest.mark.slow),
        pytest.param("SIGUSR1", 143, "raylet", marks=pytest.mark.slow),
        ("SIGUSR1", 143, "iteration"),
        pytest.param("SIGUSR2", 143, "iteration", marks=pytest.mark.slow),
        pytest.param("SIGHUP", 143, "iteration", marks=pytest.mark.slow),
        pytest.param("SIGTERM", 143, "iteration", marks=pytest.mark.slow),
    ],
)
def test_a_signal_stops_a_study_in_order(name: str, status: int, when: str, awkward: Path) -> None:
    process = start(awkward, *LONG)
    reached = has(awkward, when) if when == "iteration" else lambda: bool(named(process, when))
    wait_until(process, reached)
    process.send_signal(signal.Signals[name])
    assert_stopped(process, awkward, name, status)


def assert_stopped(process: subprocess.Popen[str], study_dir: Path, name: str, status: int) -> None:
    """By a signal, with all that goes with it."""
    code, out, err = ended(process)
    assert (code, err) == (status, "")
    last = events_of(study_dir)[-1]
    assert (last["event"], last["reason"]) == ("study_stopped", name)
    assert f"python -m study.launch --resume s --study-dir '{study_dir}'" in out
    assert study_status(study_dir, "s")["state"] == "stopped"


@pytest.mark.slow
def test_a_second_signal_acts_at_once(awkward: Path) -> None:
    process = start(awkward, *LONG)
    wait_until(process, has(awkward, "iteration"))
    for one in family(process)[1:]:  # what the first signal would wait for
        with contextlib.suppress(psutil.Error):
            if "raylet" in one.name():
                one.suspend()
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    code, _, _ = process.returncode, *process.communicate(timeout=15)
    assert process.returncode == 130, code
    assert events_of(awkward)[-1]["event"] == "study_stopped"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_a_signal_to_all_processes_of_a_job_stops_it_in_order(name: str, awkward: Path) -> None:
    process = start(awkward, *LONG)
    wait_until(process, has(awkward, "trial_ended"))
    for one in family(process):
        with contextlib.suppress(psutil.Error):
            one.send_signal(signal.Signals[name])
    assert_stopped(process, awkward, name, 143)
    assert not [event for event in events_of(awkward) if event.get("state") == "failed"]


def test_a_signal_that_whoever_started_it_ignores_is_ignored(tmp_path: Path) -> None:
    process = subprocess.Popen(
        ["sh", "-c", 'trap "" HUP; exec "$0" "$@"', sys.executable, "-m", "study.launch", "--study-dir", str(tmp_path),
         *REQUEST, "--num-samples", "2"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_until(process, has(tmp_path, "study_started"))
    process.send_signal(signal.SIGHUP)
    assert ended(process, within=200)[0] == 0
    assert events_of(tmp_path)[-1]["event"] == "study_ended"


@pytest.mark.parametrize("name", ["gcs_server", pytest.param("raylet", marks=pytest.mark.slow)])
def test_a_study_that_loses_a_part_of_ray_says_so_within_a_minute(name: str, awkward: Path) -> None:
    process = start(awkward, *LONG)
    wait_until(process, has(awkward, "trial_started"))
    (lost,) = named(process, name)
    lost.kill()
    status, _, err = ended(process)
    assert status == 3
    assert f"error: Ray's {name} (process {lost.pid}) has ended, killed by SIGKILL; its logs: /" in err
    assert f"nothing is lost. To go on:\n  python -m study.launch --resume s --study-dir '{awkward}'\n" in err
    assert events_of(awkward)[-1]["event"] == "study_stopped"


def test_a_study_whose_process_is_killed_says_so(awkward: Path) -> None:
    process = start(awkward, *LONG)
    wait_until(process, has(awkward, "study_started"))
    psutil.Process(process.pid).children()[0].kill()
    status, _, err = ended(process)
    assert status == 3
    assert "error: the study's process was ended by SIGKILL; the kernel does so when memory is short" in err
    assert events_of(awkward)[-1]["event"] == "study_stopped"


BROKEN = """
from study.driver import Driver
from study.launch import command
from trainables.output import run_command
def broken(self, number, report):
    raise ZeroDivisionError("by design\\nof two lines")
Driver.reported = broken
run_command(command, prints_result=False)
"""


def test_an_error_that_nobody_foresaw_is_told_in_one_line(awkward: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", BROKEN, "--study-dir", str(awkward), *LONG], cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    wait_until(process, has(awkward, "trial_started"))
    status, _, err = ended(process, within=200)
    log = awkward / "s" / "logs" / "session.log"
    resume = f"python -m study.launch --resume s --study-dir '{awkward}'"
    reason = f"ZeroDivisionError: by design; the traceback is in {log}"
    assert (status, err) == (3, f"error: {reason}\nnothing is lost. To go on:\n  {resume}\n")
    assert "in broken" in log.read_text()
    assert (events_of(awkward)[-1]["event"], events_of(awkward)[-1]["reason"]) == ("study_stopped", reason)


@pytest.mark.slow
def test_a_hung_worker_is_killed_when_its_time_is_up(tmp_path: Path) -> None:
    process = start(tmp_path, *REQUEST, "--num-samples", "3", "--set", "training.epochs=60", "--trial-timeout", "15")
    wait_until(process, has(tmp_path, "trial_started"))
    pid = next(event["pid"] for event in events_of(tmp_path) if event["event"] == "trial_started")
    psutil.Process(pid).suspend()
    status, out, err = ended(process, within=240)
    assert (status, err) == (0, "")
    states = [event["state"] for event in events_of(tmp_path) if event["event"] == "trial_ended"]
    assert sorted(states) == ["completed", "completed", "timed-out"]
    assert "its time was up and its worker did not end it: the worker hung and was killed" in out


@pytest.fixture
def long_folder() -> Iterator[Path]:
    """A temporary folder whose path is too long for Ray's sockets."""
    folder = Path("/tmp") / f"study-{os.getpid()}" / ("a" * 70)
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder.parent)


SMALL = [*REQUEST, "--num-samples", "1", "--set", "training.epochs=1", "--set", "refinement.iterations=1"]


@pytest.mark.slow
def test_a_temporary_folder_with_a_long_path_is_no_hindrance(tmp_path: Path, long_folder: Path) -> None:
    status, _, err = ended(start(tmp_path, *SMALL, TMPDIR=str(long_folder)), within=200)
    assert (status, err) == (0, "")


def test_without_a_home_the_token_is_in_the_environment(tmp_path: Path) -> None:
    status, out, err = ended(start(tmp_path, *SMALL, HOME="/proc/none"), within=200)
    assert (status, err) == (0, "")
    assert "sign in with the token in RAY_AUTH_TOKEN" in out


def test_too_few_open_files_are_refused_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "study.launch", "--study-dir", str(tmp_path), *SMALL]
    done = subprocess.run(["bash", "-c", 'ulimit -n 64; exec "$0" "$@"', *command], cwd=ROOT, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 2
    assert "error: ulimit -n: Ray needs at least 256 open files, the limit is 64; raise it\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert events_of(tmp_path)[-1]["event"] == "study_stopped"


@pytest.mark.slow
@pytest.mark.parametrize("what", ["-m http.server --bind 127.0.0.1 {port}", "-c {silent}"])
def test_an_address_that_is_no_ray_is_refused_within_a_minute(what: str, tmp_path: Path) -> None:
    port = 23_000 + os.getpid() % 1_000
    silent = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(300)"
    arguments = [part.format(port=port, silent=silent) for part in what.split()]
    server = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(2)
        began = time.monotonic()
        status, _, err = ended(start(tmp_path, *SMALL, "--address", f"127.0.0.1:{port}"), within=100)
        assert time.monotonic() - began < 60
        assert status == 2
        assert f"error: --address: no Ray cluster has answered at '127.0.0.1:{port}' within 45 s" in err
        assert f"--resume s --study-dir {tmp_path} --address 127.0.0.1:{port}" in err
    finally:
        server.kill()
        server.wait()


def test_all_ports_of_a_running_study_are_on_the_loopback_and_the_token_is_private(tmp_path: Path) -> None:
    process = start(tmp_path, *LONG, HOME=str(tmp_path))
    wait_until(process, has(tmp_path, "iteration"))
    listening = []
    for one in family(process):
        with contextlib.suppress(psutil.Error):
            connections = [c for c in one.net_connections() if c.status == psutil.CONN_LISTEN]
            listening += [(one.name(), c.laddr.ip, c.laddr.port) for c in connections]
    process.send_signal(signal.SIGINT)
    ended(process)
    assert len(listening) >= 8
    assert [each for each in listening if each[1].removeprefix("::ffff:") not in ("127.0.0.1", "::1")] == []
    assert (tmp_path / ".ray" / "auth_token").stat().st_mode & 0o777 == 0o600


def test_a_reader_that_has_seen_enough_stops_no_study(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "study.launch", "--study-dir", str(tmp_path), *SMALL]
    line = '"$0" "$@" | head -3; exit ${PIPESTATUS[0]}'
    done = subprocess.run(["bash", "-c", line, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert events_of(tmp_path)[-1]["event"] == "study_ended"


HOG = "import time; taken = bytearray({size}); taken[::4096] = b'1' * len(taken[::4096]); time.sleep(20)"


@pytest.mark.slow
def test_a_worker_that_is_ended_for_want_of_memory_costs_a_retry_and_the_study_goes_on(tmp_path: Path) -> None:
    memory = psutil.virtual_memory()
    size = 4 * 2**30
    if memory.available < 2.5 * size:
        pytest.skip("takes 4 GiB for some seconds")
    threshold = 1 - (memory.available - 0.75 * size) / memory.total
    arguments = [*REQUEST, "--num-samples", "4", "--set", "training.epochs=200"]
    environment = {"RAY_memory_usage_threshold": f"{threshold:.3f}", "RAY_memory_monitor_refresh_ms": "100"}
    process = start(tmp_path, *arguments, **environment)
    wait_until(process, has(tmp_path, "iteration"))
    subprocess.run([sys.executable, "-c", HOG.format(size=size)], check=True)
    status, _, err = ended(process, within=300)
    events = events_of(tmp_path)
    assert (status, err) in ((0, ""), (1, ""))
    assert events[-1]["event"] == "study_ended"
    reasons = [event["reason"] for event in events if event["event"] == "trial_retried"]
    assert reasons
    assert all("the memory of its node was short (" in reason for reason in reasons)
    ends = [event for event in events if event["event"] == "trial_ended"]
    assert len(ends) == 4
    assert {event["state"] for event in ends} <= {"completed", "out-of-memory"}
