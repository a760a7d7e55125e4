"""``python -m analysis.figures``."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from analysis.figures.__main__ import main
from tests.analysis.prediction_folders import with_predictions
from tests.analysis.study_folders import StudyFolder, mixed_study, point


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    return mixed_study(tmp_path / "mixed")


def test_every_figure_has_pdf_png_and_its_data(mixed: Path, tmp_path: Path) -> None:
    assert main(["--study", str(mixed), "--out", str(tmp_path / "out")]) == 0
    names = ("cost", "generator_beta", "history", "iterations", "parallel_coordinates", "slices")
    written = {path.name: path for path in (tmp_path / "out").iterdir()}
    assert set(written) == {f"{name}.{suffix}" for name in names for suffix in ("csv", "pdf", "png")}
    assert written["history.pdf"].read_bytes().startswith(b"%PDF")
    assert written["history.png"].read_bytes().startswith(b"\x89PNG")
    assert pd.read_csv(written["history.csv"])["best_so_far"].tolist()[1:] == [35, 35, 35, 40, 40]


def test_no_completed_trial_is_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    StudyFolder(tmp_path / "s")
    assert main(["--study", "s", "--study-dir", str(tmp_path)]) == 1
    assert "no trial is completed yet" in capsys.readouterr().err


def test_several_studies_go_to_folders_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        StudyFolder(tmp_path / name).add(point("attention", 1.0), [30, 40])
    StudyFolder(tmp_path / "c")
    names = ["--study", "a", "--study", "b", "--study", "c", "--study-dir", str(tmp_path)]
    assert main([*names, "--out", str(tmp_path / "out")]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a", "b"}
    assert "c: no trial is completed yet" in capsys.readouterr().err


@pytest.mark.parametrize(
    "environment",
    [
        {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
        {"MPLBACKEND": "no-such-backend"},
        {"MATPLOTLIBRC": "matplotlibrc_usetex"},
    ],
    ids=["notebook", "unknown", "usetex"],
)
def test_a_users_settings_change_nothing(environment: dict[str, str], tmp_path: Path, shared: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40])
    made.add(point("attention", 2.0), [30, 42])
    if "MATPLOTLIBRC" in environment:
        environment = {"MATPLOTLIBRC": str(shared / "cases" / environment["MATPLOTLIBRC"])}
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MPL", "MATPLOTLIB"))}
    for out, changed in (("plain", {}), ("changed", environment)):
        command = [sys.executable, "-m", "analysis.figures", "--study", str(made.folder), "--out", str(tmp_path / out)]
        done = subprocess.run(command, env={**plain, **changed}, check=False, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
    names = sorted(path.name for path in (tmp_path / "plain").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "changed").iterdir())
    for name in names:
        assert (tmp_path / "plain" / name).read_bytes() == (tmp_path / "changed" / name).read_bytes(), name


def test_the_command_writes_figures_of_predictions(tmp_path: Path) -> None:
    folder = with_predictions(tmp_path / "s")
    assert main(["--study", str(folder), "--out", str(tmp_path / "out")]) == 0
    assert len(pd.read_csv(tmp_path / "out" / "timelines.csv")) > 5
    assert (tmp_path / "out" / "precision_recall.pdf").is_file()
