"""Tables of a study as LaTeX, Markdown and CSV; ``python -m analysis.tables``."""

from __future__ import annotations

from analysis.tables.comparisons import number_grid
from analysis.tables.grid import DASH
from analysis.tables.study_tables import generator_grid, iteration_grid, study_tables

__all__ = [
    "DASH",
    "generator_grid",
    "iteration_grid",
    "number_grid",
    "study_tables",
]
