"""The ledger of a study: one JSON object per line, append-only, each line with its own checksum.

It is the truth: everything else in a study's folder can be rebuilt from it. Only the driver of the study writes
it; anybody may read it at any time, also while it is being written. A line is on the disk before anything else
learns of its event. No Ray, no torch.
"""

from __future__ import annotations

import json
import math
import os
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from study.ledger.events import event_from_json
from study.ledger.study_events import Event
from trainables.json_types import JsonObject

CHECKSUM_BYTES = len(', "checksum": "01234567"}\n')  # of a line, at its end
E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class LedgerContents:
    """A ledger as it was read. events: all whole ones, in order. problems: one sentence per damaged line. num_bytes:
    of the file."""

    path: Path
    events: tuple[Event, ...] = ()
    problems: tuple[str, ...] = ()
    num_bytes: int = 0

    @property
    def next_seq(self) -> int:
        """Of the event that is appended next."""
        return 1 + max((event.seq for event in self.events), default=0)

    def current(self) -> LedgerContents:
        """The same while nothing was appended; read again otherwise."""
        size = self.path.stat().st_size if self.path.exists() else 0
        return self if size == self.num_bytes else read_ledger(self.path)

    def with_events(self, *appended: Event) -> LedgerContents:
        """As it reads with events that have been appended meanwhile."""
        return replace(self, events=(*self.events, *appended), num_bytes=self.path.stat().st_size)


def read_ledger(path: Path) -> LedgerContents:
    """All that a ledger holds; a missing file is an empty one.

    Damaged lines, and lines whose values no version writes, are skipped: what they told is lost, the rest is not.
    """
    if not os.path.isfile(path):
        return LedgerContents(path)
    content = path.read_bytes()
    events, problems = [], []
    for number, line in enumerate(content.splitlines(keepends=True), start=1):
        if not line.strip():
            continue
        try:
            events.append(event_from_json(decode(line), number))
        except ValueError as error:
            problems.append(f"{path}: line {number} {error} and is skipped")
    return LedgerContents(path, tuple(events), tuple(problems), len(content))


class Ledger:
    """Appends events to a file; each is flushed and synced to the disk before ``append`` returns."""

    def __init__(self, path: Path, contents: LedgerContents | None = None) -> None:
        """Open ``path`` for appending; a torn last line is ended, so that nothing gets glued to it.

        contents: of the file, where they have been read already.
        """
        self._next = (contents or read_ledger(path)).next_seq
        # Without a buffer: what a full disk did not take must not be written later, by accident.
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 (open as long as the ledger)
        if self._file.tell() and not _ends_with_newline(path):
            self._write(b"\n")

    def append(self, event: E) -> E:
        """Write an event and return it as it was written: with its place and time, and null for NaN and infinity."""
        placed = replace(event, seq=self._next, time=round(time.time(), 3))
        entry = finite(placed.to_json())
        self._write(encode(entry))
        self._next += 1
        # What listeners see is what a resume will read.
        written = event_from_json(entry)
        assert isinstance(written, type(event)), "an event reads back as what it was"
        return written

    def close(self) -> None:
        self._file.close()

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]
        # One fsync per event, some milliseconds: an event is minutes of work, and a power cut must not cost it.
        os.fsync(self._file.fileno())


def encode(entry: Mapping[str, Any]) -> bytes:
    """One line of the ledger: the entry with the CRC-32 of its JSON text, newline included."""
    text = json.dumps(entry, ensure_ascii=False, allow_nan=False)
    return (text[:-1] + f', "checksum": "{_crc(text.encode())}"}}\n').encode()


def decode(line: bytes) -> JsonObject:
    """The entry of one line; raises ValueError that says what is wrong with the line."""
    if not line.endswith(b"\n"):
        raise ValueError("is cut short")
    try:
        entry = json.loads(line, parse_constant=_refuse)
        checksum = entry.pop("checksum")
    except (ValueError, KeyError, AttributeError, TypeError, IndexError, RecursionError):
        raise ValueError("is not a ledger entry") from None
    # As it was written; written anew, which takes longer than reading it, only where somebody has reformatted the line.
    if checksum != _crc(line[:-CHECKSUM_BYTES] + b"}") and checksum != _crc(_canonical(entry)):
        raise ValueError("does not agree with its checksum")
    found: JsonObject = entry
    return found


def finite(value: Any) -> Any:
    """``value`` as a ledger holds it: null for the numbers that JSON does not have, text for keys, lists."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def _canonical(entry: Any) -> bytes:
    # A lone half of a surrogate pair, which JSON can spell and UTF-8 cannot: never written here.
    return json.dumps(entry, ensure_ascii=False).encode("utf-8", "replace")


def _crc(text: bytes) -> str:
    # Against accidents (torn writes, flipped bits, edits by hand), not against forgers: 8 digits leave a line readable.
    return f"{zlib.crc32(text):08x}"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _ends_with_newline(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
