"""Signals over iterations: a panel for each."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from analysis.figures.signals import draw_signals, signal_drawing
from analysis.results.signals import SignalTable
from analysis.results.statistics import Summary
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, point


def summary(mean: float, std: float = float("nan")) -> Summary:
    return Summary(mean, std, 1, (0,), (0,), (0,), (1,), (mean,))


def test_a_panel_has_the_iterations_that_have_the_signal_and_a_band_where_seeds_differ() -> None:
    table = SignalTable(
        ["contrast", "label_agreement"],
        [0, 1, 2],
        [[summary(0.1, 0.02), None], [summary(0.2, 0.01), summary(60)], [summary(0.3, 0.03), summary(70)]],
    )
    figure = Figure()
    draw_signals(table, figure)
    contrast, agreement = figure.axes
    assert np.array_equal(contrast.get_lines()[0].get_ydata(), [0.1, 0.2, 0.3])
    assert np.array_equal(agreement.get_lines()[0].get_xdata(), [1, 2])
    assert (len(contrast.collections), len(agreement.collections)) == (1, 0)


def test_the_drawing_traces_its_numbers_and_is_absent_without_signals(tmp_path: Path) -> None:
    with_signals, without = StudyFolder(tmp_path / "a"), StudyFolder(tmp_path / "b")
    with_signals.add(point("attention", 2.0), [30, 40], signals={"contrast": 0.25})
    without.add(point("attention", 2.0), [30, 40])
    drawing = signal_drawing(load_study(with_signals.folder))
    assert drawing is not None
    assert set(drawing.data["value"]) == {0.25}
    assert signal_drawing(load_study(without.folder)) is None
