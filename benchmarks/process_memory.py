"""Memory of a tree of processes, as the kernel counts it. Linux only."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from study.process_tree import descendants

MIB = 2**20


class Memory(NamedTuple):
    """MiB. anonymous: of the processes alone. shared: /dev/shm (Ray's object store), counted once per page.

    mapped: pages of files in the page tables, counted once per page. apart: ``anonymous`` of chosen processes.
    """

    anonymous: float
    shared: float
    mapped: float
    apart: float = 0.0

    @property
    def total(self) -> float:
        return sum(self)

    def __add__(self, other: object) -> Memory:
        assert isinstance(other, Memory)
        return Memory(*(a + b for a, b in zip(self, other, strict=True)))


ZERO = Memory(0.0, 0.0, 0.0, 0.0)


def process_memory(pid: int) -> Memory:
    """The process's proportional set size: a page that n processes map counts 1/n. Zeros once it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return ZERO
    kib = {name: float(rest.split()[0]) for name, rest in (line.split(":", 1) for line in lines)}
    return Memory(kib["Pss_Anon"] / 1024, kib["Pss_Shmem"] / 1024, kib["Pss_File"] / 1024)


def tree_memory(root: int, title: bytes) -> Memory:
    """Of a process and all that it has started; what those of a title that begins so have for themselves is apart."""
    total = ZERO
    for pid in (root, *descendants(root)):
        memory = process_memory(pid)
        total += memory._replace(anonymous=0.0, apart=memory.anonymous) if _title(pid).startswith(title) else memory
    return total


def _title(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def cached_mib(files: Iterable[Path]) -> float:
    """How much of these files the page cache holds, whether any process maps it or not."""
    command = ["fincore", "--bytes", "--noheadings", "--output", "RES", *map(str, files)]
    resident = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return sum(map(int, resident)) / MIB


class Watch(threading.Thread):
    """The sample of the largest total among those taken, one at least, until it is stopped."""

    def __init__(self, sample: Callable[[], Memory], every_s: float) -> None:
        super().__init__(daemon=True)
        self.sample, self.every_s = sample, every_s
        self.peak = ZERO
        self._stopped = threading.Event()

    def run(self) -> None:
        while True:
            self.peak = max(self.peak, self.sample(), key=lambda memory: memory.total)
            if self._stopped.wait(self.every_s):
                break

    def stop(self) -> Memory:
        self._stopped.set()
        self.join()
        return self.peak
