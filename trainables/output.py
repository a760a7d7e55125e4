"""What commands print: it never ends them. No reader, no terminal, no room: what cannot be written is dropped."""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import select
import sys
import unicodedata
from collections.abc import Callable
from typing import NoReturn, TextIO

WRONG_REQUEST, INTERRUPTED, INCOMPLETE_OUTPUT = 2, 130, 1
SPELLED = "spelled"  # name of the error handler below
# Nobody is there to read; anything else (a full device) is worth a word.
READER_GONE = (errno.EPIPE, errno.EIO, errno.ENXIO, errno.ECONNRESET)
SLOW_READER_S = 60.0


class _LossyFile(io.FileIO):
    """A file that takes what it is given; ``lost`` is the first error that kept something from being written."""

    lost: OSError | None = None

    def write(self, data) -> int:  # type: ignore[no-untyped-def]  # the base class names no public type
        try:
            written = super().write(data)
            if written is None:  # somebody has made the terminal non-blocking
                select.select([], [self], [], SLOW_READER_S)
                written = super().write(data)
        except OSError as error:
            self.lost = self.lost or error
            return len(data)
        return len(data) if written is None else written


class Output(io.TextIOWrapper):
    """A standard stream that raises neither OSError nor UnicodeEncodeError."""

    def __init__(self, stream: TextIO) -> None:
        """In place of ``stream``: same file, encoding and buffering."""
        with contextlib.suppress(OSError):
            stream.flush()
        self._stream = stream  # it owns the descriptor
        self._file = _LossyFile(stream.fileno(), "w", closefd=False)
        buffered = io.BufferedWriter(self._file)
        super().__init__(buffered, stream.encoding, SPELLED, line_buffering=True)

    @property
    def lost(self) -> OSError | None:
        """Why something is missing; None where all has been written, or nobody reads."""
        with contextlib.suppress(ValueError):  # closed
            self.flush()
        error = self._file.lost
        return None if error is None or error.errno in READER_GONE else error


def install_output() -> None:
    """Give this process standard streams that never fail, in place of those of Python."""
    codecs.register_error(SPELLED, _spell)
    for number in (0, 1, 2):
        _open_if_closed(number)
    sys.stdout, sys.stderr = (
        Output(stream or open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115 (open as long as we are)
        for number, stream in ((1, sys.stdout), (2, sys.stderr))
    )


def detach_output() -> None:
    """From now on, what Python prints is all that this process shows.

    What C++ libraries write to the descriptors 1 and 2 is dropped, and processes that are started hold neither the
    terminal nor a pipe open. Only where ``install_output`` was called.
    """
    streams = [stream for stream in (sys.stdout, sys.stderr) if isinstance(stream, Output)]
    if len(streams) < 2:
        return
    sys.stdout, sys.stderr = (Output(_duplicate(stream)) for stream in streams)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)


def _duplicate(stream: Output) -> TextIO:
    return open(os.dup(stream.fileno()), "w", encoding=stream.encoding)


def run_command(main: Callable[[], int], prints_result: bool = True) -> NoReturn:
    """Run ``main`` as the command of this process and exit with its status.

    prints_result: what it prints is what it is for, so that the status is 1 where that could not be written.
    """
    install_output()
    try:
        status = main()
    except KeyboardInterrupt:
        status = INTERRUPTED
    lost = sys.stdout.lost if isinstance(sys.stdout, Output) else None
    if lost is not None:
        print_error(f"standard output: {lost.strerror}; what was printed there is not complete")
        status = status or (INCOMPLETE_OUTPUT if prints_result else 0)
    sys.exit(status)


def print_error(message: object) -> int:
    """Say what is wrong with a request, one line per problem; returns the exit status of a wrong request."""
    for line in str(message).splitlines():
        print(f"error: {line}", file=sys.stderr)
    return WRONG_REQUEST


def _spell(error: UnicodeError) -> tuple[str, int]:
    """What an encoding does not have, in ASCII: β -> beta, é -> e, anything else -> ?."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_ascii(character) for character in error.object[error.start : error.end]), error.end


def _ascii(character: str) -> str:
    name = unicodedata.name(character, "")
    if name.startswith("GREEK "):
        return name.split(" WITH ")[0].split()[-1].lower()
    return unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode() or "?"


def _open_if_closed(number: int) -> None:
    """A file that is opened later must not get the number of a standard stream, and what is printed with it."""
    try:
        os.fstat(number)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # the lowest free number
