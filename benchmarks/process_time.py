"""Processor time of a tree of processes while it runs, as the kernel counts it. Linux only."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import NamedTuple

from study.process_tree import descendants

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Sample(NamedTuple):
    """processor_s: of all processes of the tree so far, also of those that have ended."""

    time: float
    processor_s: float


def processor_time(pid: int) -> float:
    """Seconds of a process alone; 0 once it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) * TICK_S


class ProcessorWatch(threading.Thread):
    """Samples of a tree of processes until it is stopped."""

    def __init__(self, root: int, every_s: float = 0.1) -> None:
        super().__init__(daemon=True)
        self.samples: list[Sample] = []
        self._root, self._every_s = root, every_s
        self._known: dict[int, float] = {}
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(self._every_s):
            for pid in (self._root, *descendants(self._root)):
                self._known[pid] = max(self._known.get(pid, 0.0), processor_time(pid))
            self.samples.append(Sample(time.time(), sum(self._known.values())))

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def until(self, moment: float) -> float:
        """Processor seconds up to this time."""
        return max((sample.processor_s for sample in self.samples if sample.time <= moment), default=0.0)
