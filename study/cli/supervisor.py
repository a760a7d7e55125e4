"""The process that a user starts: it runs the command in a child of its own, and has the last word.

Ray ends the process that uses it without asking: after a signal to all processes of a batch job, when its raylet or
its control store (GCS) is lost, when C++ code aborts. So may the kernel where memory is short. What is left to do then
is done here, by a process that has imported neither Ray nor torch: the ledger's last event, the line for the user.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from study.fault_injection import dies_too
from study.ledger import Ledger, StudyFolder, StudyStopped, lock
from study.process_tree import children_of
from study.signals import StopSignals, heeded_signals, stop_status
from trainables.errors import UserError
from trainables.output import detach_output, print_error

STOPPED_STATUS = 3
STOP_S = 20.0  # Slurm kills what is left 30 s after its SIGTERM
STOP_AT_ONCE_S = 3.0  # after a second signal
ORPHANS_S, ORPHANS_END_S = 1.0, 10.0  # what they keep is written whole or not at all
PARENT_S = 0.1  # how often the child looks at its parent
CONTINUE_S = 2.0
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # prctl(2)
LATE_SIGNAL_S = 1.0  # a loss that is the first sign of a signal to all processes


@dataclass(frozen=True)
class ChildReport:
    """What the child has reported through the pipe, a JSON object per line; None: not reported.

    folder: of the study that has begun. resume: the command that goes on with it. doing: what a sudden end would
    interrupt. ended: exit status of a study whose end is recorded and printed already. reason, status: why the child
    gives up, and with which exit status.
    """

    folder: str | None = None
    resume: str | None = None
    doing: str | None = None
    ended: int | None = None
    reason: str | None = None
    status: int | None = None

    def to_line(self) -> bytes:
        return (json.dumps({name: value for name, value in vars(self).items() if value is not None}) + "\n").encode()

    def updated(self, line: bytes) -> ChildReport:
        """With what a further line reports."""
        return replace(self, **json.loads(line))


@dataclass
class Supervisor:
    """What the child tells of itself. Without a pipe there is no parent: the methods then change nothing.

    process: the one to stop when the study is to be stopped.
    """

    pipe: int | None = None
    process: int = field(default_factory=os.getpid)
    signals: StopSignals = field(default_factory=StopSignals)

    def study_began(self, folder: Path, resume: str) -> None:
        """From now on, an end that nobody tells is written to this study's ledger. resume: the command."""
        self._send(ChildReport(folder=str(folder.absolute()), resume=resume))

    def doing(self, what: str) -> None:
        """What a sudden end interrupts."""
        self._send(ChildReport(doing=what))

    def end_told(self, status: int) -> None:
        """How the study ended is in the ledger and on the terminal; this is the exit status."""
        self._send(ChildReport(ended=status))

    @contextmanager
    def limit(self, seconds: float, reason: str, status: int = STOPPED_STATUS) -> Iterator[None]:
        """Give up where what is inside of the block, perhaps in C++ code, takes longer."""
        timer = threading.Timer(seconds, self.give_up, (reason, status))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def give_up(self, reason: str, status: int = STOPPED_STATUS) -> NoReturn:
        """End this process now, from any thread; the parent says why."""
        self._send(ChildReport(reason=reason, status=status))
        if self.pipe is None:
            print_error(reason)
        os._exit(status)

    def _send(self, report: ChildReport) -> None:
        if self.pipe is not None:
            os.write(self.pipe, report.to_line())


def supervised(command: Callable[[Supervisor], int]) -> int:
    """Run ``command`` in a child process; returns its exit status, or what stands for its sudden end."""
    heeded = heeded_signals()
    _adopt_orphans()
    signal.pthread_sigmask(signal.SIG_BLOCK, heeded)
    told, tell = os.pipe()
    alive, parent_lives = os.pipe()
    parent, child = os.getpid(), os.fork()
    if child:
        os.close(tell)
        os.close(alive)
        return _Watch(child, told, parent_lives).status(heeded)
    os.close(told)
    os.close(parent_lives)
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # at once, where there is such a thing
    threading.Thread(target=_follow_parent, args=(alive, parent), daemon=True).start()
    dies_too.append(parent)
    detach_output()
    supervisor = Supervisor(tell, parent)
    supervisor.signals.install()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, heeded)
    leaving = _Leaving()
    atexit.register(leaving)  # the first that is registered here is the last that is called
    leaving.status = command(supervisor)
    return leaving.status


class _Leaving:
    """Ends the process when all that is to be done at its end is done: Python would free, one by one, the objects of
    all that is imported (a second for Ray and torch)."""

    status: int | None = None

    def __call__(self) -> None:
        if self.status is None:
            return  # an exception: Python says so
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self.status)


