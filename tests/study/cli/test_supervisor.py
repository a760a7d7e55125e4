from __future__ import annotations

from pathlib import Path

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
