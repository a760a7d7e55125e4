"""A Grid as a Markdown pipe table under its caption."""

from __future__ import annotations

import re

from tabulate import tabulate

from analysis.tables.grid import Cell, Grid, text_columns

# What Markdown would take for more than a character: a bar ends the cell, < begins HTML, $ a formula, & an entity, the
# others change the face of the text or make a link. An underscore inside of a word is left alone.
_SPECIAL = re.compile(r"[\\|<>`$\[\]]|&(?=#?\w+;)|(?<!\w)[_*](?=\S)|(?<=\S)[_*](?!\w)")
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def to_markdown(grid: Grid) -> str:
    """A spanning cell is repeated in each of its rows; notes follow the table."""
    shown: list[list[str]] = []
    for row in grid.rows:
        shown.append([shown[-1][c] if cell.covered else _cell(cell) for c, cell in enumerate(row)])
    names = [escape(name) for name in grid.header]
    header = [f"{escape(grid.spanner)} = {name}" if c == 1 and grid.spanner else name for c, name in enumerate(names)]
    align = ["left" if is_text else "right" for is_text in text_columns(grid)]
    # disable_numparse: tabulate would print 12.30 as 12.3
    table = tabulate(shown, header, tablefmt="pipe", disable_numparse=True, colalign=align)
    notes = "".join(f"- {escape(note)}\n" for note in grid.notes)
    return f"{escape(grid.caption)}\n\n{table}\n" + (f"\n{notes}" if notes else "")


def escape(text: str) -> str:
    """Text that Markdown shows as it is written here, in one line."""
    line = " ".join(text.splitlines())
    return _SPECIAL.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), line)


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    text = f"**{text}**" if cell.bold else text
    return f"<u>{text}</u>" if cell.underline else text
