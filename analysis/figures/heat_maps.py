"""Heat maps over two keys: generator x β, αA x αC."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from analysis.drawing import SEQUENTIAL
from analysis.results.generators import GeneratorTable
from analysis.results.number_table import NumberTable
from analysis.results.statistics import Summary
from analysis.text import M0_MARK, generator_name, number_text

Floats = npt.NDArray[np.float64]
Cells = Sequence[Sequence[Summary | None]]
MOST_WIDE_COLUMNS = 6  # more of them get smaller numbers
ONE_GREY = ListedColormap(["0.88"])


def draw_generator_beta(table: GeneratorTable, metric: str, ax: Axes) -> None:
    """Generator x β, with the base model in a line below."""
    columns = [f"{beta:g}" for beta in table.betas]
    draw_heat_map(table.cells, [generator_name(g) for g in table.generators], columns, metric, ax)
    base = f"\n(base model M0, β = 0: {number_text(table.base.mean, 1)} %)" if table.base is not None else ""
    ax.set_xlabel(f"weight β of the pseudo-label loss{base}")


def draw_thresholds(table: NumberTable, metric: str, ax: Axes) -> None:
    """αA x αC."""
    draw_heat_map(table.cells, table.rows, table.columns, metric, ax)
    ax.set(xlabel="threshold αC of the class score", ylabel="threshold αA of the attention")


def draw_heat_map(cells: Cells, rows: list[str], columns: list[str], metric: str, ax: Axes) -> None:
    """Heat map with its numbers (rows, columns), of which one at least is there; without a number white, with a dash.

    A number that is M0's stands on grey, with its mark: it is no configuration's own, so the colours do not count it.
    """
    values, of_m0 = means(cells), np.array([[cell is not None and cell.is_m0 for cell in row] for row in cells])
    own = np.ma.masked_invalid(np.where(of_m0, np.nan, values))
    ax.pcolormesh(np.ma.masked_array(np.zeros(values.shape), ~of_m0), cmap=ONE_GREY, edgecolors="white", linewidth=1)
    image = ax.pcolormesh(own, cmap=SEQUENTIAL, edgecolors="white", linewidth=1)
    middle = (own.min() + own.max()) / 2 if own.count() else np.nan
    size = 7 if len(columns) <= MOST_WIDE_COLUMNS else 4.5
    for (row, column), value in np.ndenumerate(values):
        marked = bool(of_m0[row, column])
        colour = "white" if value < middle and not marked else "black"  # a dash (NaN) is black on white
        text = f"{number_text(value, 1)}{f' {M0_MARK}' * marked}"
        smaller = 0.8 if marked else 1.0  # room for the mark
        ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=smaller * size, color=colour)
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns)
    ax.set_yticks(np.arange(len(rows)) + 0.5, rows)
    ax.tick_params(length=0)
    ax.invert_yaxis()
    ax.grid(False)
    ax.spines[:].set_visible(False)
    if own.count():
        bar = ax.figure.colorbar(image, ax=ax, pad=0.02)
        bar.set_label(f"test {metric} (%)")
        bar.outline.set_visible(False)


def m0_remark(cells: Cells) -> str:
    """What a caption says about the numbers that are M0's; empty without one."""
    found = any(cell is not None and cell.is_m0 for row in cells for cell in row)
    return f"; {M0_MARK} on grey: refinement never helped, the number is M0's" * found


def means(cells: Cells) -> Floats:
    """Means of cells, NaN where there is none."""
    return np.array([[np.nan if cell is None else cell.mean for cell in row] for row in cells])