def _follow_parent(alive: int, parent: int) -> None:
    """End with the parent, whose name the lock bears: who sees it gone may go on with the study. Stop when it is
    stopped, which it cannot pass on; it continues this process when it continues."""
    while not select.select([alive], [], [], PARENT_S)[0]:
        if _is_stopped(parent):
            os.kill(os.getpid(), signal.SIGSTOP)
    os.kill(os.getpid(), signal.SIGKILL)  # the other end is closed


def _is_stopped(process: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] == "T"
    return False


def _adopt_orphans() -> None:
    """Processes that the child leaves behind become children of this one, in place of init (Linux)."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):  # Linux alone has it
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def end_orphans() -> None:
    """End what is left of Ray where its own order to end did not reach it."""
    began = time.monotonic()
    while (left := children_of(os.getpid())) and time.monotonic() - began < ORPHANS_END_S:
        for process in left:
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                if time.monotonic() - began > ORPHANS_S:
                    os.kill(process, signal.SIGKILL)
                os.waitpid(process, os.WNOHANG)
        time.sleep(0.05)


class _Watch:
    """The parent's side."""

    def __init__(self, child: int, told: int, parent_lives: int) -> None:
        self._child, self._told, self._parent_lives = child, told, parent_lives
        self._report = ChildReport()
        self._asked: int | None = None
        self._deadline = float("inf")
        self._continued_until = 0.0

    def status(self, heeded: list[signal.Signals]) -> int:
        for number in heeded:
            signal.signal(number, self._forward)
        signal.signal(signal.SIGCONT, self._continue)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, heeded)
        self._listen()
        code = os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])
        end_orphans()
        return self._conclude(code)

    def _forward(self, number: int, frame: object) -> None:
        first = self._asked is None
        self._asked = self._asked or number
        left = STOP_S if first else STOP_AT_ONCE_S
        self._deadline = min(self._deadline, time.monotonic() + left)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, number)

    def _continue(self, number: int, frame: object) -> None:
        self._continued_until = time.monotonic() + CONTINUE_S

    def _listen(self) -> None:
        """Until the child has closed its end of the pipe, as a process does when it ends."""
        rest = b""
        while True:
            if time.monotonic() > self._deadline:
                os.kill(self._child, signal.SIGKILL)
                self._deadline = float("inf")
            if time.monotonic() < self._continued_until:  # the child may be about to stop itself
                os.kill(self._child, signal.SIGCONT)
            if not select.select([self._told], [], [], PARENT_S)[0]:
                continue
            content = os.read(self._told, 4096)
            if not content:
                return
            *lines, rest = (rest + content).split(b"\n")
            for line in lines:
                self._report = self._report.updated(line)

    def _conclude(self, code: int) -> int:
        known = self._report
        if known.ended is not None:
            return known.ended
        if known.folder is None and code >= 0 and known.reason is None:
            return code  # a wrong request, a plan, a stop before there was a study: the child has said so
        if self._asked is None:
            time.sleep(LATE_SIGNAL_S)
        reason, status = self._cause(code)
        remedy = f"nothing is lost. To go on:\n  {known.resume}" if known.resume else None
        if self._asked is not None:
            print(f"\nstopped by {reason}{f'; {remedy}' if remedy else ''}")
        else:
            print_error(reason)
            if remedy:
                print(remedy, file=sys.stderr)
        return status

    def _cause(self, code: int) -> tuple[str, int]:
        """The reason, which is also noted in the ledger, and the exit status."""
        known = self._report
        if self._asked is not None:
            reason, status = signal.Signals(self._asked).name, stop_status(self._asked)
        elif known.reason is not None:
            reason, status = known.reason, STOPPED_STATUS if known.status is None else known.status
        elif code < 0:
            memory = "; the kernel does so when memory is short" if -code == signal.SIGKILL else ""
            reason, status = f"the study's process was ended by {signal.Signals(-code).name}{memory}", STOPPED_STATUS
        else:
            reason, status = f"the study's process was ended from inside, with status {code}", STOPPED_STATUS
        if self._asked is None and known.reason is None and known.doing is not None:
            reason = f"{reason}, {known.doing}"
        if known.folder is not None:
            note_stopped(StudyFolder(Path(known.folder)), reason)
        return reason, status


def note_stopped(folder: StudyFolder, reason: str) -> None:
    """Write ``study_stopped`` for a driver that could not, unless another one has gone on already."""
    with contextlib.suppress(UserError, OSError), lock(folder):
        ledger = Ledger(folder.ledger_file)
        ledger.append(StudyStopped(reason))
        ledger.close()
