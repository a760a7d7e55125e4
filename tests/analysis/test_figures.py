"""Figures: their values, and that every one can be drawn from whatever a study holds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.figures import drawings, main
from analysis.load import load_study
from analysis.rendering import render
from analysis.search_figures import search_history
from tests.analysis.study_folders import StudyFolder, paper_like, point


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Completed, pruned, failed and running trials, and the oracle."""
    made = StudyFolder(tmp_path / "mixed")
    made.add(point("attention", 1.0), [], state="failed", reason="no")
    made.add(point("attention", 1.0), [30, 35])
    made.add(point("attention", 2.0), [30, 50], state="pruned")
    made.add(point("oracle", 2.0), [30, 80])
    made.add(point("segment_prediction", 2.0), [30, 40, 39])
    made.add(point("segment_prediction", 4.0), [30, 38], state=None)
    return made.folder


def test_best_so_far_counts_completed_trials_without_the_oracle(mixed: Path) -> None:
    history = search_history(load_study(mixed))
    np.testing.assert_array_equal(history.objective, [np.nan, 35, 50, 80, 40, 38])
    np.testing.assert_array_equal(history.best_so_far, [np.nan, 35, 35, 35, 40, 40])
    assert history.base == 30


def test_every_figure_has_pdf_png_and_its_data(mixed: Path, tmp_path: Path) -> None:
    assert main(["--study", str(mixed), "--out", str(tmp_path / "out")]) == 0
    names = ("cost", "generator_beta", "history", "iterations", "parallel_coordinates", "slices")
    written = {path.name: path for path in (tmp_path / "out").iterdir()}
    assert set(written) == {f"{name}.{suffix}" for name in names for suffix in ("csv", "pdf", "png")}
    assert written["history.pdf"].read_bytes().startswith(b"%PDF")
    assert written["history.png"].read_bytes().startswith(b"\x89PNG")
    assert pd.read_csv(written["history.csv"])["best_so_far"].tolist()[1:] == [35, 35, 35, 40, 40]


def test_a_single_trial_has_curves_but_no_heat_map(tmp_path: Path) -> None:
    StudyFolder(tmp_path / "s").add(point("attention", 1.0), [30])
    found = drawings(load_study(tmp_path / "s"))
    assert [drawing.name for drawing in found] == ["iterations", "history", "cost"]
    for drawing in found:
        render(drawing, "one trial")


def test_same_numbers_same_files(tmp_path: Path) -> None:
    paper_like(tmp_path / "s", seeds=2)
    (drawing, *_) = drawings(load_study(tmp_path / "s"))
    assert render(drawing, "t") == render(drawing, "t")


def test_no_completed_trial_is_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    StudyFolder(tmp_path / "s")
    assert main(["--study", "s", "--study-dir", str(tmp_path)]) == 1
    assert "no trial is completed yet" in capsys.readouterr().err
