"""A finished table as text cells with marks, between the numbers (tables.py) and a format (here Markdown; latex.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tabulate import tabulate

from analysis.statistics import Summary

DASH = "\N{EN DASH}"


class Cell(NamedTuple):
    """Text of a cell; bold: best of its column; underline: best of all; covered: part of the span above it."""

    text: str = DASH
    bold: bool = False
    underline: bool = False
    covered: bool = False


class Grid(NamedTuple):
    """name: of its files. label: for references, unique in a paper. spanner: heading over all columns but the first.
    rows: cells as wide as ``header``; the first of each is the row's name."""

    name: str
    label: str
    caption: str
    spanner: str
    header: list[str]
    rows: list[list[Cell]]


def number_text(summary: Summary | None, seeds: int = 1) -> str:
    """``48.21``, ``48.21 ± 1.10`` over seeds, with the count where it is not ``seeds``; a dash for no trial."""
    if summary is None:
        return DASH
    text = f"{summary.mean:.2f}" if summary.n == 1 else f"{summary.mean:.2f} ± {summary.std:.2f}"
    return text if summary.n == seeds else f"{text} (n={summary.n})"


def marked(
    rows: Sequence[Sequence[Summary | None]], competing: Sequence[bool], seeds: Sequence[int]
) -> list[list[Cell]]:
    """Cells of numbers, the best of each column bold and the best of all underlined; equal as printed is equal.

    competing: rows that take part in these marks. seeds: how many each row's numbers should rest on. A column of
    equal numbers has no best.
    """
    taking_part = [row for row, competes in zip(rows, competing, strict=True) if competes]
    values = [{_printed(summary) for summary in column if summary} for column in zip(*taking_part, strict=True)]
    overall = max((max(column) for column in values if column), default=None)

    def cell(summary: Summary | None, column: set[float], competes: bool, wanted: int) -> Cell:
        if summary is None or not competes:
            return Cell(number_text(summary, wanted))
        value = _printed(summary)
        return Cell(
            number_text(summary, wanted), bold=len(column) > 1 and value == max(column), underline=value == overall
        )

    columns = values or [set() for _ in (rows[0] if rows else ())]
    return [
        [cell(summary, column, competes, wanted) for summary, column in zip(row, columns, strict=True)]
        for row, competes, wanted in zip(rows, competing, seeds, strict=True)
    ]


def to_markdown(grid: Grid) -> str:
    """A pipe table under its caption; a spanning cell is repeated in each of its rows."""
    shown: list[list[str]] = []
    for row in grid.rows:
        shown.append([shown[-1][c] if cell.covered else _markdown(cell) for c, cell in enumerate(row)])
    header = [f"{grid.spanner} = {grid.header[1]}" if c == 1 else name for c, name in enumerate(grid.header)]
    align = ["left", *["right"] * (len(header) - 1)]
    # disable_numparse: tabulate would print 12.30 as 12.3
    table = tabulate(shown, header, tablefmt="pipe", disable_numparse=True, colalign=align)
    return f"{grid.caption}\n\n{table}\n"


def _printed(summary: Summary) -> float:
    return float(f"{summary.mean:.2f}")


def _markdown(cell: Cell) -> str:
    text = f"**{cell.text}**" if cell.bold else cell.text
    return f"<u>{text}</u>" if cell.underline else text
