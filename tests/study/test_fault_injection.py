"""The command in real processes that are really killed: ``make test-faults``. Prints what was lost and ran twice."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from study.execution.cluster import LOCAL_ENVIRONMENT
from tests.ray_clusters import head_without_cpus
from tests.study.ledgers import read_events, records_of
from tests.study.test_launch import ROOT, finish, outcomes, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

REQUEST = [
    "--dataset", "simulated", "--name", "s", "--num-samples", "10", "--seed", "3", "--pruner", "median",
    "--set", "compute.device=cpu", "--set", "training.epochs=6", "--set", "refinement.patience=null",
]  # fmt: skip

# Between "iteration recorded", "trial recorded" and "search told", and at the other lines of a trial.
POINTS = [
    "trial_proposed recorded:1", "trial_started recorded:1", "iteration recorded:1", "iteration recorded:2",
    "trial_ended recorded:1", "search told:1", "trial_proposed recorded:2", "iteration recorded:3",
    "trial_started recorded:2", "trial_ended recorded:1", "search told:2", "iteration recorded:1",
    "trial_ended recorded:2", "trial_proposed recorded:1", "search told:1", "iteration recorded:2",
]  # fmt: skip
RANDOM_KILLS = 8


def start(study_dir: Path, *arguments: str, fault: str | None = None) -> subprocess.Popen[str]:
    environment = os.environ | ({"STUDY_FAULT": fault} if fault else {})
    return subprocess.Popen(
        [sys.executable, "-m", "study.launch", "--study-dir", str(study_dir), *arguments],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def kill(process: subprocess.Popen[str]) -> None:
    """The driver first, then the rest of its session: in a power cut they die together."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    study_dir = tmp_path_factory.mktemp("reference")
    status, _, err = finish(start(study_dir, *REQUEST, "--max-concurrent", "1"))
    assert status == 0, err
    return outcomes(study_dir)


def session(study_dir: Path) -> list[str]:
    return ["--resume", "s"] if (study_dir / "s" / "study.json").exists() else REQUEST


