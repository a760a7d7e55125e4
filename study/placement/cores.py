"""Cores that this process may use: its CPU affinity and the quotas of its control groups, of both versions."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

MOUNTS = ("sys/fs/cgroup", "sys/fs/cgroup/unified", "sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct")


def count_cores(root: Path = Path("/")) -> int:
    """At least 1; the smallest quota of the group and of all groups above it counts. root: of the file system."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.floor(min([float(cores), *cpu_quotas(root)])))


def cpu_quotas(root: Path = Path("/")) -> Iterator[float]:
    """Cores that each control group of this process allows; a group without a quota is left out."""
    for folder in _groups(root):
        yield from _quota_v2(folder)
        yield from _quota_v1(folder)


def _groups(root: Path) -> dict[Path, None]:
    """Folders of the process's groups and of those above, wherever they are mounted.

    In a container the path is that of the host while the mount shows the group itself: what does not exist has no
    quota, and the mount's own folder is always looked at.
    """
    paths = {PurePosixPath("/")}
    with contextlib.suppress(OSError, IndexError, ValueError):  # without /proc, or in a form of a later kernel
        lines = (root / "proc/self/cgroup").read_text().splitlines()
        paths |= {PurePosixPath(line.split(":", 2)[2]) for line in lines}
    within = {parent.relative_to("/") for path in paths if path.is_absolute() for parent in (path, *path.parents)}
    return dict.fromkeys(mount / path for mount in _mounts(root) for path in sorted(within))


def _mounts(root: Path) -> list[Path]:
    """Where control groups usually are mounted, and where this system says they are."""
    found = [root / mount for mount in MOUNTS]
    with contextlib.suppress(OSError, IndexError, ValueError):
        for line in (root / "proc/self/mountinfo").read_text().splitlines():
            before, _, after = line.partition(" - ")
            if after.split()[0] in ("cgroup", "cgroup2"):
                found.append(root / before.split()[4].lstrip("/"))
    return found


def _quota_v2(folder: Path) -> Iterator[float]:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
        yield int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):  # "max": none
        return


def _quota_v1(folder: Path) -> Iterator[float]:
    try:
        quota, period = (int((folder / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
        if quota > 0:  # -1: none
            yield quota / period
    except (OSError, ValueError, ZeroDivisionError):
        return
