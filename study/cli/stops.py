"""Why a study stops before its end: one line and an exit status for whatever was raised."""

from __future__ import annotations

import contextlib
import os
import signal
import traceback

from study.cli.supervisor import STOPPED_STATUS
from study.ledger import Event, Ledger, StudyFolder
from study.signals import stop_status
from trainables.errors import UserError
from trainables.output import WRONG_REQUEST


def describe_stop(error: BaseException, folder: StudyFolder) -> tuple[str, int]:
    """The line for the user, without the remedy, and the exit status."""
    if isinstance(error, KeyboardInterrupt):
        number = getattr(error, "number", signal.SIGINT)
        return f"stopped by {signal.Signals(number).name}", stop_status(number)
    if isinstance(error, UserError):
        return str(error), WRONG_REQUEST
    if isinstance(error, OSError) and error.errno is not None:
        where = error.filename or folder.path
        return f"{where}: {os.strerror(error.errno)}; the study stops until that is mended", STOPPED_STATUS
    if type(error).__name__ == "RayFailure":  # not imported here: where there is no Ray there is no such error
        return str(error), STOPPED_STATUS
    reason = next((line for line in reversed(str(error).splitlines()) if line.strip()), "").strip()
    log = folder.path / "logs" / "session.log"
    with contextlib.suppress(OSError):
        log.parent.mkdir(exist_ok=True)
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return f"{type(error).__name__}: {reason}; the traceback is in {log}", STOPPED_STATUS


def append_event(folder: StudyFolder, event: Event) -> None:
    """One line of the ledger, for a process that holds the study's lock and has no driver."""
    ledger = Ledger(folder.ledger_file)
    ledger.append(event)
    ledger.close()
