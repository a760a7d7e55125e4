"""Heat maps: the numbers in their cells."""

import numpy as np

from analysis.figures.heat_maps import draw_generator_beta, draw_heat_map, means
from analysis.results.generators import GeneratorTable
from analysis.results.statistics import Summary
from tests.analysis.figures.axes import drawn_on


def test_means_have_nan_where_there_is_no_number() -> None:
    cell = Summary(40.0, 1.0, 1, (0,), (0,), (0,), (1,))
    np.testing.assert_array_equal(means([[cell, None]]), [[40, np.nan]])


def test_a_cell_without_a_number_has_a_dash_and_dark_cells_white_text() -> None:
    with drawn_on() as ax:
        draw_heat_map(np.array([[10.0, np.nan], [21.0, 30.04]]), ["a", "b"], ["1", "2"], "mAP", ax)
    texts = {(text.get_text(), text.get_color()) for text in ax.texts}
    assert texts == {("10.0", "white"), ("–", "black"), ("21.0", "black"), ("30.0", "black")}


def test_the_base_model_is_told_below() -> None:
    cell = Summary(40.0, 1.0, 1, (0,), (0,), (0,), (1,))
    table = GeneratorTable(["attention"], [1.0, 2.0], cell._replace(mean=25.0), [[cell, cell]], 1, [])
    with drawn_on() as ax:
        draw_generator_beta(table, "mAP", ax)
    assert ax.get_xlabel().endswith("(base model M0, β = 0: 25.0 %)")
