"""Ledgers as they lie on the disk, for tests that look at the file and not at what the program makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from study.ledger.ledger_file import encode, read_ledger
from study.ledger.records import TrialRecord, trial_records


def read_events(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The lines that the program accepts, as plain objects with their ``line`` number, and its sentences on others."""
    if not path.exists():
        return [], []
    contents = read_ledger(path)
    lines = path.read_bytes().splitlines()
    trees = [(event.line, json.loads(lines[event.line - 1])) for event in contents.events if event.line is not None]
    return [
        {key: value for key, value in tree.items() if key != "checksum"} | {"line": line} for line, tree in trees
    ], list(contents.problems)


def append_line(path: Path, entry: dict[str, Any]) -> None:
    """Add an entry with a right checksum, whatever it says."""
    with path.open("ab") as file:
        file.write(encode(entry))


def records_of(path: Path) -> list[TrialRecord]:
    """The trials of a ledger."""
    return trial_records(read_ledger(path).events)
