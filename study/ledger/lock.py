"""The lock that keeps a second driver out of a study's folder.

The folder itself and ``driver.lock`` in it are locked by flock, which the kernel releases however a process ends. Both:
a file may be deleted while it is locked, and some file systems lock no folders. Where there is no flock at all (ENOLCK,
ENOSYS, ENOTSUP), a file that only one process can have made stands for it, with a heartbeat.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from study.ledger.folder import StudyFolder
from trainables.errors import UserError
from trainables.files import try_flock
from trainables.json_types import JsonObject

LOCK, OWNER = "driver.lock", "driver.owner"
HEARTBEAT_S, STALE_S = 10.0, 120.0


class DriverLock:
    """A lock that is held, until it is closed or the process ends."""

    def __init__(self, *release: Callable[[], object]) -> None:
        self._release = contextlib.ExitStack()
        for each in release:
            self._release.callback(each)

    def close(self) -> None:
        self._release.close()

    def __enter__(self) -> DriverLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def lock(folder: StudyFolder, process: int | None = None) -> DriverLock:
    """Become the only driver of a study.

    process: what it is called in the refusal of others, by default this one. Raises UserError that names the host and
    process that drives it already, or says why there can be no lock.
    """
    holder = f"process {process or os.getpid()} on {socket.gethostname()}"
    try:
        within = os.open(folder.path, os.O_RDONLY | os.O_DIRECTORY)
        held = DriverLock(lambda: os.close(within))
        try:
            return _lock_within(folder, within, held, holder)
        except BaseException:
            held.close()
            raise
    except OSError as error:
        raise UserError(f"--study-dir: {folder.path} cannot be written to: {error.strerror}") from None


def _lock_within(folder: StudyFolder, within: int, held: DriverLock, holder: str) -> DriverLock:
    file = _open_regular(folder.path / LOCK, os.O_RDWR | os.O_CREAT)
    held._release.callback(os.close, file)
    if try_flock(within, fcntl.LOCK_EX) is False:
        raise _driven(folder, _text(file))
    took = try_flock(file, fcntl.LOCK_EX)
    if took is False:
        raise _driven(folder, _text(file))
    if took is None:
        held._release.callback(_own(folder, holder))
    os.ftruncate(file, 0)
    os.pwrite(file, holder.encode(), 0)
    return held


def is_driven(folder: StudyFolder) -> bool:
    """Whether a driver on a host that shares this file system holds the lock; asking leaves it alone."""
    took = None
    for path, flags in ((folder.path, os.O_DIRECTORY), (folder.path / LOCK, os.O_NOFOLLOW | os.O_NONBLOCK)):
        with contextlib.suppress(OSError):
            file = os.open(path, os.O_RDONLY | flags)
            try:
                took = try_flock(file, fcntl.LOCK_SH)
            finally:
                os.close(file)
            if took is False:
                return True
    return took is None and _owner(folder) is not None and not _is_stale(folder)


def _driven(folder: StudyFolder, holder: str) -> UserError:
    return UserError(f"study '{folder.name}' is being driven by {holder or 'another process'}; wait for it or stop it")


def _open_regular(path: Path, flags: int) -> int:
    """Never what a symbolic link leads to, never a FIFO, which would wait for a reader."""
    try:
        file = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise UserError(f"{path}: is not a regular file; delete it") from None
        raise
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise UserError(f"{path}: is not a regular file; delete it")
    return file


def _text(file: int) -> str:
    return os.pread(file, 1000, 0).decode("utf-8", "replace").strip()


def _own(folder: StudyFolder, holder: str) -> Callable[[], None]:
    """Make the file that stands for a lock, and keep it fresh; returns what ends that."""
    path = folder.path / OWNER
    if _owner(folder) is not None and _is_stale(folder):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        owner = _owner(folder) or {}
        raise _driven(folder, str(owner.get("holder", ""))) from None
    os.write(file, json.dumps({"holder": holder, "host": socket.gethostname(), "pid": os.getpid()}).encode())
    os.close(file)
    ended = threading.Event()
    threading.Thread(target=_keep_fresh, args=(path, ended), daemon=True).start()

    def release() -> None:
        ended.set()
        path.unlink(missing_ok=True)

    return release


def _keep_fresh(path: Path, ended: threading.Event) -> None:
    while not ended.wait(HEARTBEAT_S):
        with contextlib.suppress(OSError):
            os.utime(path)


def _owner(folder: StudyFolder) -> JsonObject | None:
    """Who made the file; {} where it is not whole; None where there is none."""
    try:
        found = json.loads((folder.path / OWNER).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}


def _is_stale(folder: StudyFolder) -> bool:
    """Its process is gone, or, where that cannot be seen from here, its heart has stopped."""
    owner = _owner(folder) or {}
    if owner.get("host") == socket.gethostname() and isinstance(owner.get("pid"), int):
        return not Path(f"/proc/{owner['pid']}").exists() if os.path.isdir("/proc/self") else _is_quiet(folder)
    return _is_quiet(folder)


def _is_quiet(folder: StudyFolder) -> bool:
    """By the clock of the file system: hosts that share it do not always agree on the time."""
    probe = folder.path / f".{OWNER}.{os.getpid()}"
    try:
        probe.touch()
        return probe.stat().st_mtime - (folder.path / OWNER).stat().st_mtime > STALE_S
    except OSError:
        return False
    finally:
        probe.unlink(missing_ok=True)
