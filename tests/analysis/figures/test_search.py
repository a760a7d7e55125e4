"""Figures of the search: what stands on the axes."""

from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.drawing.isolation import isolated_style
from analysis.figures.search import draw_cost, draw_history, draw_importance, draw_parallel, draw_slices
from analysis.results.importance import Importance
from analysis.results.search import Axis, History, SearchedTrials, TrialCosts
from tests.analysis.figures.axes import drawn_on

SEARCHED = SearchedTrials(
    objective=np.array([30.0, 40.0]),
    trial=np.array([0, 1]),
    generator=["attention", "attention"],
    axes=[
        Axis("loss.beta", np.array([1.0, 16.0]), None, (1.0, 16.0), logarithmic=True),
        Axis("x.a_very_long_name_of_a_key", np.array([0.0, np.nan]), ["a word of more than eighteen letters"], None),
    ],
)


def test_trials_without_a_result_lie_along_the_bottom() -> None:
    refined, reported = np.array([40.0, np.nan]), np.array([45.0, np.nan])
    history = History(np.array([0, 1]), refined, reported, refined[[0, 0]], ["completed", "failed"],
                      ["attention", "attention"], 30.0)  # fmt: skip
    with drawn_on() as ax:
        draw_history(history, "selection mAP (%)", ax)
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert np.asarray(lines["Attention"].get_ydata()).tolist() == [40]
    assert np.asarray(lines["no result"].get_xdata()).tolist() == [1]
    assert np.asarray(lines["base model M0"].get_ydata()).tolist() == [30, 30]
    assert ax.get_ylabel() == "selection mAP (%)"


def test_slices_ring_the_trials_on_an_edge_and_shorten_words() -> None:
    figure = Figure()
    draw_slices(SEARCHED, "selection", figure)
    beta, words = figure.axes
    assert np.asarray(beta.collections[1].get_offsets()).tolist() == [[1, 30], [16, 40]]
    assert [tick.get_text() for tick in words.get_xticklabels()] == ["a word of more th…"]


def test_names_of_neighbouring_axes_do_not_overprint() -> None:
    with isolated_style({}):
        figure = Figure(figsize=(6.9, 2.2), layout="constrained")
        draw_parallel(SEARCHED, "selection average mAP (0.5:0.05:0.95) (%)", figure)
        figure.draw_without_rendering()
        boxes = [tick.get_window_extent() for tick in figure.axes[0].get_xticklabels()]
    assert all(left.x1 <= right.x0 for left, right in pairwise(boxes))


def test_each_key_has_a_bar_for_each_evaluator() -> None:
    found = [Importance(name, {"loss.beta": 0.7, "x": 0.3}, 5, []) for name in ("fanova", "ped_anova")]
    with drawn_on() as ax:
        draw_importance(found, ax)
    assert [round(bar.get_width(), 1) for bar in _bars(ax)] == [0.7, 0.3, 0.7, 0.3]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["β", "x"]


def test_intervals_of_an_importance_are_lines_and_its_seeds_ticks() -> None:
    found = [Importance("fanova", {"x": 0.7}, 5, [], {"x": (0.5, 0.9)}, {"x": (0.6, 0.8)})]
    with drawn_on() as ax:
        draw_importance(found, ax)
    line, ticks = ax.lines
    assert (np.asarray(line.get_xdata()).tolist(), line.get_marker()) == ([0.5, 0.9], "None")
    assert (np.asarray(ticks.get_xdata()).tolist(), ticks.get_marker()) == ([0.6, 0.8], "|")


def test_each_trial_is_a_dot_in_the_row_of_its_generator() -> None:
    with drawn_on() as ax:
        draw_cost(TrialCosts(np.array([3.0, 5.0]), ["oracle", "attention"], ["cpu"]), ax)
    dots = np.asarray(ax.collections[0].get_offsets())
    assert dots[:, 0].tolist() == [3, 5]
    assert np.rint(dots[:, 1]).tolist() == [1, 0]
    assert ax.get_xlabel() == "seconds per trial (cpu)"


def _bars(ax: Axes) -> list[Rectangle]:
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)]
