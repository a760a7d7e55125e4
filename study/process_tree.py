"""Processes and what they have started, as the kernel tells it (Linux; elsewhere nothing is found)."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from pathlib import Path


def children_of(process: int) -> list[int]:
    """Processes whose parent is this one."""
    return _children()[process]


def descendants(process: int) -> list[int]:
    """Those that a process has started, directly or not; parents before their children."""
    children, found = _children(), [process]
    for parent in found:
        found += children[parent]
    return found[1:]


def mapped_below(folder: Path) -> dict[int, list[str]]:
    """Process -> its mapped files below a folder, of the processes that this user may look at. The kernel has their
    paths without symbolic links."""
    below, found = f"{folder.resolve()}/", {}
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with contextlib.suppress(OSError):
            files = {line[line.index("/") :] for line in maps.read_text(errors="replace").splitlines() if below in line}
            if files:
                found[int(maps.parent.name)] = sorted(files)
    return found


def _children() -> defaultdict[int, list[int]]:
    found = defaultdict(list)
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            parent = file.read_text(errors="replace").rpartition(")")[2].split()[1]
            found[int(parent)].append(int(file.parent.name))
    return found
