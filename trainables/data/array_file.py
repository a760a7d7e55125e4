"""Arrays in ``.npy`` files that many processes map: the page cache holds one copy per machine, however many read it."""

from __future__ import annotations

import fcntl
import mmap
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainables.errors import UserError
from trainables.files import try_flock


@dataclass(frozen=True)
class ArrayFile:
    """A whole array in a ``.npy`` file, C-contiguous: what goes to another process in place of its values."""

    path: str
    shape: tuple[int, ...]
    dtype: str

    @classmethod
    def of(cls, array: npt.NDArray[Any]) -> ArrayFile | None:
        """The file that ``array`` maps whole; None for an array in memory and for a part of a mapped one."""
        # The base of a part, or of any other view, is the array that maps the file, not the mapping itself.
        if not isinstance(array, np.memmap) or not isinstance(array.base, mmap.mmap):
            return None
        return cls(os.path.abspath(str(array.filename)), array.shape, array.dtype.str)

    def open(self) -> npt.NDArray[Any]:
        """The array, mapped read-only. Raises UserError where this machine does not see the file, or another."""
        try:
            array = np.load(self.path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise UserError(
                f"{self.path}: features that all trials share cannot be read on {socket.gethostname()} ({error}); "
                "choose a --study-dir that all nodes see, and do not delete its features while a study runs"
            ) from error
        if array.shape != self.shape or array.dtype.str != self.dtype:
            raise UserError(
                f"{self.path}: holds {array.shape} {array.dtype.str} on {socket.gethostname()}, not {self.shape} "
                f"{self.dtype}; delete it, and it is made again"
            )
        return array


def write_array(path: Path, shape: tuple[int, ...], dtype: str, blocks: Iterable[npt.NDArray[Any]]) -> ArrayFile:
    """Write the rows of an array, block after block: aside, flushed to the disk, renamed.

    One writer at a time (``only_writer``). Raises OSError, and leaves nothing behind, when the disk is full.
    """
    aside = path.with_name(f"{path.name}.{socket.gethostname()}.{os.getpid()}.part")  # ours alone, also without locks
    try:
        with aside.open("wb") as file:
            header = {"descr": dtype, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_2_0(file, header)
            written = 0
            for block in blocks:
                file.write(np.ascontiguousarray(block, dtype=dtype).data)
                written += len(block)
            if written != shape[0]:
                raise ValueError(f"{path}: {written} rows were written, {shape[0]} belong there")
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    return ArrayFile(str(path.absolute()), shape, dtype)


@contextmanager
def only_writer(path: Path, waits: bool = True) -> Iterator[None]:
    """Wait for another process that is making ``path``, and keep others waiting. Its folder must exist.

    waits False: raises UserError where there is such a process.
    """
    with path.with_name(f"{path.name}.lock").open("a") as file:
        # Where files cannot be locked two processes may both make it: each writes aside and renames, so it stays whole.
        if try_flock(file.fileno(), fcntl.LOCK_EX) is False:
            if not waits:
                raise UserError(f"{path}: another process is writing it; wait for it or stop it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
