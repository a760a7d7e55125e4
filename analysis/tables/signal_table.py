"""Signals that need no temporal annotation, over iterations."""

from __future__ import annotations

from analysis.results.signals import NUMBER, signal_table
from analysis.results.trace import trace
from analysis.study import Study
from analysis.tables.grid import Cell, Grid, summary_cell
from analysis.tables.rendering import Table
from analysis.text import data_title, label
from trainables.objective import signal_name


def signal_grid(study: Study) -> Table | None:
    """Of the best configuration; None where none were recorded."""
    table = signal_table(study)
    if table is None:
        return None
    grid = Grid(
        name="signals",
        label=label(study.name, "signals"),
        caption="What can be measured without temporal annotations, best configuration, on the training videos of "
        f"{data_title(study)} that choose; each column has its own unit, higher is better.",
        spanner="",
        header=["η", *map(signal_name, table.signals)],
        rows=[
            [Cell(str(eta)), *map(summary_cell, cells)]
            for eta, cells in zip(table.iterations, table.cells, strict=True)
        ],
        notes=["Label agreement: how far predicted segments and the pseudo labels that trained the model overlap"]
        * ("label_agreement" in table.signals),
    )
    return grid, trace(study, ("iteration", "signal"), table.by_place, NUMBER)
