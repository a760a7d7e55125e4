from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from study.cli.stops import append_event, describe_stop
from study.execution.cluster import RayFailure
from study.ledger.folder import StudyFolder
from study.ledger.ledger_file import read_ledger
from study.ledger.study_events import StudyStopped
from study.signals import Stopped
from trainables.errors import UserError

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/s/ledger.jsonl")


@pytest.mark.parametrize(
    ("error", "line", "status"),
    [
        (KeyboardInterrupt(), "stopped by SIGINT", 130),
        (Stopped(signal.SIGTERM), "stopped by SIGTERM", 143),
        (UserError("--address: no"), "--address: no", 2),
        (FULL, "/data/s/ledger.jsonl: No space left on device; the study stops until that is mended", 3),
        (RayFailure("Ray did not start"), "Ray did not start", 3),
    ],
)
def test_each_kind_of_stop_has_its_line_and_its_status(
    tmp_path: Path, error: BaseException, line: str, status: int
) -> None:
    assert describe_stop(error, StudyFolder(tmp_path)) == (line, status)
    assert not (tmp_path / "logs").exists()


def test_an_error_that_nobody_expected_keeps_its_traceback_in_a_file(tmp_path: Path) -> None:
    line, status = describe_stop(ValueError("first\nlast\n\n"), StudyFolder(tmp_path))
    log = tmp_path / "logs" / "session.log"
    assert (line, status) == (f"ValueError: first; the traceback is in {log}", 3)
    assert log.read_text().endswith("ValueError: first\nlast\n\n\n")


def test_an_event_is_appended_to_the_ledger_as_it_is(tmp_path: Path) -> None:
    for reason in ("SIGTERM", "SIGHUP"):
        append_event(StudyFolder(tmp_path), StudyStopped(reason))
    events = read_ledger(tmp_path / "ledger.jsonl").events
    assert [(event.seq, event.reason) for event in events if isinstance(event, StudyStopped)] == [
        (1, "SIGTERM"), (2, "SIGHUP"),
    ]  # fmt: skip
