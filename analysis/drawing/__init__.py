"""How figures look, and how they become files. Every module that draws imports this room before matplotlib."""

from __future__ import annotations

from analysis.drawing.isolation import import_matplotlib

import_matplotlib()  # before the modules below, which import it themselves

from analysis.drawing.rendering import (  # noqa: E402
    Drawing,
    fewer_colours,
    legend_below,
    on_axes,
    render,
    write_drawings,
)
from analysis.drawing.style import COLUMN_IN, GREY, PAGE_IN, SEQUENTIAL, look  # noqa: E402

__all__ = [
    "COLUMN_IN",
    "GREY",
    "PAGE_IN",
    "SEQUENTIAL",
    "Drawing",
    "fewer_colours",
    "legend_below",
    "look",
    "on_axes",
    "render",
    "write_drawings",
]
