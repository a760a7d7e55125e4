"""What came out: mAP over iterations, heat maps of two keys, quality of the pseudo labels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.drawing import SEQUENTIAL, legend_below, look
from analysis.results import ORACLE, GeneratorTable, IterationTable, Summary
from analysis.tables import DASH
from analysis.text import generator_name

LabelQuality = dict[str, dict[str, dict[int, Summary]]]
"""By generator, then quality, then iteration."""


def draw_iterations(table: IterationTable, metric: str, ax: Axes) -> None:
    """mAP over iterations, one line per generator; a band of one standard deviation where seeds allow."""
    for row in table.rows:
        colour, marker = look(row.generator)
        points = [(i, s.mean, s.std) for i, s in zip(table.iterations, row.cells, strict=True) if s is not None]
        iteration, mean, std = (np.array(column) for column in zip(*points, strict=True))
        ax.plot(
            iteration, mean, color=colour, marker=marker, label=generator_name(row.generator),
            linestyle="--" if row.generator == ORACLE else "-", markeredgecolor="white", markeredgewidth=0.4,
        )  # fmt: skip
        if np.isfinite(std).any():
            ax.fill_between(iteration, mean - std, mean + std, color=colour, alpha=0.15, linewidth=0)
    ax.set_xlim(-0.2, max([1, *table.iterations]) + 0.2)
    ax.set(xlabel="refinement iteration η (0: base model M0)", ylabel=f"test {metric} (%)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    legend_below(ax)


def draw_heat_map(values: npt.NDArray[np.float64], rows: list[str], columns: list[str], metric: str, ax: Axes) -> float:
    """Heat map with its numbers (rows, columns); NaN stays white with a dash. Returns the middle of the colours."""
    image = ax.pcolormesh(np.ma.masked_invalid(values), cmap=SEQUENTIAL, edgecolors="white", linewidth=1)
    middle = (np.nanmin(values) + np.nanmax(values)) / 2
    for (row, column), value in np.ndenumerate(values):
        text, colour = (DASH, "black") if np.isnan(value) else (f"{value:.1f}", "white" if value < middle else "black")
        size = 7 if len(columns) <= 6 else 4.5
        ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=size, color=colour)
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns)
    ax.set_yticks(np.arange(len(rows)) + 0.5, rows)
    ax.tick_params(length=0)
    ax.invert_yaxis()
    ax.grid(False)
    ax.spines[:].set_visible(False)
    bar = ax.figure.colorbar(image, ax=ax, pad=0.02)
    bar.set_label(f"test {metric} (%)")
    bar.outline.set_visible(False)
    return float(middle)


def draw_generator_beta(table: GeneratorTable, metric: str, ax: Axes) -> None:
    """Generator x beta, the base model told below."""
    columns = [f"{beta:g}" for beta in table.betas]
    draw_heat_map(means(table.cells), [generator_name(g) for g in table.generators], columns, metric, ax)
    base = f"\n(base model M0, β = 0: {table.base.mean:.1f} %)" if table.base is not None else ""
    ax.set_xlabel(f"weight β of the pseudo-label loss{base}")


def draw_label_quality(found: LabelQuality, figure: Figure) -> None:
    """Precision and recall of the foreground labels over iterations, one line per generator."""
    axes = figure.subplots(1, 2, sharey=True)
    for ax, quality in zip(axes, ("foreground_precision", "foreground_recall"), strict=True):
        for generator, by_quality in found.items():
            points = sorted(by_quality[quality].items())
            if points:
                colour, marker = look(generator)
                ax.plot(
                    [i for i, _ in points], [s.mean for _, s in points], color=colour, marker=marker,
                    label=generator_name(generator),
                )  # fmt: skip
        ax.set(xlabel="refinement iteration η", title=quality.replace("_", " "))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes[0].set_ylabel("training snippets (%)")
    legend_below(axes[0])


def means(cells: list[list[Summary | None]]) -> npt.NDArray[np.float64]:
    """Means of cells, NaN where there is none."""
    return np.array([[np.nan if cell is None else cell.mean for cell in row] for row in cells])
