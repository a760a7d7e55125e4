"""Tables of a study as LaTeX, Markdown and CSV; ``python -m analysis.tables``."""

from __future__ import annotations

from analysis.tables.grid import Cell, Grid, text_columns
from analysis.tables.rendering import FORMATS, Table, render, write_tables
from analysis.tables.study_tables import study_tables

__all__ = ["FORMATS", "Cell", "Grid", "Table", "render", "study_tables", "text_columns", "write_tables"]
