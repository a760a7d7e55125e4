from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from study.cli.supervisor import Supervisor, note_stopped
from study.ledger.folder import StudyFolder
from study.ledger.ledger_file import read_ledger
from study.ledger.lock import lock
from study.ledger.study_events import StudyStopped


def test_the_reason_of_a_sudden_end_is_noted_unless_another_driver_has_gone_on(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    with lock(folder):
        note_stopped(folder, "too late")
    note_stopped(folder, "killed")
    assert [event.reason for event in read_ledger(folder.ledger_file).events if isinstance(event, StudyStopped)] == [
        "killed"
    ]


def test_without_a_parent_nothing_is_told(tmp_path: Path) -> None:
    supervisor = Supervisor()
    supervisor.study_began(tmp_path, "resume")
    supervisor.doing("work")
    supervisor.end_told(0)
    with supervisor.limit(60.0, "never"):
        pass
    assert list(tmp_path.iterdir()) == []


LEAVE = """
import atexit, os, sys
from study.cli.supervisor import supervised
from trainables.output import run_command

class Freed:
    def __del__(self, mark=os.mkdir):
        mark("freed")

def command(supervisor):
    atexit.register(print, "what was to be done at the end")
    sys.modules["kept"] = Freed()
    print("worked")
    {end}

run_command(lambda: supervised(command))
"""


@pytest.mark.parametrize(
    ("end", "status", "said", "freed"),
    [
        ("return 3", 3, "", False),
        ("raise RuntimeError('unforeseen')", 1, "unforeseen", True),
        ("sys.exit(4)", 4, "", True),
    ],
)
def test_the_child_leaves_with_its_status_when_all_is_done(
    tmp_path: Path, end: str, status: int, said: str, freed: bool
) -> None:
    """And frees nothing one by one, where it has returned a status."""
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-c", LEAVE.replace("{end}", end)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.stdout.splitlines() == ["worked", "what was to be done at the end"]
    assert said in done.stderr
    assert (done.returncode, (tmp_path / "freed").exists()) == (status, freed)
