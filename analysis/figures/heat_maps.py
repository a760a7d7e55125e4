"""Heat maps over two keys: generator x β, αA x αC."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from analysis.drawing import SEQUENTIAL
from analysis.results.generators import GeneratorTable
from analysis.results.number_table import NumberTable
from analysis.results.statistics import Summary
from analysis.text import generator_name, number_text

Floats = npt.NDArray[np.float64]
MOST_WIDE_COLUMNS = 6  # more of them get smaller numbers


def draw_generator_beta(table: GeneratorTable, metric: str, ax: Axes) -> None:
    """Generator x β, with the base model in a line below."""
    columns = [f"{beta:g}" for beta in table.betas]
    draw_heat_map(means(table.cells), [generator_name(g) for g in table.generators], columns, metric, ax)
    base = f"\n(base model M0, β = 0: {number_text(table.base.mean, 1)} %)" if table.base is not None else ""
    ax.set_xlabel(f"weight β of the pseudo-label loss{base}")


def draw_thresholds(table: NumberTable, metric: str, ax: Axes) -> None:
    """αA x αC."""
    draw_heat_map(means(table.cells), table.rows, table.columns, metric, ax)
    ax.set(xlabel="threshold αC of the class score", ylabel="threshold αA of the attention")


def draw_heat_map(values: Floats, rows: list[str], columns: list[str], metric: str, ax: Axes) -> None:
    """Heat map with its numbers (rows, columns), of which one at least is there; NaN stays white with a dash."""
    image = ax.pcolormesh(np.ma.masked_invalid(values), cmap=SEQUENTIAL, edgecolors="white", linewidth=1)
    middle = (np.nanmin(values) + np.nanmax(values)) / 2
    size = 7 if len(columns) <= MOST_WIDE_COLUMNS else 4.5
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if value < middle else "black"  # a dash (NaN) is black on white
        ax.text(
            column + 0.5, row + 0.5, number_text(value, 1), ha="center", va="center", fontsize=size, color=colour
        )  # fmt: skip
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns)
    ax.set_yticks(np.arange(len(rows)) + 0.5, rows)
    ax.tick_params(length=0)
    ax.invert_yaxis()
    ax.grid(False)
    ax.spines[:].set_visible(False)
    bar = ax.figure.colorbar(image, ax=ax, pad=0.02)
    bar.set_label(f"test {metric} (%)")
    bar.outline.set_visible(False)


def means(cells: Sequence[Sequence[Summary | None]]) -> Floats:
    """Means of cells, NaN where there is none."""
    return np.array([[np.nan if cell is None else cell.mean for cell in row] for row in cells])
