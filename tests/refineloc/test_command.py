"""The command ``refineloc``, run as its console script is: the working folder is not on Python's path."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.house import ROOT
from tests.ray_clusters import head_with_dashboard
from trainables.commands import COMMANDS

HOSTILE = "raise ImportError('the user\\'s own')\n"
TINY = ["--dataset", "simulated", "--num-samples", "2", *("--set", "compute.device=cpu"),
        *("--set", "training.epochs=2"), *("--set", "refinement.iterations=2")]  # fmt: skip


def refineloc(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """By a console script as pip makes it: its own folder comes first on the import path, not the working folder."""
    script = folder / "bin" / "refineloc"
    script.parent.mkdir(exist_ok=True)
    script.write_text("import sys\nfrom refineloc import main\nsys.exit(main())\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, str(script), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """A user's folder with names of our packages."""
    for name in ("analysis", "configs", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(HOSTILE)
    for name in ("study", "trainables", "refineloc"):
        (tmp_path / f"{name}.py").write_text(HOSTILE)
    return tmp_path


def test_each_command_names_a_module_that_exists() -> None:
    assert all(find_spec(module) for module in {command.module for command in COMMANDS.values()})


def test_help_has_a_line_per_command(tmp_path: Path) -> None:
    done = refineloc(tmp_path, "--help")
    assert done.returncode == 0
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)


def test_an_unknown_command_is_told_the_nearest_one(tmp_path: Path) -> None:
    done = refineloc(tmp_path, "tabels")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Did you mean 'tables'?" in done.stderr
    assert "Did you mean 'check' or 'new'?" in refineloc(tmp_path, "datasets", "new", "mine").stderr  # its module


@pytest.mark.parametrize("arguments", [["launch", "--help"], ["new", "--help"], ["export", "--help"]])
def test_help_tells_what_the_user_of_the_command_types(tmp_path: Path, arguments: list[str]) -> None:
    done = refineloc(tmp_path, *arguments)
    assert done.stdout.startswith(f"usage: refineloc {arguments[0]} [-h]")
    assert "python -m" not in done.stdout


def test_an_error_tells_what_the_user_of_the_command_types(tmp_path: Path) -> None:
    assert "refineloc new" in refineloc(tmp_path, "launch", "--dataset", "mine/dataset.yaml", "--dry-run").stderr


def test_dry_run_and_tables_ignore_modules_in_the_working_folder(crowded: Path) -> None:
    planned = refineloc(crowded, "launch", "--dataset", "simulated", "--num-samples", "1", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    tables = refineloc(crowded, "tables", "--study", "missing")
    assert tables.returncode == 2
    assert "missing" in tables.stderr
    assert "Traceback" not in tables.stderr


def test_a_study_ignores_modules_in_the_working_folder(crowded: Path) -> None:
    (crowded / "my-study.yaml").write_text("space: {loss.beta: {choices: [1.0, 2.0]}}\n")
    done = refineloc(crowded, "launch", *TINY, "--study", "my-study.yaml", "--name", "s")
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 completed" in done.stdout
    assert "next         refineloc tables --study s" in done.stdout
    assert len(list((crowded / "studies" / "s" / "predictions").glob("t000?.csv"))) == 2


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_joined_and_submitted_studies_ignore_modules_in_the_folder_of_ray_and_in_their_own(crowded: Path) -> None:
    with head_with_dashboard(crowded) as head:
        request = ["launch", *TINY, "--name", "j", "--address", head.address]
        joined = refineloc(crowded, *request, RAY_AUTH_MODE="token")
        assert (joined.returncode, joined.stderr) == (0, "")
        assert "2 completed" in joined.stdout
        submitted = refineloc(crowded, "launch", *TINY, "--name", "s", "--submit", head.dashboard)
        assert (submitted.returncode, submitted.stderr) == (0, ""), submitted.stdout
        assert "2 completed" in submitted.stdout
        assert "next         refineloc tables --study s" in submitted.stdout
