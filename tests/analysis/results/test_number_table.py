"""A table of numbers before it is text."""

from analysis.results.number_table import NumberTable
from analysis.results.statistics import Summary


def test_cells_are_found_by_their_place() -> None:
    cell = Summary(1.0, 0.0, 1, (0,), (0,), (0,), (1,))
    table = NumberTable("n", "w", "c", "", ["r"], ["x", "y"], [[cell, None]], [True], [])
    assert table.by_place == {("r", "x"): cell, ("r", "y"): None}
    assert table.number == "test_map"
