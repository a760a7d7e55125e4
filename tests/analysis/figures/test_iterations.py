"""mAP over iterations: what stands on the axes."""

import numpy as np
from matplotlib.figure import Figure

from analysis.figures.iterations import draw_iterations, draw_label_quality
from analysis.results.iterations import IterationRow, IterationTable
from analysis.results.statistics import Summary
from tests.analysis.figures.axes import drawn_on


def summary(mean: float, std: float = float("nan")) -> Summary:
    return Summary(mean, std, 1, (0,), (0,), (0,), (1,), (mean,))


def test_a_line_per_generator_with_the_numbers_that_there_are() -> None:
    rows = [
        IterationRow("attention", "{}", [summary(30, 1), None, summary(40, 2)], None, 1, (2,)),
        IterationRow("oracle", "{}", [None, None, None], None, 1, (0,)),
    ]
    with drawn_on() as ax:
        draw_iterations(IterationTable([0, 1, 2], rows, 1), "mAP@0.5", ax)
    (line,) = ax.get_lines()
    assert (line.get_label(), np.asarray(line.get_xdata()).tolist(), np.asarray(line.get_ydata()).tolist()) == (
        "Attention",
        [0, 2],
        [30, 40],
    )
    assert len(ax.collections) == 1  # the band of one standard deviation
    assert ax.get_ylabel() == "test mAP@0.5 (%)"


def test_label_quality_has_a_panel_for_precision_and_one_for_recall() -> None:
    quality = {"foreground_precision": {1: summary(60), 2: summary(65)}, "foreground_recall": {1: summary(50)}}
    figure = Figure()
    draw_label_quality({"attention": quality}, figure)
    precision, recall = figure.axes
    assert np.array_equal(precision.get_lines()[0].get_ydata(), [60, 65])
    assert np.array_equal(recall.get_lines()[0].get_ydata(), [50])
