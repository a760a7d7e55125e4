"""Why a study stops before its end: one line and an exit status for whatever was raised."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING

from study.cli.supervisor import STOPPED_STATUS
from study.ledger import Event, Ledger, StudyFolder, StudyStopped
from study.signals import Stopped, stop_status
from trainables.errors import UserError
from trainables.output import WRONG_REQUEST, print_error

if TYPE_CHECKING:
    from study.driver import Driver


def tell_stop(error: BaseException, folder: StudyFolder, resume: str, driver: Driver | None) -> int:
    """Write why the study stops before its end, and say how it goes on; returns the exit status.

    resume: the command. driver: None where it could not be made.
    """
    line, status = describe_stop(error, folder)
    stopped = StudyStopped(error.args[0] if isinstance(error, Stopped) else line)
    # Where the folder takes no more lines, the ledger ends with its last whole one, and the printed line says why.
    with contextlib.suppress(OSError):
        if driver is not None:
            driver.note(stopped)
        else:
            append_event(folder, stopped)
    if isinstance(error, KeyboardInterrupt):
        finished = "" if driver is None else f" with {driver.num_finished} of {driver.study.num_trials} trials finished"
        print(f"\n{line}{finished}; nothing is lost. To go on:\n  {resume}")
    else:
        print_error(line)
        if not isinstance(error, UserError):  # its line says what to change in the command
            print(f"nothing is lost. To go on:\n  {resume}", file=sys.stderr)
    return status


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
    log = folder.path / "logs" / "session.log"
    with contextlib.suppress(OSError):
        log.parent.mkdir(exist_ok=True)
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return f"{_name_and_reason(_behind(error))}; the traceback is in {log}", STOPPED_STATUS


def _behind(error: BaseException) -> BaseException:
    """What was raised inside of Ray, which wraps it."""
    while type(error).__module__.startswith("ray.") and (cause := error.__cause__ or error.__context__):
        error = cause
    return error


def _name_and_reason(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    # The text of Ray's own errors is a traceback.
    return f"{type(error).__name__}: {lines[-1 if type(error).__module__.startswith('ray.') else 0]}"


def append_event(folder: StudyFolder, event: Event) -> None:
    """One line of the ledger, for a process that holds the study's lock and has no driver."""
    ledger = Ledger(folder.ledger_file)
    ledger.append(event)
    ledger.close()
