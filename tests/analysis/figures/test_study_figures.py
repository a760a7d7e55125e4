"""Which figures a study has, and that each can be drawn from whatever a study holds."""

from pathlib import Path

from analysis.drawing.rendering import render
from analysis.figures.study_figures import study_drawings
from analysis.settings import ALPHA_A, ALPHA_C
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, paper_like, point


def test_a_single_trial_has_curves_but_no_heat_map(tmp_path: Path) -> None:
    StudyFolder(tmp_path / "s").add(point("attention", 1.0), [30])
    found = study_drawings(load_study(tmp_path / "s"))
    assert [drawing.name for drawing in found] == ["iterations", "history", "cost"]
    for drawing in found:
        render(drawing, "one trial")


def test_same_numbers_same_files(tmp_path: Path) -> None:
    paper_like(tmp_path / "s", seeds=2)
    (drawing, *_) = study_drawings(load_study(tmp_path / "s"))
    assert render(drawing, "t") == render(drawing, "t")


def test_thresholds_and_label_quality_have_figures(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    quality = {"foreground_precision": 60.0, "foreground_recall": 50.0}
    for a, c, top in ((0.1, 0.2, 40), (0.1, 0.4, 41), (0.5, 0.2, 42)):
        made.add({ALPHA_A: a, ALPHA_C: c}, [30, top], labels=quality)
    found = {drawing.name: drawing for drawing in study_drawings(load_study(made.folder))}
    assert {"thresholds", "label_quality", "slices"} <= set(found)
    assert set(found["label_quality"].data["quality"]) == set(quality)
    for drawing in found.values():
        render(drawing, "t", ["png"])


def test_without_annotations_there_is_no_map_to_draw_and_the_rest_is_drawn(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for beta in (1.0, 2.0):
        made.add(point("attention", beta), [30, 30 + beta], annotated=False)
    found = study_drawings(load_study(made.folder))
    assert [drawing.name for drawing in found] == ["history", "slices", "parallel_coordinates", "cost"]
    for drawing in found:
        render(drawing, "t", ["png"])


def test_some_trials_without_a_number_leave_a_gap(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40], annotated=False)
    made.add(point("attention", 2.0), [30, 41])
    made.add(point("uniform_random", 2.0), [30, 42])
    for drawing in study_drawings(load_study(made.folder)):
        render(drawing, "t", ["png"])
