"""Precision over recall, a panel for each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.drawing import GREY
from analysis.figures.timelines import short_name
from analysis.results.predictions import Curve

MOST_CLASSES = 12  # of more, the best and the worst half of this many are shown
COLUMNS = 4
ROW_IN = 1.25


def draw_curves(
    figure: Figure, curves: Sequence[Curve], base: Sequence[Curve], classes: Sequence[str], interpolated: bool
) -> None:
    """Refined model, and M0 dashed. interpolated: as AP sees it under the study's protocol."""
    shown = sorted(curves, key=lambda curve: -curve.ap)
    if len(shown) > MOST_CLASSES:
        shown = [*shown[: MOST_CLASSES // 2], *shown[-MOST_CLASSES // 2 :]]
    panels = figure.subplots(num_rows(len(shown)), COLUMNS, sharex=True, sharey=True, squeeze=False)
    before = {curve.label: curve for curve in base}
    for ax, curve in zip(panels.flat, shown, strict=False):
        _draw_curve(ax, curve, interpolated, color="#D55E00")
        if curve.label in before:
            _draw_curve(ax, before[curve.label], interpolated, color=GREY, linestyle="--", linewidth=0.9)
        ax.set_title(f"{short_name(classes[curve.label])} ({curve.ap:.0f} %)", fontsize=6.5, loc="left", pad=2)
        ax.set(xlim=(0, 1), ylim=(0, 1.03))
    for ax in panels.flat[len(shown) :]:
        ax.set_visible(False)
    figure.supxlabel("recall", fontsize=8)
    figure.supylabel("precision", fontsize=8)


def num_rows(classes: int) -> int:
    """Of panels, for so many classes."""
    return -(-min(classes, MOST_CLASSES) // COLUMNS)


def curve_data(models: Mapping[str, Sequence[Curve]], classes: Sequence[str]) -> pd.DataFrame:
    """One row per detection, by model and class."""
    parts = [
        pd.DataFrame(
            {"model": model, "class": classes[c.label], "ap": c.ap, "recall": c.recall, "precision": c.precision}
        )
        for model, curves in models.items()
        for c in curves
    ]
    return pd.concat(parts, ignore_index=True)


def _draw_curve(ax: Axes, curve: Curve, interpolated: bool, **look: Any) -> None:
    """Down to zero behind the last recall."""
    if len(curve.recall):
        precision = curve.precision
        if interpolated:
            precision = np.maximum.accumulate(precision[::-1])[::-1]
        ax.plot([0, *curve.recall, curve.recall[-1]], [precision[0], *precision, 0], drawstyle="steps-pre", **look)
