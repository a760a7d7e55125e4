"""Two studies against each other: the dots and the differences."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from analysis.figures.pairs import draw_pairs, pair_drawing
from analysis.results.pairs import paired_studies, pairs_data
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, point


def test_every_pair_is_a_dot_and_a_bar_and_the_mean_is_marked(tmp_path: Path) -> None:
    one, two = StudyFolder(tmp_path / "one"), StudyFolder(tmp_path / "two")
    for seed, more in ((0, 3), (1, -1)):
        one.add(point("attention", 2.0), [30, 40], seed)
        two.add(point("attention", 2.0), [30, 40 + more], seed)
    pairs = paired_studies(load_study(one.folder), load_study(two.folder))
    figure = Figure()
    draw_pairs(pairs_data(pairs), pairs, "mAP@0.5", figure)
    left, right = figure.axes
    assert np.asarray(left.collections[0].get_offsets()).tolist() == [[35, 38], [35, 34]]
    assert [bar.get_width() for bar in right.patches] == [-1, 3]  # type: ignore[attr-defined]
    zero, mean = right.get_lines()
    assert (np.unique(zero.get_xdata()).tolist(), np.unique(mean.get_xdata()).tolist()) == ([0], [1])
    assert left.get_xlabel() == "one: test mAP@0.5 (%)"


def test_studies_without_a_pair_have_no_figure(tmp_path: Path) -> None:
    one, two = StudyFolder(tmp_path / "one"), StudyFolder(tmp_path / "two")
    one.add(point("attention", 1.0), [30, 40])
    two.add(point("attention", 2.0), [30, 40])
    assert pair_drawing(paired_studies(load_study(one.folder), load_study(two.folder)), "mAP") is None