def test_killed_at_any_instant_nothing_is_lost_and_nothing_finished_runs_again(
    tmp_path: Path, reference: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = tmp_path / "s" / "ledger.jsonl"
    killed_at: list[str] = []
    for point in POINTS:
        process = start(tmp_path, *session(tmp_path), fault=point)
        process.communicate(timeout=200)
        if process.returncode == -signal.SIGKILL:
            killed_at.append(point)
        kill(process)
    order = random.Random(0)
    for _ in range(RANDOM_KILLS):
        known = len(read_events(ledger)[0])
        process = start(tmp_path, *session(tmp_path))
        with contextlib.suppress(AssertionError):  # it may have ended
            wait_for(tmp_path, process, lambda events: len(events) > known)  # noqa: B023 (called in this round)
        time.sleep(order.uniform(0, 0.8))
        if process.poll() is None:
            killed_at.append("at random")
        kill(process)
    status, _, err = finish(start(tmp_path, "--resume", "s"))
    assert status == 0, err

    events, problems = read_events(ledger)
    assert [trial[:8] for trial in outcomes(tmp_path)] == [trial[:8] for trial in reference]
    again = [
        event for n, event in enumerate(events)
        if event["event"] != "trial_ended"
        and any(e["event"] == "trial_ended" and e["trial"] == event.get("trial") for e in events[:n])
    ]  # fmt: skip
    ends = [event["trial"] for event in events if event["event"] == "trial_ended"]
    restarts = sum(event["event"] == "trial_started" for event in events) - len(ends)
    with capsys.disabled():
        print(f"\n{len(killed_at)} kills of the driver; lost: 0 of {len(ends)} trials; finished trials run again: "
              f"{len(again)}; unfinished trials gone on with: {restarts}; damaged lines: {len(problems)}")  # fmt: skip
    assert len(killed_at) >= 20
    assert again == []
    assert len(ends) == len(set(ends)) == 10


@pytest.mark.parametrize("workers", ["2", "4"])
def test_more_workers_give_the_same_ledger(tmp_path: Path, reference: list[Any], workers: str) -> None:
    places = ["--max-concurrent", workers, "--set", "compute.threads=1"]
    status, _, err = finish(start(tmp_path, *REQUEST, *places))
    assert status == 0, err
    assert outcomes(tmp_path) == reference


def test_without_shared_base_models_the_numbers_are_the_same(tmp_path: Path, reference: list[Any]) -> None:
    status, out, err = finish(start(tmp_path, *REQUEST, "--no-shared-base"))
    assert status == 0, err
    assert "compute saved" not in out
    assert outcomes(tmp_path) == reference


def test_a_killed_worker_costs_nothing(tmp_path: Path, reference: list[Any]) -> None:
    process = start(tmp_path, *REQUEST)
    events = wait_for(tmp_path, process, lambda events: any(e.get("report", {}).get("iteration") == 1 for e in events))
    os.kill(next(event["pid"] for event in events if event["event"] == "trial_started"), signal.SIGKILL)
    status, _, err = finish(process)
    assert (status, err) == (0, "")
    assert outcomes(tmp_path) == reference


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 KB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)], capture_output=True
    ).returncode:
        pytest.skip("mounting a file system takes root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_stops_the_study_cleanly_and_it_goes_on_when_there_is_room(
    tiny_disk: Path, reference: list[Any]
) -> None:
    status, _, err = finish(start(tiny_disk, *REQUEST))
    assert status == 3, err
    assert err.startswith("error: ")
    assert "No space left on device" in err
    assert "--resume s" in err
    assert "Traceback" not in err
    finished = [r.number for r in records_of(tiny_disk / "s" / "ledger.jsonl") if r.finished]
    subprocess.run(["mount", "-o", "remount,size=50m", str(tiny_disk)], check=True)
    status, _, err = finish(start(tiny_disk, "--resume", "s"))
    assert status == 0, err
    events, _ = read_events(tiny_disk / "s" / "ledger.jsonl")
    assert [r.iterations[-1].without_times() for r in records_of(tiny_disk / "s" / "ledger.jsonl")] == [
        trial[7][-1] for trial in reference
    ]
    for number in finished:
        assert [e["event"] for e in events if e.get("trial") == number].count("trial_started") == 1


