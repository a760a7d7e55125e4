"""A finished table as text cells with marks, between the numbers (results/) and a format (Markdown, LaTeX, HTML)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from analysis.results.statistics import Summary, paired_difference
from analysis.text import DASH, M0_MARK, SIMILAR, number_text


class Cell(NamedTuple):
    """Text of a cell with its marks; covered: part of the span above it. trials: that the number rests on."""

    text: str = DASH
    bold: bool = False
    underline: bool = False
    covered: bool = False
    trials: tuple[int, ...] = ()


class Grid(NamedTuple):
    """name: of its files. label: for references, unique in a paper. caption: what a reader needs under the table.
    spanner: heading over all columns but the first, empty for none. rows: cells as wide as ``header``; the first of
    each is the row's name. notes: what else the numbers rest on."""

    name: str
    label: str
    caption: str
    spanner: str
    header: list[str]
    rows: list[list[Cell]]
    notes: Sequence[str] = ()


def text_columns(grid: Grid) -> list[bool]:
    """Which columns hold words, which line up by their beginnings: the first, and those whose cells begin with a
    letter."""
    columns = zip(*grid.rows, strict=True) if grid.rows else ((),) * len(grid.header)
    words = [bool(column) and all(cell.text[:1].isalpha() for cell in column if not cell.covered) for column in columns]
    return [True, *words[1:]]


def without_empty(grid: Grid, optional: Sequence[str]) -> Grid:
    """The grid without those of its ``optional`` columns that hold nothing but dashes."""
    kept = [
        c for c, name in enumerate(grid.header) if name not in optional or any(row[c].text != DASH for row in grid.rows)
    ]
    rows = [[row[c] for c in kept] for row in grid.rows]
    return grid._replace(header=[grid.header[c] for c in kept], rows=rows)


def summary_text(summary: Summary | None, seeds: int = 1) -> str:
    """``48.21``, ``48.21 ± 1.10`` over seeds, with the count where it is not ``seeds``, and M0_MARK where it is M0's; a
    dash for no number."""
    if summary is None:
        return DASH
    text = number_text(summary.mean) if summary.n == 1 else f"{number_text(summary.mean)} ± {number_text(summary.std)}"
    counted = text if summary.n == seeds else f"{text} (n={summary.n})"
    return f"{counted} {M0_MARK}" if summary.is_m0 else counted


def summary_cell(summary: Summary | None, seeds: int | None = None) -> Cell:
    """A cell without marks. seeds: how many it should rest on, its own count by default."""
    if summary is None:
        return Cell()
    return Cell(summary_text(summary, summary.n if seeds is None else seeds), trials=summary.trials)


def marked(
    rows: Sequence[Sequence[Summary | None]], competing: Sequence[bool], seeds: Sequence[int], style: str = "second"
) -> list[list[Cell]]:
    """Cells of numbers with marks; equal as printed is equal, and a column of equal numbers has no best.

    style ``second``: the best of each column bold, the second underlined. Where seeds allow a paired bootstrap, a
    best that is not above another cell on their common seeds is not bold; all that it is not above get SIMILAR. style
    ``paper``: the best of each column bold, the best of all underlined, whatever the seeds say. Numbers that are M0's
    are no configuration's own and take no part, nor does a column of one M0 for each seed: its numbers differ by their
    seeds alone. competing: rows that take part. seeds: how many each row's numbers should rest on.
    """
    taking_part = [row for row, competes in zip(rows, competing, strict=True) if competes]
    columns = [_compared(column) for column in zip(*taking_part, strict=True)]
    if style == "paper":
        overall = max((_printed(cell) for column in columns for cell in column), default=0.0)
        marks = [_paper_marks(column, overall) for column in columns]
    else:
        marks = [_ranked_marks(column) for column in columns]
    marks = marks or [{} for _ in (rows[0] if rows else ())]
    return [
        [
            _with_marks(summary, wanted, _mark(summary, column) if competes else "")
            for summary, column in zip(row, marks, strict=True)
        ]
        for row, competes, wanted in zip(rows, competing, seeds, strict=True)
    ]


def mark_remarks(rows: Sequence[Sequence[Cell]]) -> list[str]:
    """What a caption must say about the marks in these cells."""
    texts = [cell.text for row in rows for cell in row]
    similar = any(SIMILAR in text for text in texts)
    of_m0 = any(M0_MARK in text for text in texts)
    return [
        *[f"{SIMILAR}: not distinguishable from the best of its column"] * similar,
        *[f"{M0_MARK}: the number is M0's, as refinement never helped"] * of_m0,
    ]


def _compared(column: Sequence[Summary | None]) -> list[Summary]:
    found = [cell for cell in column if cell and not cell.is_m0]
    if any(any(cell.iterations) for cell in found):
        return found
    m0 = {(seed, number_text(value)) for cell in found for seed, value in zip(cell.seeds, cell.values, strict=True)}
    return found if len(m0) > len({seed for seed, _ in m0}) else []


def _paper_marks(column: Sequence[Summary], overall: float) -> dict[float, str]:
    values = {_printed(cell) for cell in column}
    return {value: "b" * (len(values) > 1 and value == max(values)) + "u" * (value == overall) for value in values}


def _ranked_marks(column: Sequence[Summary]) -> dict[float, str]:
    """b, u or s (similar) by printed value."""
    values = sorted({_printed(cell) for cell in column}, reverse=True)
    if len(values) < 2:
        return {}
    best = max(column, key=lambda cell: cell.mean)
    similar = {values[0]}
    if any(cell.n > 1 for cell in column):  # too few common seeds to tell is not telling either
        similar |= {_printed(cell) for cell in column if not _is_above(best, cell)}
    return dict.fromkeys(similar, "s") if len(similar) > 1 else {values[0]: "b", values[1]: "u"}


def _is_above(best: Summary, other: Summary) -> bool:
    # On common seeds: the higher mean may come from seeds that the other did not run on.
    difference = paired_difference(best, other)
    return difference is not None and difference.interval is not None and difference.interval[0] > 0


def _mark(summary: Summary | None, column: dict[float, str]) -> str:
    return "" if summary is None or summary.is_m0 else column.get(_printed(summary), "")


def _with_marks(summary: Summary | None, wanted: int, marks: str) -> Cell:
    cell = summary_cell(summary, wanted)
    text = f"{cell.text} {SIMILAR}" if "s" in marks else cell.text
    return cell._replace(text=text, bold="b" in marks, underline="u" in marks)


def _printed(summary: Summary | None) -> float:
    """The mean as the table shows it."""
    assert summary is not None
    return float(number_text(summary.mean))
