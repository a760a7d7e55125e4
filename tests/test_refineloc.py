"""The command ``refineloc``, run as its console script is: the working folder is not on Python's path."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from refineloc import COMMANDS
from tests.house import ROOT


def refineloc(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-c", "from refineloc import main; main()", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """A user's folder with names of our packages."""
    for name in ("analysis", "configs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('the user\\'s own')\n")
    (tmp_path / "study.py").write_text("raise RuntimeError('the user\\'s own')\n")
    return tmp_path


def test_each_command_names_a_module_that_exists() -> None:
    assert all(find_spec(module) for module, _, _ in COMMANDS.values())


def test_help_has_a_line_per_command(tmp_path: Path) -> None:
    done = refineloc(tmp_path, "--help")
    assert done.returncode == 0
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)


def test_an_unknown_command_is_told_the_nearest_one(tmp_path: Path) -> None:
    done = refineloc(tmp_path, "tabels")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Did you mean 'tables'?" in done.stderr


def test_dry_run_and_tables_ignore_modules_in_the_working_folder(crowded: Path) -> None:
    planned = refineloc(crowded, "launch", "--dataset", "simulated", "--num-samples", "1", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    tables = refineloc(crowded, "tables", "--study", "missing")
    assert tables.returncode == 2
    assert "missing" in tables.stderr
    assert "Traceback" not in tables.stderr
