"""Precision over recall: panels and data."""

import numpy as np
from matplotlib.figure import Figure

from analysis.figures.curves import MOST_CLASSES, curve_data, draw_curves, num_rows
from analysis.results.predictions import Curve

CURVE = Curve(0, np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.5, 2 / 3]), 66.7)


def test_the_interpolated_curve_never_rises() -> None:
    for interpolated, expected in ((True, 2 / 3), (False, 0.0)):
        figure = Figure()
        draw_curves(figure, [CURVE], [], ["x"], interpolated)
        (line,) = figure.axes[0].get_lines()
        assert np.asarray(line.get_ydata())[0] == expected
        assert np.asarray(line.get_ydata())[-1] == 0


def test_of_many_classes_the_best_and_the_worst_are_shown() -> None:
    curves = [CURVE._replace(label=i, ap=float(i)) for i in range(MOST_CLASSES + 5)]
    figure = Figure()
    draw_curves(figure, curves, [], [f"c{i}" for i in range(len(curves))], True)
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert (titles[0], titles[5], titles[6], titles[-1]) == ("c16 (16 %)", "c11 (11 %)", "c5 (5 %)", "c0 (0 %)")
    assert (num_rows(1), num_rows(5), num_rows(100)) == (1, 2, 3)


def test_the_data_name_model_and_class() -> None:
    data = curve_data({"chosen": [CURVE], "M0": []}, ["x"])
    assert (data["model"].tolist(), data["class"].tolist()) == (["chosen"] * 3, ["x"] * 3)
