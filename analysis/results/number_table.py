"""A table of numbers before it is text."""

from __future__ import annotations

from typing import NamedTuple

from analysis.results.statistics import Summary

TEST_MAP = "test_map"


class NumberTable(NamedTuple):
    """Numbers with names of rows and columns.

    competing: rows that take part in the marks. number: what the cells hold, as a column of the CSV is called.
    metric: the same for a caption, None for the study's own. split: of the videos they are measured on. remarks:
    what the numbers rest on. best_by_column: whether columns have a best at all. chosen: how the numbers were chosen,
    in a few words, None for the study's own rule.
    """

    name: str
    what: str
    corner: str
    spanner: str
    rows: list[str]
    columns: list[str]
    cells: list[list[Summary | None]]
    competing: list[bool]
    remarks: list[str]
    number: str = TEST_MAP
    metric: str | None = None
    best_by_column: bool = True
    split: str = "test"
    chosen: str | None = None

    @property
    def by_place(self) -> dict[tuple[str, str], Summary | None]:
        """(row, column) -> cell."""
        return {
            (row, column): cell
            for row, cells in zip(self.rows, self.cells, strict=True)
            for column, cell in zip(self.columns, cells, strict=True)
        }
