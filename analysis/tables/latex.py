"""A Grid as a LaTeX table; needs the packages booktabs and multirow."""

from __future__ import annotations

import unicodedata
from itertools import takewhile

from analysis.tables.grid import Cell, Grid

COLUMN_PT, PAGE_PT = 237, 496  # widths of one column and of both in WACV's style, points
CHARACTER_PT, GAP_PT = 5.0, 12.0  # mean character at 10 pt, space between columns

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "|": r"\textbar{}",
    "[": "{[}",  # behind the end of a row it would begin an option
    "±": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "≈": r"$\approx$",
    "≥": r"$\geq$",
    "†": r"$^\dagger$",
    "\N{MODIFIER LETTER CAPITAL M}": r"$^{\mathrm{M}}$",
    "\N{SUPERSCRIPT ZERO}": r"$^{0}$",
    "\N{EN DASH}": "--",
    "\N{LEFT SINGLE QUOTATION MARK}": "`",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
}

_OWN_CAPITALS = ("gamma", "delta", "theta", "lambda", "xi", "pi", "sigma", "upsilon", "phi", "psi", "omega")
_LATIN_CAPITALS = {"eta": "H", "rho": "P", "chi": "X"}


def escape(text: str) -> str:
    """Text that LaTeX prints as it is written here."""
    line = " ".join(text.split())
    return "".join(_ESCAPES.get(character) or _greek(character) for character in line)


def _greek(character: str) -> str:
    r"""``$\beta$`` for β; capitals that look like Latin ones as these; anything else as it is."""
    words = unicodedata.name(character, "").split()
    if words[:1] != ["GREEK"] or words[2:3] != ["LETTER"] or len(words) != 4:
        return character
    name = words[3].lower()
    if words[1] == "SMALL":
        return rf"$\{name}$"
    return rf"$\{name.capitalize()}$" if name in _OWN_CAPITALS else _LATIN_CAPITALS.get(name, name[0].upper())


def to_latex(grid: Grid) -> str:
    """The whole float: caption, label, booktabs rules, spans by multirow."""
    columns = len(grid.header)
    width = _width_pt(grid)
    environment = "table*" if width > COLUMN_PT else "table"
    body = [" & ".join(_cell(grid, r, c) for c in range(columns)) + r" \\" for r in range(len(grid.rows))]
    spanner = [
        rf" & \multicolumn{{{columns - 1}}}{{c}}{{{escape(grid.spanner)}}} \\",
        rf"\cmidrule(lr){{2-{columns}}}",
    ]
    lines = [
        "% needs: booktabs, multirow",
        *(f"% {' '.join(note.split())}" for note in grid.notes),
        rf"\begin{{{environment}}}[t]",
        r"\centering",
        *([r"\footnotesize\setlength{\tabcolsep}{3pt}"] if width > PAGE_PT else []),
        rf"\caption{{{escape(grid.caption)}}}",
        r"\vspace{4pt}",
        rf"\label{{tab:{grid.label}}}",
        rf"\begin{{tabular}}{{l{'r' * (columns - 1)}}}",
        r"\toprule",
        *(spanner if grid.spanner else []),
        " & ".join(escape(name) for name in grid.header) + r" \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        rf"\end{{{environment}}}",
    ]
    return "\n".join(lines) + "\n"


def _width_pt(grid: Grid) -> float:
    """About how wide the table is set."""
    texts = [grid.header, *([cell.text for cell in row] for row in grid.rows)]
    return sum(CHARACTER_PT * max(map(len, column)) + GAP_PT for column in zip(*texts, strict=True))


def _cell(grid: Grid, row: int, column: int) -> str:
    cell = grid.rows[row][column]
    if cell.covered:
        return ""
    below = takewhile(lambda cells: cells[column].covered, grid.rows[row + 1 :])
    rows = 1 + sum(1 for _ in below)
    return rf"\multirow{{{rows}}}{{*}}{{{_marks(cell)}}}" if rows > 1 else _marks(cell)


def _marks(cell: Cell) -> str:
    text = escape(cell.text)
    if cell.bold:
        text = rf"\textbf{{{text}}}"
    return rf"\underline{{{text}}}" if cell.underline else text
