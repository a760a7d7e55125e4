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
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Event = dict[str, Any]

FINAL_STATES = ("completed", "pruned", "failed", "timed-out", "out-of-memory", "non-finite")
TRIAL_STATES = ("proposed", "running", *FINAL_STATES)
CHECKSUM_BYTES = len(', "checksum": "01234567"}\n')  # of a line, at its end


class Ledger:
    """Appends events to a file; each is flushed and synced to the disk before ``append`` returns."""

    def __init__(self, path: Path) -> None:
        """Open ``path`` for appending; a torn last line is ended, so that nothing gets glued to it."""
        self._next = 1 + max((event["seq"] for event in read_events(path)[0]), default=0)
        # Without a buffer: what a full disk did not take must not be written later, by accident.
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 (open as long as the ledger)
        if self._file.tell() and not _ends_with_newline(path):
            self._write(b"\n")

    def append(self, event: str, **fields: Any) -> Event:
        """Write one event and return it; values that JSON does not have (NaN, infinity) become null."""
        entry = finite({"seq": self._next, "time": round(time.time(), 3), "event": event, **fields})
        self._write(encode(entry))
        self._next += 1
        return entry

    def close(self) -> None:
        self._file.close()

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]
        os.fsync(self._file.fileno())


def encode(entry: Mapping[str, Any]) -> bytes:
    """One line of the ledger: the entry with the CRC-32 of its JSON text, newline included."""
    text = json.dumps(entry, ensure_ascii=False, allow_nan=False)
    return (text[:-1] + f', "checksum": "{_crc(text.encode())}"}}\n').encode()


def decode(line: bytes) -> Event:
    """The entry of one line; raises ValueError that says what is wrong with the line."""
    if not line.endswith(b"\n"):
        raise ValueError("is cut short")
    try:
        entry = json.loads(line)
        checksum = entry.pop("checksum")
    except (ValueError, KeyError, AttributeError, TypeError):
        raise ValueError("is not a ledger entry") from None
    # As it was written; written anew, which takes longer than reading it, only where somebody has reformatted the line.
    if checksum == _crc(line[:-CHECKSUM_BYTES] + b"}"):
        return entry
    if checksum != _crc(json.dumps(entry, ensure_ascii=False).encode()):
        raise ValueError("does not agree with its checksum")
    return entry


def read_events(path: Path) -> tuple[list[Event], list[str]]:
    """All whole events, in order, each with its ``line`` number added; and one sentence per damaged line.

    A missing file has no events. Damaged lines are skipped: what they told is lost, the rest is not.
    """
    if not path.exists():
        return [], []
    events, problems = [], []
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), start=1):
        if not line.strip():
            continue
        try:
            events.append({**decode(line), "line": number})
        except ValueError as error:
            problems.append(f"{path}: line {number} {error} and is skipped")
    return events, problems


@dataclass
class TrialRecord:
    """All that the ledger knows of one trial.

    params: dotted RunConfig keys -> values that this trial set. iterations: reports, by iteration. objective:
    best selection mAP (percent), None when there is none. lines: numbers of its ledger lines. repeats: numbers of
    the earlier configurations that were proposed again just before this one, and not run again. configuration:
    number of the point that it runs, None in a ledger that does not say. base: key of its iteration 0, which it took
    over from another trial unless base_trained. gpus: share of a GPU after it ran out of memory. declared: whether
    the lines that tell params and seed are there.
    """

    number: int
    state: str = "proposed"
    params: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    origin: str = "sampler"
    iterations: list[dict[str, Any]] = field(default_factory=list)
    objective: float | None = None
    best_iteration: int | None = None
    reason: str | None = None
    seconds: float | None = None
    device: str | None = None
    lines: list[int] = field(default_factory=list)
    repeats: list[int] = field(default_factory=list)
    configuration: int | None = None
    base: str | None = None
    base_trained: bool = False
    gpus: float | None = None
    declared: bool = False

    @property
    def own_seconds(self) -> float:
        """Seconds of the iterations that this trial ran itself."""
        return sum(r["seconds"] for r in self.iterations if r["iteration"] or self.base is None or self.base_trained)

    @property
    def saved_seconds(self) -> float:
        """Seconds of the iterations that it took over."""
        return sum(r["seconds"] for r in self.iterations) - self.own_seconds

    @property
    def finished(self) -> bool:
        """Whether it ended, in whatever state; a finished trial is never run again."""
        return self.state in FINAL_STATES

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take in the next event of this trial; an iteration that is known already is ignored."""
        if "line" in event:
            self.lines.append(event["line"])
        kind = event["event"]
        # A trial's start repeats what its proposal said, so that one damaged line loses neither params nor seed.
        if kind in ("trial_proposed", "trial_started") and "params" in event and not self.declared:
            self.params, self.seed, self.origin = dict(event["params"]), event["seed"], event["origin"]
            self.repeats, self.configuration = list(event.get("repeats", [])), event.get("configuration")
            self.declared = True
        if kind == "trial_started" and not self.finished:
            self.state, self.device = "running", event.get("device")
        elif kind == "trial_retried" and not self.finished:
            self.state, self.gpus = "proposed", event["gpus"]
        elif kind == "iteration":
            if event["report"]["iteration"] == 0 and "base" in event and self.base is None:
                self.base, self.base_trained = event["base"], event["base_trained"]
            self._add_report(event["report"])
        elif kind == "trial_ended" and not self.finished:
            self.state, self.reason, self.seconds = event["state"], event.get("reason"), event.get("seconds")
            self.objective, self.best_iteration = event.get("objective"), event.get("best_iteration")

    def _add_report(self, report: dict[str, Any]) -> None:
        if any(known["iteration"] == report["iteration"] for known in self.iterations):
            return
        self.iterations = sorted([*self.iterations, report], key=lambda known: known["iteration"])
        if not self.finished:
            self.objective, self.best_iteration = report.get("best_so_far"), report.get("best_iteration")


def trial_records(events: Iterable[Mapping[str, Any]]) -> list[TrialRecord]:
    """One record per trial that occurs in ``events``, in number order."""
    records: dict[int, TrialRecord] = {}
    for event in events:
        if "trial" in event:
            records.setdefault(event["trial"], TrialRecord(event["trial"])).apply(event)
    return [records[number] for number in sorted(records)]


def iteration_fields(report: Mapping[str, Any]) -> dict[str, Any]:
    """What an event tells of an iteration: where an iteration 0 is from stands beside its report."""
    base = report.get("base")
    told = {"report": {key: value for key, value in report.items() if key != "base"}}
    return told | ({"base": base["key"], "base_trained": base["trained"]} if base else {})


def _crc(text: bytes) -> str:
    return f"{zlib.crc32(text):08x}"


def finite(value: Any) -> Any:
    """``value`` as a ledger holds it: null for the numbers that JSON does not have, text for keys, lists."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def _ends_with_newline(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
