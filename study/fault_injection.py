"""Points at which a test ends the driver as a power cut would; without STUDY_FAULT they do nothing.

``STUDY_FAULT="iteration recorded:3"`` kills the process by SIGKILL when it passes that point for the third time. The
points are ``<event> recorded`` for each event of a trial (its line is on the disk, nothing else knows of it) and
``search told`` (the search has the result, nothing was asked of it yet).
"""

from __future__ import annotations

import os
import signal
from collections import Counter

VARIABLE = "STUDY_FAULT"
_passed: Counter[str] = Counter()
dies_too: list[int] = []  # processes that a power cut would end with this one


def fault_point(name: str) -> None:
    """Pass the point ``name``."""
    wanted, _, times = os.environ.get(VARIABLE, "").rpartition(":")
    if wanted != name:
        return
    _passed[name] += 1
    if _passed[name] == int(times):
        for process in (*dies_too, os.getpid()):
            os.kill(process, signal.SIGKILL)
