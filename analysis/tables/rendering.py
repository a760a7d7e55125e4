"""Tables as files: LaTeX, Markdown, and their trace as CSV."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from analysis.tables.grid import Grid
from analysis.tables.latex import to_latex
from analysis.tables.markdown import to_markdown
from trainables.errors import UserError
from trainables.files import write_whole

FORMATS = {"latex": "tex", "markdown": "md", "csv": "csv"}

Table = tuple[Grid, pd.DataFrame]
"""A table as text, and its trace: one row per cell with all digits, trials, seeds and ledger lines."""


def render(table: Table, format_name: str, columns: int = 1) -> str:
    """A table in one of FORMATS. columns: of the paper that a LaTeX table is set over, see ``layout.setting``."""
    grid, data = table
    if format_name == "csv":
        return data.to_csv(index=False)
    return to_latex(grid, columns) if format_name == "latex" else to_markdown(grid)


def write_tables(
    tables: Iterable[Table], out: Path, formats: Iterable[str], notes: Iterable[str] = (), columns: int = 1
) -> None:
    """Write each table in each format into ``out`` and say so on stderr; UserError when that cannot be done.

    notes: how the numbers were made; every file has them behind those of its table.
    """
    tables, chosen, shared = list(tables), list(formats), list(notes)
    try:
        for grid, data in tables:
            whole = grid._replace(notes=[*grid.notes, *shared])
            for name in chosen:
                path = out / f"{grid.name}.{FORMATS[name]}"
                write_whole(path, render((whole, data), name, columns).encode("utf-8", "replace"))
    except OSError as error:
        raise UserError(f"--out: {out}: cannot be written to ({error.strerror})") from None
    where = out / tables[0][0].name if len(tables) == 1 else out
    print(f"written to {where} ({', '.join(FORMATS[name] for name in chosen)})", file=sys.stderr)
