"""Signals that need no temporal annotation, over iterations: a panel for each."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.drawing import PAGE_IN, Drawing
from analysis.results.signals import NUMBER, SignalTable, signal_table
from analysis.results.trace import trace
from analysis.study import Study
from trainables.objective import signal_name

COLOUR = "#0072B2"
HEIGHT_IN = 1.8


def signal_drawing(study: Study) -> Drawing | None:
    """Of the best configuration; None where none were recorded."""
    table = signal_table(study)
    if table is None:
        return None
    return Drawing(
        "signals",
        "What can be measured without temporal annotations, best configuration; higher is better",
        lambda figure: draw_signals(table, figure),
        trace(study, ("iteration", "signal"), table.by_place, NUMBER),
        PAGE_IN,
        HEIGHT_IN,
    )


def draw_signals(table: SignalTable, figure: Figure) -> None:
    """Means over seeds, a band of one standard deviation."""
    panels = figure.subplots(1, len(table.signals), squeeze=False)[0]
    for column, (ax, name) in enumerate(zip(panels, table.signals, strict=True)):
        points = [(eta, row[column]) for eta, row in zip(table.iterations, table.cells, strict=True)]
        known = [(eta, cell.mean, cell.std) for eta, cell in points if cell is not None]
        if known:
            eta, mean, std = (np.array(values) for values in zip(*known, strict=True))
            ax.plot(eta, mean, color=COLOUR, marker="o")
            if np.isfinite(std).any():
                ax.fill_between(eta, mean - std, mean + std, color=COLOUR, alpha=0.15, linewidth=0)
        ax.set_title(signal_name(name), loc="left")
        ax.set_xlabel("η")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
