"""Interactive plots of the search."""

from pathlib import Path

from analysis.report.search_plots import search_plots
from analysis.settings import ALPHA_A, ALPHA_C, SAMPLED_SHARE
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, point


def test_contours_are_drawn_where_points_support_them(tmp_path: Path) -> None:
    few, many = StudyFolder(tmp_path / "few"), StudyFolder(tmp_path / "many")
    for beta in (1.0, 2.0, 4.0, 8.0, 16.0):
        few.add(point("attention", beta, **{SAMPLED_SHARE: beta / 16}), [30, 40 + beta])
        for share in (0.2, 0.4, 0.6, 0.8):
            many.add(point("attention", beta, **{SAMPLED_SHARE: share}), [30, 40 + beta + share])
    assert "Contours" not in dict(search_plots(load_study(few.folder)))
    plots = dict(search_plots(load_study(many.folder)))
    assert "Contours" in plots
    assert "β" in plots["Slices"] or "\\u03b2" in plots["Slices"]


def test_there_is_no_surface_between_words(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for generator, gain in (("attention", 5), ("segment_prediction", 9), ("class_activation", 3), ("oracl", 1)):
        for beta in (1.0, 2.0, 4.0, 8.0, 16.0):
            made.add(point(generator, beta), [30, 30 + gain + beta / 8])
    assert "Contours" not in dict(search_plots(load_study(made.folder)))


def test_axes_have_the_papers_symbols_and_the_objective_its_name(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for a, c in ((0.1, 0.2), (0.5, 0.4), (0.9, 0.6)):
        made.add(point("attention", 10 * a, **{ALPHA_A: a, ALPHA_C: c}), [30, 40 + a])
    plots = dict(search_plots(load_study(made.folder)))
    text = plots["Parallel coordinates"].encode().decode("unicode_escape")
    assert "pseudo_labels" not in text
    for name in ("αA", "αC", "β"):
        assert f'"{name}"' in text
    assert "refined selection mAP@0.5 (%)" in plots["History"]


def test_one_configuration_has_no_search(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40])
    assert search_plots(load_study(made.folder)) == []
