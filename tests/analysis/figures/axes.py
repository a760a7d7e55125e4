"""Axes to draw on, in the style of the figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.drawing.isolation import isolated_style


@contextmanager
def drawn_on() -> Iterator[Axes]:
    with isolated_style({}):
        yield Figure().subplots()
