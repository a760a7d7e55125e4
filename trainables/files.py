"""Files that are whole where they exist, files with a digest at their head, listing the files of a folder, and the
errors of a file system that is not available."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainables.errors import UserError

DIGEST_BYTES = 32

# No room, no permission, or a disk or file server that does not answer. They are no fault of the work that meets them,
# and pass without a change to it: a worker or driver that meets one stops, loses nothing, and is resumed later.
UNAVAILABLE_ERRNOS = frozenset(
    {
        errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENODEV,
        errno.ENXIO, errno.EBUSY, errno.ENOLCK, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ENOTCONN,
        errno.ETIMEDOUT, errno.EREMOTEIO, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH,
    }
)  # fmt: skip

NO_FLOCK = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.EBADF, errno.ENOTTY)


class FilesUnavailable(OSError):
    """Files that a study keeps cannot be read or written now, whatever the error number is."""


@contextmanager
def keeping_files() -> Iterator[None]:
    """Raise FilesUnavailable in place of any OSError of the system: for code that only keeps files."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # raised by a program, not by the system
            raise
        raise FilesUnavailable(error.errno, error.strerror, error.filename) from error


def is_unavailable(error: BaseException) -> bool:
    """Whether an error says that files cannot be read or written now."""
    if isinstance(error, FilesUnavailable):
        return True
    return isinstance(error, OSError) and error.errno in UNAVAILABLE_ERRNOS


class DamagedFile(ValueError):
    """A file whose content does not match the digest at its head."""


def require_writable(folder: Path, option: str) -> None:
    """Make a folder where it is absent; raises UserError that names the option where it can hold no new file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = "is no folder" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror
        raise UserError(f"{option}: {folder}: {reason}; choose a folder that can be written") from None


def write_whole(path: Path, content: bytes) -> None:
    """Write a file aside, flush it to the disk, rename it into place; its folder is made when absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_with_digest(path: Path, content: bytes) -> None:
    """Write a file whole: the SHA-256 of its content, then the content."""
    write_whole(path, hashlib.sha256(content).digest() + content)


def read_with_digest(path: Path) -> bytes:
    """The content of such a file; raises DamagedFile, and OSError where it cannot be read."""
    stored = path.read_bytes()
    if hashlib.sha256(stored[DIGEST_BYTES:]).digest() != stored[:DIGEST_BYTES]:
        raise DamagedFile(f"{path}: checksum does not match its content")
    return stored[DIGEST_BYTES:]


def list_files(path: Path) -> list[Path]:
    """The files at or below a path, sorted, whatever folders they lie in.

    Symbolic links to folders are followed, each folder once. Left out: names that begin with a dot (macOS writes
    ``._name`` beside every file that it copies) and what is neither a file nor a folder, which opening might block.
    """
    if os.path.isfile(path):
        return [path]
    found, seen = [], set()
    for folder, folders, names in os.walk(path, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(folder, name) for name in names if not name.startswith(".")]
    return sorted(file for file in found if os.path.isfile(file))


def list_folders(path: Path) -> list[Path]:
    """The folders directly in a path, sorted, without those whose name begins with a dot."""
    if not os.path.isdir(path):
        return []
    return sorted(entry for entry in path.iterdir() if not entry.name.startswith(".") and os.path.isdir(entry))


def files_in(path: Path) -> list[Path]:
    """The files directly in a folder, chosen as by ``list_files``."""
    if not os.path.isdir(path):
        return []
    return sorted(entry for entry in path.iterdir() if not entry.name.startswith(".") and os.path.isfile(entry))


def try_flock(file: int, how: int) -> bool | None:
    """Take a flock (``fcntl.LOCK_EX`` or ``LOCK_SH``) on a descriptor without waiting.

    True: taken; False: another process has it; None: this file system has no flock. Raises OSError for anything else.
    """
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in NO_FLOCK:
            return None
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
            return False
        raise
    return True
