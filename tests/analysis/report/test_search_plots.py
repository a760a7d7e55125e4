"""Interactive plots of the search."""

from pathlib import Path

from analysis.report.search_plots import search_plots
from analysis.settings import SAMPLED_SHARE
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, point


def test_contours_are_drawn_where_points_support_them(tmp_path: Path) -> None:
    few, many = StudyFolder(tmp_path / "few"), StudyFolder(tmp_path / "many")
    for beta in (1.0, 2.0, 4.0):
        few.add(point("attention", beta, **{SAMPLED_SHARE: beta / 8}), [30, 40 + beta])
        for share in (0.2, 0.4, 0.6, 0.8):
            many.add(point("attention", beta, **{SAMPLED_SHARE: share}), [30, 40 + beta + share])
    assert "Contours" not in dict(search_plots(load_study(few.folder)))
    plots = dict(search_plots(load_study(many.folder)))
    assert "Contours" in plots
    assert "β" in plots["Slices"] or "\\u03b2" in plots["Slices"]


def test_one_configuration_has_no_search(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40])
    assert search_plots(load_study(made.folder)) == []
