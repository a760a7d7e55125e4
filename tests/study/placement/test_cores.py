"""CPU quotas of control groups, from files as the kernel shows them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from study.placement.cores import count_cores, cpu_quotas


def write(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


V1 = "sys/fs/cgroup/cpu,cpuacct"
V2 = "sys/fs/cgroup"


@pytest.mark.parametrize(
    ("files", "quotas"),
    [
        ({}, []),
        ({f"{V2}/cpu.max": "100000 100000\n"}, [1.0]),
        ({f"{V2}/cpu.max": "max 100000\n"}, []),
        ({f"{V2}/cpu.max": "0 0\n"}, []),
        ({"sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000\n", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, [1.0]),
        ({f"{V1}/cpu.cfs_quota_us": "-1\n", f"{V1}/cpu.cfs_period_us": "100000\n"}, []),
        # Nested: the group of the process has no quota, the one above it has.
        ({"proc/self/cgroup": "0::/slurm/job\n", f"{V2}/slurm/job/cpu.max": "max 100000\n",
          f"{V2}/slurm/cpu.max": "150000 100000\n"}, [1.5]),
        ({"proc/self/cgroup": "4:cpu,cpuacct:/a/b\n", f"{V1}/a/b/cpu.cfs_quota_us": "300000\n",
          f"{V1}/a/b/cpu.cfs_period_us": "100000\n", f"{V1}/a/cpu.cfs_quota_us": "50000\n",
          f"{V1}/a/cpu.cfs_period_us": "100000\n"}, [0.5, 3.0]),
        # In a container: the path is that of the host, the mount is the group.
        ({"proc/self/cgroup": "0::/../../host/only\n", f"{V2}/cpu.max": "200000 100000\n"}, [2.0]),
        ({"proc/self/cgroup": "0::/x\n", "mnt/groups/x/cpu.max": "100000 50000\n",
          "proc/self/mountinfo": "31 23 0:27 / /mnt/groups rw shared:9 - cgroup2 cgroup2 rw\n"}, [2.0]),
        ({"proc/self/cgroup": "damaged", f"{V2}/cpu.max": "damaged"}, []),
    ],
)  # fmt: skip
def test_the_quotas_of_all_groups_are_found(tmp_path: Path, files: dict[str, str], quotas: list[float]) -> None:
    assert sorted(cpu_quotas(write(tmp_path, files))) == quotas


def test_the_smallest_quota_counts_and_one_core_is_the_least(tmp_path: Path) -> None:
    here = len(os.sched_getaffinity(0))
    assert count_cores(tmp_path) == here
    assert count_cores(write(tmp_path, {f"{V2}/cpu.max": "100000000 100000"})) == here
    assert count_cores(write(tmp_path, {f"{V2}/cpu.max": "150000 100000"})) == 1
    assert count_cores(write(tmp_path, {f"{V2}/cpu.max": "20000 100000"})) == 1
