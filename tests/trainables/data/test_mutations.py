"""No damaged file ends in a traceback, takes long or takes much memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import ROOT
from tests.trainables.data.mutations import KINDS


def read_mutated(folder: Path, count: int, seed: int) -> dict[str, object]:
    command = [sys.executable, "-m", "tests.trainables.data.mutations", "--folder", str(folder)]
    done = subprocess.run(
        [*command, "--count", str(count), "--seed", str(seed)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


def check(found: dict[str, object], count: int) -> None:
    assert found["failures"] == []
    assert int(str(found["accepted"])) + int(str(found["refused"])) == count * len(KINDS)
    assert int(str(found["refused"])) > count  # the mutations do damage
    assert int(str(found["accepted"])) > count // 4
    assert float(str(found["slowest_s"])) < 5
    assert float(str(found["grown_mb"])) < 500


def test_hundreds_of_mutated_files_are_read_or_refused_in_one_line(tmp_path: Path) -> None:
    check(read_mutated(tmp_path, 60, 0), 60)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 5))
def test_thousands_of_mutated_files_are_read_or_refused_in_one_line(tmp_path: Path, seed: int) -> None:
    check(read_mutated(tmp_path, 1000, seed), 1000)
