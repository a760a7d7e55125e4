"""How wide a table is, and what makes it fit."""

from analysis.tables.grid import Cell
from analysis.tables.layout import COLUMN_PT, LAYOUTS, setting, spread_text, text_pt, wrapped
from tests.analysis.tables.cells import GRID


def test_a_small_table_is_set_as_it_is() -> None:
    found = setting(GRID, 1)
    assert (found.layout, found.wide, found.first_pt) == (LAYOUTS[0], False, None)
    assert found.headers == [["Pseudo labels"], ["0"], ["1"]]


def test_a_table_gets_smaller_before_it_gets_wide() -> None:
    sizes = []
    for columns in range(2, 14):
        grid = GRID._replace(header=["x"] * (columns + 1), rows=[[Cell("name"), *[Cell("12.34")] * columns]])
        found = setting(grid, 1)
        sizes.append((found.wide, -found.layout.points))
    assert sizes == sorted(sizes)
    assert sizes[0] == (False, -10)
    assert sizes[-1][0]


def test_a_table_without_deviations_has_rows_of_one_line() -> None:
    grid = GRID._replace(header=["x"] * 9, rows=[[Cell("name"), *[Cell("12.34")] * 8]])
    assert setting(grid, 1).layout.deviation == "beside"


def test_a_first_column_takes_what_the_others_leave() -> None:
    grid = GRID._replace(spanner="", rows=[[Cell("many words " * 6), Cell("12.34"), Cell("12.34")]])
    found = setting(grid, 1)
    assert found.first_pt is not None
    assert found.first_pt < COLUMN_PT - 2 * text_pt("12.34", found.layout.points)


def test_widths_are_those_of_the_font() -> None:
    assert text_pt("0123456789") == 50  # half an em each
    assert text_pt("W") > 2 * text_pt("i")


def test_lines_break_between_words_alone() -> None:
    assert wrapped("foreground precision", 60, 10) == ["foreground", "precision"]
    assert wrapped("a b c", 60, 10) == ["a b c"]
    assert wrapped("", 60, 10) == [""]


def test_a_short_deviation_has_one_decimal_and_its_marks() -> None:
    assert spread_text("1.16 ≈", "short") == "1.2≈"
    assert spread_text("1.16 (n=2)", "short") == "1.2 (n=2)"
    assert spread_text("1.16 ≈", "below") == "1.16 ≈"
