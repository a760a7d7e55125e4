"""How a table is set in LaTeX: within one column of a two-column paper where it can be made to fit.

The steps are an author's: a smaller size and less space between columns, column names and the first column in several
lines, deviations smaller, then below their means. Widths are estimated without LaTeX, from those of Computer Modern and
Times, whichever is wider.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from analysis.tables.grid import Cell, Grid

COLUMN_PT, PAGE_PT = 234.0, 495.0  # the narrowest that are usual: 3.25 in and 6.875 in, as at CVPR
SMALL_PT = 8.0  # of \scriptsize
MOST_LINES = 3  # of a first column that is set as a paragraph
FILLED = 0.85  # of a line of a paragraph, on average
DEVIATION = " ± "

Deviation = Literal["beside", "small", "below", "short"]


class Layout(NamedTuple):
    """size: LaTeX's command. points: ten times the width of its letters over that of letters of 10 pt; small ones of
    Computer Modern are wider than their size says. gap: on each side of a column, points. wraps: whether names of
    columns and the first column may take several lines. deviation: where ``± 1.10`` stands; ``short``: below, with one
    decimal."""

    size: str
    points: float
    gap: float
    wraps: bool
    deviation: Deviation


LAYOUTS = (
    Layout("", 10, 6, False, "beside"),
    Layout(r"\small", 9.2, 4, False, "beside"),
    Layout(r"\small", 9.2, 4, True, "beside"),
    Layout(r"\footnotesize", 8.5, 3, True, "beside"),
    Layout(r"\footnotesize", 8.5, 3, True, "small"),
    Layout(r"\footnotesize", 8.5, 3, True, "below"),
    Layout(r"\footnotesize", 8.5, 2, True, "short"),
)


def spread_text(rest: str, deviation: Deviation) -> str:
    """What follows a mean and its ``±``: ``1.10 ≈``, or ``1.1≈``."""
    number, space, marks = rest.partition(" ")
    return f"{float(number):.1f}{space * marks.startswith('(')}{marks}" if deviation == "short" else rest


class Setting(NamedTuple):
    """A table's layout. wide: over both columns. first_pt: width of the first column as a paragraph, None for one that
    is as wide as its text. headers: lines of the name of each column."""

    layout: Layout
    wide: bool
    first_pt: float | None
    headers: list[list[str]]


def setting(grid: Grid, columns: int) -> Setting:
    """The first of LAYOUTS that fits. columns: 1 tries all of them in one column; 2 takes one column only for a table
    that fits there as it is."""
    tried = [(layout, False) for layout in (LAYOUTS if columns == 1 else LAYOUTS[:1])]
    tried += [(layout, True) for layout in LAYOUTS]
    for layout, wide in tried:
        found = _fitted(grid, layout, wide)
        if found is not None:
            deviates = any(DEVIATION in cell.text for row in grid.rows for cell in row)
            return found if deviates else found._replace(layout=found.layout._replace(deviation="beside"))
    return Setting(LAYOUTS[-1], True, None, _headers(grid, LAYOUTS[-1]))


def text_pt(text: str, points: float = 10) -> float:
    """Estimated width of text that is not bold, in points."""
    return sum(_EM.get(character, 0.62) for character in text) * points


def wrapped(text: str, width_pt: float, points: float) -> list[str]:
    """Lines of whole words, none wider than this unless a word is."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_pt(longer, points) <= width_pt:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines or [""]


def _fitted(grid: Grid, layout: Layout, wide: bool) -> Setting | None:
    room = PAGE_PT if wide else COLUMN_PT
    headers = _headers(grid, layout)
    widths = [max(_lines_pt(lines, layout), body) for lines, body in zip(headers, _body_pt(grid, layout), strict=True)]
    others = sum(widths[1:]) + 2 * layout.gap * (len(widths) - 1)
    if widths[0] + others <= room:
        return Setting(layout, wide, None, headers)
    left = room - others
    names = [row[0].text for row in grid.rows]
    if not layout.wraps or left < max(_lines_pt(name.split(), layout) for name in [grid.header[0], *names]):
        return None
    if max(text_pt(name, layout.points) for name in names) > MOST_LINES * FILLED * left:
        return None
    return Setting(layout, wide, left, [wrapped(grid.header[0], left, layout.points), *headers[1:]])


def _headers(grid: Grid, layout: Layout) -> list[list[str]]:
    """Lines of each column's name: one, or as many as the column's cells leave room for."""
    if not layout.wraps:
        return [[name] for name in grid.header]
    bodies = _body_pt(grid, layout)
    return [
        wrapped(name, max(body, _lines_pt(name.split(), layout)), layout.points)
        for name, body in zip(grid.header, bodies, strict=True)
    ]


def _body_pt(grid: Grid, layout: Layout) -> list[float]:
    """Of the cells of each column."""
    return [max((_cell_pt(cell.text, cell.bold, layout) for cell in column), default=0.0) for column in _columns(grid)]


def _columns(grid: Grid) -> list[list[Cell]]:
    return [list(column) for column in zip(*grid.rows, strict=True)] if grid.rows else [[] for _ in grid.header]


def _cell_pt(text: str, bold: bool, layout: Layout) -> float:
    head, sign, rest = text.partition(DEVIATION)
    wider = BOLD if bold else 1.0
    if not sign or layout.deviation == "beside":
        return wider * text_pt(text, layout.points)
    mean, spread = wider * text_pt(head, layout.points), text_pt(f"±{spread_text(rest, layout.deviation)}", SMALL_PT)
    return mean + spread + 2 if layout.deviation == "small" else max(mean, spread)


def _lines_pt(lines: Sequence[str], layout: Layout) -> float:
    return max((text_pt(line, layout.points) for line in lines), default=0.0)


BOLD = 1.15  # times as wide
_BY_WIDTH = {
    0.30: "',.:;ijl|",
    0.35: "!-I[]`f ",
    0.40: "()rst",
    0.45: "?cez",
    0.50: '"$*/0123456789J\\ago{}–†⁰',
    0.55: "Sbdhknpquvxyη",
    0.60: "LZ^~",
    0.65: "Fαβ",
    0.70: "BCEPTw",
    0.75: "ADHNRUVXYᴹ",
    0.80: "&+<=>GKOQ_±≈×",
    0.90: "#%m@M",
    1.05: "W",
}
_EM = {character: width for width, characters in _BY_WIDTH.items() for character in characters}
