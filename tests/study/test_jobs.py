"""A study as a job of a real Ray cluster: followed, left, stopped, resumed; and a cluster that does not let us in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from study.status import study_status
from tests.ray_clusters import RAY, head_with_dashboard
from tests.study.test_launch import ROOT, outcomes
from tests.study.test_stops import events_of

REQUEST = ["--dataset", "simulated", "--name", "s", "--seed", "3", "--set", "compute.device=cpu", "--num-samples", "3"]
LONG = [*REQUEST, "--set", "training.epochs=800", "--set", "training.early_stopping=null"]

pytestmark = pytest.mark.timeout(600)


def launch(*arguments: str, folder: Path, **environment: str) -> subprocess.Popen[str]:
    """As a user types it, in ``folder``."""
    return subprocess.Popen(
        [sys.executable, "-m", "study.launch", *arguments], cwd=folder, text=True, start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of the dashboard of a cluster of one node."""
    with head_with_dashboard(ROOT) as head:
        yield head.dashboard


def ray_job(address: str, *arguments: str) -> str:
    done = subprocess.run(
        [str(RAY), "job", arguments[0], "--address", address, *arguments[1:]],
        env=os.environ | {"RAY_AUTH_MODE": "token"}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def wait_until(reached: Callable[[], Any], seconds: float = 200) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "not reached"
        time.sleep(0.1)


@pytest.mark.slow
def test_a_job_is_left_stopped_and_resumed_to_the_undisturbed_numbers(address: str, tmp_path: Path) -> None:
    studies = tmp_path / "studies"
    process = launch(*LONG, "--submit", address, folder=tmp_path)
    wait_until(lambda: process.poll() or any(event["event"] == "iteration" for event in events_of(studies)))
    assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "detached; study s goes on." in out
    assert "python -m study.status s" in out
    assert study_status(studies, "s")["state"] == "running"
    assert "'study': 's'" in ray_job(address, "list")
    assert "'dataset': 'simulated'" in ray_job(address, "list")

    ray_job(address, "stop", "s")
    wait_until(lambda: events_of(studies)[-1]["event"] == "study_stopped", 40)
    assert events_of(studies)[-1]["reason"] == "SIGTERM"
    assert study_status(studies, "s")["state"] == "stopped"
    assert "nothing is lost. To go on:" in ray_job(address, "logs", "s")

    process = launch("--resume", "s", "--submit", address, folder=tmp_path)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, "")
    assert "3 completed" in out
    assert "s-2" in ray_job(address, "list")
    alone = launch(*LONG, "--study-dir", str(tmp_path / "alone"), folder=tmp_path)
    assert alone.wait(timeout=300) == 0
    assert outcomes(studies) == outcomes(tmp_path / "alone")


@pytest.mark.slow
def test_a_wrong_request_ends_with_the_status_and_the_line_of_its_driver(address: str, tmp_path: Path) -> None:
    process = launch("--dataset", "thumos15", "--name", "w", "--submit", address, folder=tmp_path)
    out, _ = process.communicate(timeout=200)
    assert process.returncode == 2
    assert "no data set 'thumos15'" in out


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [{"HOME": "/nowhere"}, {"RAY_AUTH_TOKEN": "wrong"}])
def test_a_cluster_that_asks_for_a_token_is_told_in_a_line(address: str, tmp_path: Path, wrong: dict[str, str]) -> None:
    process = launch(*REQUEST, "--submit", address, folder=tmp_path, **wrong)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err == (
        f"error: --submit: the cluster at '{address}' asks for its token; "
        "set RAY_AUTH_TOKEN (there: ray get-auth-token)\n"
    )
