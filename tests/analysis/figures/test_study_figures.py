"""Figures: their values, and that every one can be drawn from whatever a study holds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.drawing.rendering import render
from analysis.figures.search import at_edge, search_history, searched_axes
from analysis.figures.study_figures import drawings, main
from analysis.results.comparisons import ALPHA_A, ALPHA_C
from analysis.study import load_study
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


def test_thresholds_and_label_quality_have_figures(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    quality = {"foreground_precision": 60.0, "foreground_recall": 50.0}
    for a, c, top in ((0.1, 0.2, 40), (0.1, 0.4, 41), (0.5, 0.2, 42)):
        made.add({ALPHA_A: a, ALPHA_C: c}, [30, top], labels=quality)
    found = {drawing.name: drawing for drawing in drawings(load_study(made.folder))}
    assert {"thresholds", "label_quality", "slices"} <= set(found)
    assert set(found["label_quality"].data["quality"]) == set(quality)
    for drawing in found.values():
        render(drawing, "t", ["png"])


def test_axes_know_words_numbers_and_the_edges_asked_for(tmp_path: Path) -> None:
    space = {"loss.beta": {"choices": [1.0, 2.0, 4.0]}, "pseudo_labels.sampled_share": {"low": 0.2, "high": 1.0}}
    made = StudyFolder(tmp_path / "s", study={"space": space})
    made.add(point("attention", 1.0, **{"pseudo_labels.sampled_share": 0.5}), [30, 40])
    made.add(point("uniform_random", 2.0), [30, 41])
    axes = {axis.key: axis for axis in searched_axes(load_study(made.folder))}
    assert axes["pseudo_labels.generator"].words == ["uniform_random", "attention"]
    assert axes["pseudo_labels.generator"].position.tolist() == [1, 0]
    assert axes["loss.beta"].edges == (1.0, 4.0)
    assert at_edge(axes["loss.beta"]).tolist() == [True, False]
    assert not at_edge(axes["pseudo_labels.generator"]).any()


def test_several_studies_go_to_folders_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        StudyFolder(tmp_path / name).add(point("attention", 1.0), [30, 40])
    StudyFolder(tmp_path / "c")
    names = ["--study", "a", "--study", "b", "--study", "c", "--study-dir", str(tmp_path)]
    assert main([*names, "--out", str(tmp_path / "out")]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a", "b"}
    assert "c: no trial is completed yet" in capsys.readouterr().err
