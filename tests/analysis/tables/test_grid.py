"""Marks and texts of cells."""

import pytest

from analysis.results.statistics import Summary
from analysis.tables.grid import SIMILAR, Cell, mark_remarks, marked, summary_text
from analysis.text import DASH
from tests.analysis.tables.cells import seeded, summary


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, DASH),
        (summary(12.3), "12.30 (n=1)"),
        (summary(12.345, 3, 0.5), "12.35 ± 0.50"),
        (summary(12.3, 2, 0.5), "12.30 ± 0.50 (n=2)"),
    ],
)
def test_numbers_say_their_spread_and_a_smaller_count(value: Summary | None, text: str) -> None:
    assert summary_text(value, 3) == text


def test_the_papers_marks_best_of_each_column_bold_and_best_of_all_underlined_with_ties() -> None:
    rows: list[list[Summary | None]] = [
        [summary(1.0), summary(2.0), summary(3.004)],
        [summary(1.0), summary(3.001), summary(2.0)],
        [None, None, summary(2.5)],
        [summary(9.0), summary(9.0), summary(9.0)],  # takes no part
    ]
    cells = marked(rows, [True, True, True, False], [1] * 4, "paper")
    assert [[cell.bold for cell in row] for row in cells] == [
        [False, False, True], [False, True, False], [False] * 3, [False] * 3
    ]  # fmt: skip
    assert [[cell.underline for cell in row] for row in cells] == [
        [False, False, True], [False, True, False], [False] * 3, [False] * 3
    ]  # fmt: skip
    assert [cell.text for cell in cells[2]] == [DASH, DASH, "2.50"]


def test_best_is_bold_and_second_underlined_with_ties() -> None:
    rows: list[list[Summary | None]] = [[summary(1.0)], [summary(3.0)], [summary(2.0)], [summary(2.001)], [None]]
    cells = [row[0] for row in marked(rows, [True] * 5, [1] * 5)]
    assert [cell.bold for cell in cells] == [False, True, False, False, False]
    assert [cell.underline for cell in cells] == [False, False, True, True, False]
    assert mark_remarks([cells]) == []


def test_a_best_that_the_seeds_do_not_support_is_not_bold() -> None:
    best, close, far = seeded(50, 40, 45), seeded(49, 41, 44), seeded(30, 20, 25)
    cells = [row[0] for row in marked([[best], [close], [far]], [True] * 3, [3] * 3)]
    assert [SIMILAR in cell.text for cell in cells] == [True, True, False]
    assert not any(cell.bold or cell.underline for cell in cells)
    assert mark_remarks([cells]) == ["≈: not distinguishable from the best of its column"]


def test_pairing_by_seed_tells_apart_what_spreads_alike() -> None:
    """Seeds move both by 10 points, their difference never changes sign."""
    best, second = seeded(50, 40, 45), seeded(49, 39.5, 44)
    cells = [row[0] for row in marked([[best], [second]], [True] * 2, [3] * 2)]
    assert (cells[0].bold, cells[1].underline) == (True, True)


def test_a_best_that_easy_seeds_alone_make_one_is_not_bold() -> None:
    best, on_few = seeded(40, 40.5, 41, 80, 81, seeds=(0, 1, 2, 3, 4)), seeded(50, 51, 52)
    cells = [row[0] for row in marked([[best], [on_few]], [True] * 2, [5] * 2)]
    assert not any(cell.bold or cell.underline for cell in cells)
    assert all(SIMILAR in cell.text for cell in cells)


@pytest.mark.parametrize("style", ["second", "paper"])
def test_a_column_of_m0_has_no_marks_although_its_seeds_differ(style: str) -> None:
    m0, on_few = (seeded(*values)._replace(iterations=(0,) * len(values)) for values in ((30, 31, 32), (30,)))
    rows: list[list[Summary | None]] = [[m0, seeded(40, 41, 42)], [on_few, seeded(39)]]
    cells = marked(rows, [True, True], [3, 3], style)
    assert [row[0].text for row in cells] == ["31.00 ± 1.00", "30.00 (n=1)"]
    assert not any(row[0].bold or row[0].underline for row in cells)


def test_base_models_that_differ_are_compared() -> None:
    """A study may vary what trains M0."""
    good, bad = (seeded(*values)._replace(iterations=(0, 0, 0)) for values in ((40, 41, 42), (30, 31, 32)))
    cells = [row[0] for row in marked([[good], [bad]], [True] * 2, [3] * 2)]
    assert (cells[0].bold, cells[1].underline) == (True, True)


def test_a_single_lucky_run_among_seeds_is_not_bold() -> None:
    cells = [row[0] for row in marked([[seeded(60)], [seeded(50, 51, 52)]], [True] * 2, [3] * 2)]
    assert all(SIMILAR in cell.text for cell in cells)


def test_rows_that_all_take_no_part_have_no_marks() -> None:
    assert marked([[summary(1.0), None]], [False], [1]) == [[Cell("1.00", trials=(0,)), Cell()]]
