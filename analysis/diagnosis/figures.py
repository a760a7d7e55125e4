"""The three figures of a diagnosis; several prediction files side by side, as in Figures 3 and 5 of the paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.diagnosis.detad import ERRORS, TYPES
from analysis.diagnosis.diagnosis import TYPE_NAMES, Diagnosis
from analysis.drawing import COLUMN_IN, PAGE_IN, Drawing, legend_below
from trainables.evaluation import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette; what is right is the one that stands out.
TYPE_COLOURS = dict(zip(TYPES, ("#009E73", "#F0E442", "#E69F00", "#D55E00", "#CC79A7", "0.75"), strict=True))
FILE_COLOURS = ("#56B4E9", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000")


def diagnosis_drawings(found: Sequence[Diagnosis]) -> list[Drawing]:
    """False-positive profile with gains, sensitivity, false negatives."""
    width = PAGE_IN if len(found) > 1 else COLUMN_IN
    names = [one.name.rsplit("/", 1)[-1] for one in found]
    return [
        Drawing(
            "diagnosis_false_positives",
            "Types of the best 1G to 10G predictions of every class (DETAD), and the average-mAP_N that removing "
            "each type of error would add",
            lambda figure: _draw_profiles(figure, found, names),
            _profile_data(found, names),
            PAGE_IN,
            2.0,
        ),
        Drawing(
            "diagnosis_sensitivity",
            "Average-mAP_N on groups of instances (DETAD); dashed: on all instances",
            lambda figure: _draw_groups(
                figure, found, names, [one.sensitivity for one in found], [one.overall for one in found],
                "average-mAP_N (%)",
            ),
            _group_data(found, names, [one.sensitivity for one in found], "average_map_n"),
            width,
        ),
        Drawing(
            "diagnosis_false_negatives",
            "Instances that no prediction finds, by group (DETAD)",
            lambda figure: _draw_groups(
                figure, found, names, [one.false_negatives for one in found], None, "missed instances (%)"
            ),
            _group_data(found, names, [one.false_negatives for one in found], "missed"),
            width,
        ),
    ]  # fmt: skip


def _draw_profiles(figure: Figure, found: Sequence[Diagnosis], names: Sequence[str]) -> None:
    axes = figure.subplots(1, len(found) + 1, width_ratios=[*[1.0] * len(found), 0.8], squeeze=False)[0]
    for i, (one, ax, name) in enumerate(zip(found, axes, names, strict=False)):
        draw_profile(one, ax)
        ax.set_title(name, loc="left")
        if i == 0:
            ax.set_ylabel("share of predictions (%)")
        else:
            ax.tick_params(labelleft=False)
    _draw_gains(found, names, axes[-1])
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6)


def draw_profile(found: Diagnosis, ax: Axes) -> None:
    """Stacked bars over 1G to 10G; an empty bucket has none."""
    buckets = found.profile.buckets
    bottom = np.zeros(len(buckets))
    for t, name in enumerate(TYPES):
        share = np.nan_to_num(np.array([bucket.shares[t] for bucket in buckets]))
        ax.bar(range(len(buckets)), share, 0.85, bottom, color=TYPE_COLOURS[name], label=TYPE_NAMES[name])
        bottom += share
    ax.set_xticks(range(len(buckets)), [bucket.name for bucket in buckets])
    ax.tick_params(axis="x", labelsize=6)
    ax.set(ylim=(0, 100), xlabel="best predictions per class")


def _draw_gains(found: Sequence[Diagnosis], names: Sequence[str], ax: Axes) -> None:
    height = 0.8 / len(found)
    for i, one in enumerate(found):
        values = [one.profile.gains[error] for error in ERRORS]
        y = np.arange(len(ERRORS)) + (i - (len(found) - 1) / 2) * height
        colours = [TYPE_COLOURS[error] for error in ERRORS]
        hatch = ("", "////", "....", "xxxx")[i % 4]
        ax.barh(y, values, height, color=colours, hatch=hatch, edgecolor="white" if hatch else "none", linewidth=0)
        for at, value in zip(y, values, strict=True):
            ax.text(max(value, 0), at, f" {value:.1f}", va="center", fontsize=5.5)
    ax.set_yticks(range(len(ERRORS)), [TYPE_NAMES[error] for error in ERRORS])
    ax.invert_yaxis()
    ax.margins(x=0.2)
    ax.grid(axis="x")
    ax.grid(False, axis="y")
    ax.set_xlabel("gain in average-mAP_N")
    if len(found) > 1:
        ax.set_title(f"top to bottom: {', '.join(names)}", loc="left", fontsize=6.5)


def _draw_groups(
    figure: Figure,
    found: Sequence[Diagnosis],
    names: Sequence[str],
    values: Sequence[dict[str, Floats]],
    overall: Sequence[float] | None,
    label: str,
) -> None:
    characteristics = list(found[0].groups)
    widths = [len(found[0].groups[name].names) for name in characteristics]
    axes = figure.subplots(1, len(characteristics), sharey=True, width_ratios=widths, squeeze=False)[0]
    width = 0.8 / len(found)
    for ax, characteristic in zip(axes, characteristics, strict=True):
        groups = found[0].groups[characteristic]
        for i, name in enumerate(names):
            x = np.arange(len(groups.names)) + (i - (len(names) - 1) / 2) * width
            bars = values[i][characteristic]
            ax.bar(x, np.nan_to_num(bars), width, color=FILE_COLOURS[i % len(FILE_COLOURS)], label=name)
            for at, bar in zip(x, bars, strict=True):
                if np.isfinite(bar):
                    ax.text(at, bar, f"{bar:.0f}", ha="center", va="bottom", fontsize=5)
            if overall is not None:
                ax.axhline(overall[i], color=FILE_COLOURS[i % len(FILE_COLOURS)], linewidth=0.8, linestyle="--")
        ax.set_xticks(range(len(groups.names)), groups.names)
        ax.set_xlabel(characteristic)
    axes[0].set_ylabel(label)
    axes[0].set_ylim(bottom=0)
    axes[0].margins(y=0.1)
    if len(found) > 1:
        legend_below(axes[0], len(found))


def _profile_data(found: Sequence[Diagnosis], names: Sequence[str]) -> pd.DataFrame:
    rows = [
        {"file": name, "bucket": b.name, "predictions": b.predictions, **dict(zip(TYPES, b.shares, strict=True))}
        for name, one in zip(names, found, strict=True)
        for b in one.profile.buckets
    ]
    gains = [
        {"file": name, "bucket": "gain in average_map_n", "predictions": one.profile.predictions, **one.profile.gains}
        for name, one in zip(names, found, strict=True)
    ]
    return pd.DataFrame([*rows, *gains])


def _group_data(
    found: Sequence[Diagnosis], names: Sequence[str], values: Sequence[dict[str, Floats]], column: str
) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"file": name, "characteristic": characteristic, "group": group, "range": bound,
             "instances": int((groups.of == g).sum()), column: by[characteristic][g]}
            for name, one, by in zip(names, found, values, strict=True)
            for characteristic, groups in one.groups.items()
            for g, (group, bound) in enumerate(zip(groups.names, groups.bounds, strict=True))
        ]
    )  # fmt: skip
