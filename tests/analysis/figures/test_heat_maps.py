"""Heat maps: the numbers in their cells."""

import numpy as np

from analysis.figures.heat_maps import draw_generator_beta, draw_heat_map, m0_remark, means
from analysis.results.generators import GeneratorTable
from analysis.results.statistics import Summary
from tests.analysis.figures.axes import drawn_on


def cell(mean: float, is_m0: bool = False) -> Summary:
    return Summary(mean, 1.0, 1, (0,), (0,), (0,), (1,), is_m0=is_m0)


def test_means_have_nan_where_there_is_no_number() -> None:
    np.testing.assert_array_equal(means([[cell(40), None]]), [[40, np.nan]])


def test_a_cell_without_a_number_has_a_dash_and_dark_cells_white_text() -> None:
    with drawn_on() as ax:
        draw_heat_map([[cell(10), None], [cell(21), cell(30.04)]], ["a", "b"], ["1", "2"], "mAP", ax)
    texts = {(text.get_text(), text.get_color()) for text in ax.texts}
    assert texts == {("10.0", "white"), ("–", "black"), ("21.0", "black"), ("30.0", "black")}


def test_a_number_that_is_m0s_has_its_mark_and_no_colour() -> None:
    cells = [[cell(10), cell(90, is_m0=True)], [cell(21), cell(30)]]
    with drawn_on() as ax:
        draw_heat_map(cells, ["a", "b"], ["1", "2"], "mAP", ax)
    assert ("90.0 ᴹ⁰", "black") in {(text.get_text(), text.get_color()) for text in ax.texts}
    assert ax.collections[-1].get_clim() == (10, 30)
    assert m0_remark(cells).startswith("; ᴹ⁰ on grey")
    assert m0_remark([[cell(10), None]]) == ""


def test_a_map_of_nothing_but_m0_has_no_scale() -> None:
    with drawn_on() as ax:
        draw_heat_map([[cell(50, is_m0=True)] * 2], ["a"], ["1", "2"], "mAP", ax)
        assert ax.figure.axes == [ax]


def test_the_base_model_is_told_below() -> None:
    table = GeneratorTable(["attention"], [1.0, 2.0], cell(25), [[cell(40), cell(40)]], 1, [])
    with drawn_on() as ax:
        draw_generator_beta(table, "mAP", ax)
    assert ax.get_xlabel().endswith("(base model M0, β = 0: 25.0 %)")
