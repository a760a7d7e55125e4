"""Two studies against each other: a dot for each configuration and seed that both ran, and the differences."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.drawing import GREY, PAGE_IN, Drawing
from analysis.results.pairs import Pairs, pairs_data

COLOUR = "#0072B2"
HEIGHT_IN = 2.6


def pair_drawing(pairs: Pairs, metric: str) -> Drawing | None:
    """None without a pair."""
    data = pairs_data(pairs)
    if data.empty:
        return None
    return Drawing(
        "comparison",
        f"{pairs.names[1]} against {pairs.names[0]}: left, a dot for each configuration and seed (above the line: "
        f"{pairs.names[1]} is better); right, the differences by seed",
        lambda figure: draw_pairs(data, pairs, metric, figure),
        data,
        PAGE_IN,
        HEIGHT_IN,
    )


def draw_pairs(data: pd.DataFrame, pairs: Pairs, metric: str, figure: Figure) -> None:
    """Scatter with the line of equality, and differences in their order."""
    left, right = figure.subplots(1, 2)
    first, second = (data[name].to_numpy(np.float64) for name in ("first_test_map", "second_test_map"))
    ends = [min(first.min(), second.min()) - 1, max(first.max(), second.max()) + 1]
    left.plot(ends, ends, color=GREY, linewidth=0.8, linestyle="--")
    left.scatter(first, second, s=12, color=COLOUR, linewidths=0)
    x, y = (f"{name}: test {metric} (%)" for name in pairs.marked_names)
    left.set(xlabel=x, ylabel=y, xlim=ends, ylim=ends)
    difference = np.sort(second - first)
    right.barh(np.arange(len(difference)), difference, 0.8, color=COLOUR)
    right.axvline(0, color="black", linewidth=0.6)
    if pairs.overall is not None:
        right.axvline(pairs.overall, color="#D55E00", linewidth=1, label="mean over configurations")
        right.legend(loc="lower right")
    right.set(xlabel=f"{pairs.names[1]} - {pairs.names[0]} (points)", ylabel="configuration and seed")
    right.set_yticks([])
    right.grid(axis="x")
