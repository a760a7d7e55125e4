"""A Grid as a LaTeX table; needs the packages booktabs and multirow."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import takewhile

from analysis.tables.grid import Cell, Grid, text_columns
from analysis.tables.layout import DEVIATION, Deviation, Setting, setting, spread_text, text_pt
from analysis.text import M0_MARK, SIMILAR

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
    # Behind the end of a row they would begin an option, and be its star.
    "[": "{[}",
    "*": "{*}",
    "±": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{MINUS SIGN}": "$-$",
    "≈": r"$\approx$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "∞": r"$\infty$",
    "†": r"$^\dagger$",
    "\N{EN DASH}": "--",
    "\N{LEFT SINGLE QUOTATION MARK}": "`",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
}

BELOW = ("below", "short")  # deviations that take a line of their own
# A number, and what marks it.
_NUMBER = re.compile(rf"[\d.]+(?:{DEVIATION}[\d.]+)?((?: (?:\(n=\d+\)|{SIMILAR}|{M0_MARK}))*)")
# What pdfTeX has no letters for: it reads Latin, and some punctuation.
_OTHER_SCRIPT = re.compile(r"[^\x00-\u017f\u2010-\u2044\u2116\u2122\u2190-\u2193]")
# Of several characters, with the paper's subscripts.
_SYMBOLS = {M0_MARK: r"$^{\mathrm{M0}}$", "αA": r"$\alpha_A$", "αC": r"$\alpha_C$"}
_SYMBOLS_PATTERN = re.compile(f"({'|'.join(_SYMBOLS)})")

_OWN_CAPITALS = ("gamma", "delta", "theta", "lambda", "xi", "pi", "sigma", "upsilon", "phi", "psi", "omega")
_LATIN_CAPITALS = {"eta": "H", "rho": "P", "chi": "X"}


def escape(text: str) -> str:
    """Text that LaTeX prints as it is written here."""
    parts = _SYMBOLS_PATTERN.split(" ".join(text.split()))
    return "".join(_SYMBOLS.get(part) or "".join(_ESCAPES.get(c) or _greek(c) for c in part) for part in parts)


def _greek(character: str) -> str:
    r"""``$\beta$`` for β; capitals that look like Latin ones as these; anything else as it is."""
    words = unicodedata.name(character, "").split()
    if words[:1] != ["GREEK"] or words[2:3] != ["LETTER"] or len(words) != 4:
        return character
    name = words[3].lower()
    if words[1] == "SMALL":
        return rf"$\{name}$"
    return rf"$\{name.capitalize()}$" if name in _OWN_CAPITALS else _LATIN_CAPITALS.get(name, name[0].upper())


def to_latex(grid: Grid, columns: int = 1) -> str:
    """The whole float: caption, label, booktabs rules, spans by multirow. columns: see ``layout.setting``."""
    count, chosen = len(grid.header), setting(grid, columns)
    environment = "table*" if chosen.wide else "table"
    first = "l" if chosen.first_pt is None else f"p{{{chosen.first_pt:.0f}pt}}"
    others = "".join("l" if is_text else "r" for is_text in text_columns(grid)[1:])
    spanner = [
        rf" & \multicolumn{{{count - 1}}}{{c}}{{{escape(grid.spanner)}}} \\",
        rf"\cmidrule(lr){{2-{count}}}",
    ]
    lines = [
        _needs(grid),
        *(f"% {' '.join(note.split())}" for note in grid.notes),
        rf"\begin{{{environment}}}[t]",
        r"\centering",
        rf"\caption{{{escape(grid.caption)}}}",
        # It fills up to this much: a class that leaves a gap below captions keeps its own. The label comes behind it,
        # as it would hide that gap.
        r"\addvspace{5pt}",
        rf"\label{{tab:{grid.label}}}",
        rf"{chosen.layout.size}\setlength{{\tabcolsep}}{{{chosen.layout.gap:g}pt}}",
        rf"\begin{{tabular}}{{@{{}}{first}{others}@{{}}}}",
        r"\toprule",
        *(spanner if grid.spanner else []),
        " & ".join(_header(grid, chosen)) + r" \\",
        r"\midrule",
        *_rows(grid, chosen),
        r"\bottomrule",
        r"\end{tabular}",
        rf"\end{{{environment}}}",
    ]
    return "\n".join(lines) + "\n"


def _needs(grid: Grid) -> str:
    texts = [grid.caption, grid.spanner, *grid.header, *(cell.text for row in grid.rows for cell in row)]
    other = dict.fromkeys(_OTHER_SCRIPT.findall("".join(map(escape, texts))))
    return "% needs: booktabs, multirow" + f"; XeLaTeX or LuaLaTeX with a font for {''.join(other)}" * bool(other)


def _header(grid: Grid, chosen: Setting) -> list[str]:
    return [
        _stacked([escape(line) for line in name], "b", "l" if is_text else "r")
        for name, is_text in zip(chosen.headers, text_columns(grid), strict=True)
    ]


def _rows(grid: Grid, chosen: Setting) -> list[str]:
    """Rows of several lines have some space between them."""
    lines = [
        " & ".join(_cell(grid, r, c, chosen) for c in range(len(grid.header))) + r" \\" for r in range(len(grid.rows))
    ]
    if chosen.first_pt is None and chosen.layout.deviation not in BELOW:
        return lines
    return "\n\\addlinespace[2pt]\n".join(lines).split("\n")


def _cell(grid: Grid, row: int, column: int, chosen: Setting) -> str:
    cell = grid.rows[row][column]
    if cell.covered:
        return ""
    text = _marks(cell, chosen.layout.deviation) + _missing_mark(grid, row, column, chosen.layout.deviation)
    if column == 0 and chosen.first_pt is not None:
        return rf"\raggedright {text}"
    below = takewhile(lambda cells: cells[column].covered, grid.rows[row + 1 :])
    rows = 1 + sum(1 for _ in below)
    lines = rows * (2 if chosen.layout.deviation in BELOW else 1)
    return rf"\multirow{{{lines}}}{{*}}{{{text}}}" if rows > 1 else text


def _missing_mark(grid: Grid, row: int, column: int, deviation: Deviation) -> str:
    """Space for the mark that others of the column have, so that numbers stand below one another; none where it would
    make the column wider."""
    if column == 0 or deviation in BELOW:
        return ""
    numbers = [_NUMBER.fullmatch(cells[column].text) for cells in grid.rows]
    own, text = numbers[row], grid.rows[row][column].text
    longest = max((number[1] for number in numbers if number), key=text_pt, default="")
    widest = max(text_pt(cells[column].text) for cells in grid.rows)
    fits = own is not None and not own[1] and text_pt(text + longest) <= widest
    return rf"\phantom{{~{escape(longest)}}}" if longest and fits else ""


def _marks(cell: Cell, deviation: Deviation) -> str:
    """Bold and underline are of the mean where the deviation stands apart from it."""
    mean, sign, rest = cell.text.partition(DEVIATION)
    if not sign or deviation == "beside":
        return _emphasised(escape(cell.text), cell)
    spread = rf"\scriptsize$\pm${escape(spread_text(rest, deviation))}"
    if deviation == "small":
        return rf"{_emphasised(escape(mean), cell)}{{\,{spread}}}"
    return _stacked([_emphasised(escape(mean), cell), spread], "t")


def _emphasised(text: str, cell: Cell) -> str:
    if cell.bold:
        text = rf"\textbf{{{text}}}"
    return rf"\underline{{{text}}}" if cell.underline else text


def _stacked(lines: Sequence[str], line_up: str, side: str = "r") -> str:
    """Lines over one another: the ``t``op or ``b``ottom one on the row, lined up by their left or right ``side``."""
    if len(lines) == 1:
        return lines[0]
    return rf"\begin{{tabular}}[{line_up}]{{@{{}}{side}@{{}}}}" + r"\\[-2pt]".join(lines) + r"\end{tabular}"
