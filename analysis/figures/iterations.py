"""mAP over refinement iterations, and the quality of the labels that trained them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.drawing import legend_below, look
from analysis.results.iterations import IterationTable
from analysis.results.label_quality import LabelQuality
from analysis.text import ORACLE, generator_name

ETA_AXIS = "refinement iteration η"
BAND_ALPHA = 0.15


def draw_iterations(table: IterationTable, metric: str, ax: Axes) -> None:
    """One line per generator; a band of one standard deviation where seeds allow."""
    for row in table.rows:
        colour, marker = look(row.generator)
        points = [(i, s.mean, s.std) for i, s in zip(table.iterations, row.cells, strict=True) if s is not None]
        if not points:
            continue
        iteration, mean, std = (np.array(column) for column in zip(*points, strict=True))
        ax.plot(
            iteration, mean, color=colour, marker=marker, label=generator_name(row.generator),
            linestyle="--" if row.generator == ORACLE else "-", markeredgecolor="white", markeredgewidth=0.4,
        )  # fmt: skip
        if np.isfinite(std).any():
            ax.fill_between(iteration, mean - std, mean + std, color=colour, alpha=BAND_ALPHA, linewidth=0)
    ax.set_xlim(-0.2, max([1, *table.iterations]) + 0.2)
    ax.set(xlabel=f"{ETA_AXIS} (0: base model M0)", ylabel=f"test {metric} (%)")
    _whole_numbers(ax)
    legend_below(ax)


def draw_label_quality(found: Mapping[str, LabelQuality], figure: Figure) -> None:
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
        ax.set(xlabel=ETA_AXIS, title=quality.replace("_", " "))
        _whole_numbers(ax)
    axes[0].set_ylabel("training snippets (%)")
    legend_below(axes[0])


def _whole_numbers(ax: Axes) -> None:
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
