"""How figures look, and how they become files."""

from __future__ import annotations

from analysis.drawing.rendering import Drawing, legend_below, on_axes, render, write_drawings
from analysis.drawing.style import COLUMN_IN, GREY, PAGE_IN, SEQUENTIAL, look

__all__ = [
    "COLUMN_IN",
    "GREY",
    "PAGE_IN",
    "SEQUENTIAL",
    "Drawing",
    "legend_below",
    "look",
    "on_axes",
    "render",
    "write_drawings",
]
