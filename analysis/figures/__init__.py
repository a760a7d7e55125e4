"""Figures of a study; ``python -m analysis.figures``."""

from __future__ import annotations

from analysis.figures.search import at_edge, search_history, searched_axes
from analysis.figures.study_figures import drawings, title

__all__ = [
    "at_edge",
    "drawings",
    "search_history",
    "searched_axes",
    "title",
]
