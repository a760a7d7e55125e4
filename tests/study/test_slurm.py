"""docs/slurm/study.sh under a real Slurm on this machine: time limit, requeue, resume, arrays."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.study.ledgers import read_events
from tests.study.test_launch import ROOT, finish, outcomes, start

SCRIPT = ROOT / "docs" / "slurm" / "study.sh"
STUDY = ["--dataset", "spoken-digits", "--num-samples", "80", "--seed", "3", "--set", "compute.device=cpu"]
BRIEF = ["--dataset", "simulated", "--num-samples", "1", "--set", "compute.device=cpu"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("slurmctld") is None, reason="Slurm (slurm-wlm) is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="the daemons of Slurm are started as root"),
]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def slurm_conf(home: Path) -> str:
    host = socket.gethostname()
    return f"""ClusterName=test
SlurmctldHost={host}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={home}/munge
CryptoType=crypto/munge
StateSaveLocation={home}/state
SlurmdSpoolDir={home}/spool
SlurmctldPidFile={home}/slurmctld.pid
SlurmdPidFile={home}/slurmd.pid
SlurmctldLogFile={home}/slurmctld.log
SlurmdLogFile={home}/slurmd.log
SlurmctldPort={free_port()}
SlurmdPort={free_port()}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
MpiDefault=none
KillWait=10
NodeName={host} CPUs=2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    """One node that is head and worker; its commands speak to no other cluster."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {
            **os.environ,
            "SLURM_CONF": str(home / "slurm.conf"),
            "STUDY_DIR": str(home / "studies"),
            "VENV": sys.prefix,
            "PYTHONPATH": str(ROOT),
        }

    def run(self, *command: str, check: bool = True) -> str:
        done = subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, check=check, timeout=60
        )
        return done.stdout.strip()

    def submit(self, *arguments: str) -> str:
        """Number of the job that ``sbatch`` made."""
        return self.run("sbatch", "--parsable", f"--output={self.home}/%j.out", *arguments)

    def wait(self, job: str, limit_s: float = 600) -> int:
        """Until a job has left the queue; how often it was put back. It starts again at once, not after two minutes."""
        deadline, requeued, before = time.monotonic() + limit_s, 0, ""
        while state := self.run("squeue", "--noheader", "--jobs", job, "--format=%T", check=False):
            assert time.monotonic() < deadline, self.log(job)
            if state == "PENDING" and before == "RUNNING":
                requeued += 1
            if state == "PENDING":
                self.run("scontrol", "update", f"jobid={job}", "StartTime=now", check=False)
            before = state
            time.sleep(0.5)
        return requeued

    def log(self, job: str) -> str:
        path = self.home / f"{job}.out"
        return path.read_text() if path.exists() else ""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    home = tmp_path_factory.mktemp("slurm")
    for parent in (home, *home.parents[:2]):
        parent.chmod(0o755)  # munge refuses a socket below a private folder
    for name in ("state", "spool", "studies"):
        (home / name).mkdir()
    (home / "key").write_bytes(os.urandom(1024))
    (home / "key").chmod(0o600)
    (home / "slurm.conf").write_text(slurm_conf(home))
    made = Slurm(home)
    files = {
        "socket": "munge",
        "key-file": "key",
        "pid-file": "munged.pid",
        "log-file": "munged.log",
        "seed-file": "seed",
    }
    made.run("munged", "--force", *(f"--{option}={home}/{name}" for option, name in files.items()))
    made.run("slurmctld")
    made.run("slurmd")
    try:
        deadline = time.monotonic() + 60
        while "idle" not in made.run("sinfo", "--noheader", "--format=%t", check=False):
            assert time.monotonic() < deadline, "the node did not come up"
            time.sleep(0.5)
        yield made
    finally:
        made.run("scancel", "--user=root", check=False)
        for name in ("slurmd", "slurmctld", "munged"):
            pid = home / f"{name}.pid"
            if pid.exists():
                subprocess.run(["kill", pid.read_text().strip()], check=False)


def events_of(study_dir: Path, name: str) -> list[str]:
    events, problems = read_events(study_dir / name / "ledger.jsonl")
    assert problems == []
    return [event["event"] for event in events]


def test_a_study_goes_on_over_time_limits_to_the_undisturbed_numbers(slurm: Slurm, tmp_path: Path) -> None:
    job = slurm.submit("--time=1", "--signal=B:USR1@5", "--cpus-per-task=2", str(SCRIPT), "s", *STUDY)
    requeued = slurm.wait(job)
    happened = events_of(slurm.home / "studies", "s")
    assert requeued >= 1, slurm.log(job)
    assert happened.count("study_stopped") >= 1
    assert happened.count("study_ended") == 1
    assert "goes back into the queue" in slurm.log(job)
    status, _, err = finish(start(tmp_path, *STUDY, "--name", "s"))
    assert status == 0, err
    assert outcomes(slurm.home / "studies") == outcomes(tmp_path)


def test_each_task_of_an_array_is_a_study_on_its_own_seed(slurm: Slurm) -> None:
    job = slurm.submit("--array=0-1", "--time=30", "--cpus-per-task=1", str(SCRIPT), "a", *BRIEF)
    slurm.wait(job)
    for seed in (0, 1):
        events, _ = read_events(slurm.home / "studies" / f"a-{seed}" / "ledger.jsonl")
        assert events[-1]["event"] == "study_ended"
        assert next(event["seed"] for event in events if event["event"] == "trial_proposed") == seed


def test_a_time_limit_that_no_iteration_fits_into_is_told_instead_of_going_round_for_ever(slurm: Slurm) -> None:
    long = ["--set", "training.epochs=100000", "--set", "training.early_stopping=null"]
    job = slurm.submit("--time=1", "--signal=B:USR1@20", "--cpus-per-task=1", str(SCRIPT), "l", *BRIEF, *long)
    assert slurm.wait(job) == 0
    assert "no iteration of study l ended within the job's time" in slurm.log(job)


def test_a_wrong_request_leaves_the_queue_with_the_error(slurm: Slurm) -> None:
    job = slurm.submit("--time=30", "--cpus-per-task=1", str(SCRIPT), "w", "--dataset", "thumos15")
    assert slurm.wait(job) == 0
    assert "no data set 'thumos15'" in slurm.log(job)