@pytest.fixture
def without_permission(tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Makes a folder in which nobody may write, root included, until the next call."""
    locked: list[Path] = []

    def change(folder: Path) -> None:
        while locked:
            subprocess.run(["chattr", "-i", str(locked.pop())], check=True)
        if folder.exists() and not subprocess.run(["chattr", "+i", str(folder)], capture_output=True).returncode:
            locked.append(folder)
        elif folder.exists():
            pytest.skip("this file system has no immutable folders, or they take root")

    yield change
    change(tmp_path / "nothing")


def test_a_worker_that_may_not_write_stops_the_study_and_its_trials_go_on_later(
    tmp_path: Path, reference: list[Any], without_permission: Callable[[Path], None]
) -> None:
    process = start(tmp_path, *REQUEST)
    wait_for(tmp_path, process, lambda events: any(e.get("report", {}).get("iteration") == 1 for e in events))
    without_permission(tmp_path / "s" / "predictions")
    status, _, err = finish(process)
    assert status == 3, err
    assert err.startswith("error: ")
    assert "Operation not permitted" in err
    assert "predictions" in err
    assert "Traceback" not in err
    records = records_of(tmp_path / "s" / "ledger.jsonl")
    assert {record.state for record in records} <= {"completed", "running", "proposed"}
    without_permission(tmp_path / "nothing")
    status, _, err = finish(start(tmp_path, "--resume", "s"))
    assert status == 0, err
    assert outcomes(tmp_path) == reference


def test_a_folder_that_cannot_be_written_to_is_refused(tiny_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    status, _, err = finish(start(tiny_disk, *REQUEST))
    assert status == 2
    assert err.startswith("error: --study-dir: ")


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head without a CPU, for nodes in processes of their own."""
    with head_without_cpus() as made:
        yield made


def test_a_killed_node_costs_nothing(tmp_path: Path, reference: list[Any], cluster: Any) -> None:
    nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
    process = start(tmp_path, *REQUEST, "--address", cluster.address)
    wait_for(tmp_path, process, lambda events: sum(event["event"] == "trial_started" for event in events) >= 3)
    cluster.remove_node(nodes[0], allow_graceful=False)
    status, out, err = finish(process)
    assert status == 0, err
    assert "2 trials at a time on 2 cores" in out
    assert outcomes(tmp_path) == reference


@pytest.fixture
def blind_node(tmp_path: Path, cluster: Any) -> Iterator[None]:
    """A further node, named blind, in whose mount namespace another file system lies over the study's folder."""
    ray = f"{sys.executable} -m ray.scripts.scripts"
    start_node = f"exec {ray} start --address={cluster.address} --num-cpus=1 --node-name=blind --block"
    # A Ray that was started in this process before has left what it is told of a machine of its own.
    environment = {name: value for name, value in os.environ.items() if name not in LOCAL_ENVIRONMENT}
    process = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", f"mount -t tmpfs tmpfs {tmp_path} && echo mounted && {start_node}"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, env=environment,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        if said != "mounted\n":
            pytest.skip(f"a mount namespace takes root: {said.strip()}")
        for line in process.stdout:
            said += line
            if "Ray runtime started" in line:
                break
        assert "Ray runtime started" in said, said
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs util-linux's unshare")
def test_a_node_that_does_not_see_the_study_is_refused_by_name(tmp_path: Path, cluster: Any, blind_node: None) -> None:
    cluster.add_node(num_cpus=1)
    status, out, err = finish(start(tmp_path, *REQUEST, "--address", cluster.address))
    assert (status, err) == (
        2, f"error: --study-dir: {tmp_path / 's'} is not seen by blind; choose a --study-dir that all nodes share\n"
    )  # fmt: skip
    assert "t0000" not in out


def test_a_cluster_is_probed_for_the_memory_of_a_trial_and_a_logical_gpu_is_said_to_be_none(
    tmp_path: Path, cluster: Any
) -> None:
    cluster.add_node(num_cpus=2, num_gpus=1)
    small = ["--dataset", "simulated", "--name", "s", "--num-samples", "2", "--set", "training.epochs=2"]
    status, out, err = finish(start(tmp_path, *small, "--address", cluster.address))
    assert status == 0, err
    (session,) = (e["session"] for e in read_events(tmp_path / "s" / "ledger.jsonl")[0] if "session" in e)
    memory = session["placement"]["memory"]
    assert memory["estimated_bytes"] > 0
    if memory["measured_bytes"] is None:
        assert "not measured: the probe found no CUDA device on " in out
        assert "1 trial at a time on 2 cores, 1 GPU; each: 1 CPU, 1 thread, 1 GPU" in out


def test_tensorboard_finds_the_trials_when_asked_to(tmp_path: Path, reference: list[Any]) -> None:
    pytest.importorskip("tensorboardX")
    status, _, err = finish(start(tmp_path, *REQUEST, "--log-to", "tensorboard"))
    assert (status, err) == (0, "")
    files = list((tmp_path / "s" / "tensorboard").glob("t*/events.out.tfevents.*"))
    assert len({file.parent for file in files}) == 10
    assert b"ray/tune/report/best_so_far" in files[0].read_bytes()
    assert outcomes(tmp_path) == reference


def test_mlflow_finds_the_trials_when_asked_to(tmp_path: Path, reference: list[Any]) -> None:
    mlflow = pytest.importorskip("mlflow")
    status, _, err = finish(start(tmp_path, *REQUEST, "--num-samples", "3", "--log-to", "mlflow"))
    assert (status, err) == (0, "")
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path / 's' / 'mlflow.db'}")
    runs = client.search_runs([client.get_experiment_by_name("s").experiment_id])
    assert len(runs) == 3
    assert all("report/best_so_far" in run.data.metrics for run in runs)
    assert outcomes(tmp_path) == reference[:3]
