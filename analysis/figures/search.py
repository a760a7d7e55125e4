"""How a search went: its history, slices through the space, parallel coordinates, importance, cost per trial."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.drawing import GREY, SEQUENTIAL, legend_below, look
from analysis.results.importance import EVALUATORS, Importance
from analysis.results.search import Axis, History, SearchedTrials, TrialCosts, at_edge
from analysis.text import generator_name, generator_order, short_keys, value_text

Floats = npt.NDArray[np.float64]
EVALUATOR_COLOURS = ("#0072B2", "#E69F00")
JITTER = 0.12  # of what would lie on one line
LONGEST_WORD = 18  # characters of a tick
LINE = 24  # characters beside an axis


def draw_history(history: History, objective: str, ax: Axes) -> None:
    """Refined objective of each trial by generator, the best so far as a step line, M0 as a line across, trials without
    a number along the bottom."""
    finite = np.isfinite(history.refined)
    completed = np.array([state == "completed" for state in history.state], dtype=bool)
    generators = np.array(history.generator)
    for generator in generator_order(list(set(history.generator))):
        colour, marker = look(generator)
        for whole, face in ((True, colour), (False, "none")):
            rows = finite & (completed == whole) & (generators == generator)
            ax.plot(
                history.trial[rows], history.refined[rows], marker, color=colour, markerfacecolor=face,
                label=generator_name(generator) if whole else None,
            )  # fmt: skip
    if (finite & ~completed).any():
        ax.plot([], [], "o", color=GREY, markerfacecolor="none", label="not completed")
    ax.step(history.trial, history.best_so_far, where="post", color="black", linewidth=1, label="best refined so far")
    if history.base is not None:
        ax.axhline(history.base, color=GREY, linewidth=1, linestyle=":", label="base model M0")
    lost = history.trial[~finite]
    if len(lost):
        ax.plot(
            lost, np.full(len(lost), 0.02), "x", color="black", markersize=3.5, transform=ax.get_xaxis_transform(),
            label="no result", linestyle="none",
        )  # fmt: skip
    margin = max(0.5, 0.02 * len(history.trial))
    ax.set_xlim(history.trial.min() - margin, history.trial.max() + margin)
    ax.set(xlabel="trial", ylabel="\n".join(wrap(objective, LINE)))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    legend_below(ax)


def draw_slices(found: SearchedTrials, objective: str, figure: Figure) -> None:
    """Objective against each key; the space's edges dashed, trials on an edge with a ring."""
    panels = figure.subplots(1, len(found.axes), sharey=True, squeeze=False)[0]
    colours = [look(generator)[0] for generator in found.generator]
    for ax, axis, name in zip(panels, found.axes, _axis_names(found), strict=True):
        offset = _jitter(len(found.objective)) if axis.words else 0
        ax.scatter(axis.position + offset, found.objective, s=9, c=colours, linewidths=0)
        edge = at_edge(axis)
        ax.scatter(
            axis.position[edge], found.objective[edge], s=24, facecolors="none", edgecolors="black", linewidths=0.5
        )
        for bound in axis.edges or ():
            ax.axvline(bound, color=GREY, linewidth=0.6, linestyle="--")
        if axis.words:
            names = [_shortened(value_text(word)) for word in axis.words]
            ax.set_xticks(range(len(axis.words)), names, rotation=35, ha="right", fontsize=6)
        elif axis.logarithmic:
            ax.set_xscale("log", base=2)
            ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            ax.minorticks_off()
        ax.set_xlabel(name)
    panels[0].set_ylabel("\n".join(wrap(objective, LINE)))


def draw_parallel(found: SearchedTrials, objective: str, figure: Figure) -> None:
    """One line per completed trial through all keys to its objective; light lines are better."""
    ax = figure.subplots()
    logarithmic = [a._replace(position=np.log2(a.position)) if a.logarithmic else a for a in found.axes]
    every = [*logarithmic, Axis("selection", found.objective, None, None)]
    columns = np.stack([_unit(axis) for axis in every])
    least, most = found.objective.min(), found.objective.max()
    colours = matplotlib.colormaps[SEQUENTIAL](Normalize(least, most if most > least else least + 1)(found.objective))
    order = np.argsort(found.objective)  # the better ones on top
    lines = [np.column_stack([np.arange(len(every)), columns[:, i]])[np.isfinite(columns[:, i])] for i in order]
    ax.add_collection(LineCollection(lines, colors=colours[order], linewidths=0.8, alpha=0.85))
    for x, axis in enumerate(every):
        ax.axvline(x, color="0.3", linewidth=0.6)
        box = {"facecolor": "white", "alpha": 0.7, "pad": 0.4, "linewidth": 0}
        for at, text in _axis_ticks(axis):
            ax.text(x + 0.02, at, text, fontsize=5.5, va="center", bbox=box)
    ax.set_ylim(-0.04, 1.04)
    names = [*_axis_names(found), objective]
    ax.set_xticks(
        range(len(every)), [name.replace(" ", "\n", 1) for name in names]
    )  # long names side by side overprint
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.grid(False)
    ax.set_xlim(-0.1, len(every) - 0.6)


def draw_importance(found: Sequence[Importance], ax: Axes) -> None:
    """Share of the objective's variation that each key explains, by evaluator, with its interval over resampled trials
    as a line and its range over seeds as ticks."""
    keys = list(found[0].shares)
    height = 0.8 / len(found)
    for i, (one, colour) in enumerate(zip(found, EVALUATOR_COLOURS, strict=False)):
        y = np.arange(len(keys)) + (i - (len(found) - 1) / 2) * height
        ax.barh(y, [one.shares[key] for key in keys], height, color=colour, label=EVALUATORS[one.evaluator])
        for at, key in zip(y, keys, strict=True):
            if key in one.over_trials:
                ax.plot(one.over_trials[key], [at, at], color="black", linewidth=0.8)
            if key in one.over_seeds:
                ax.plot(one.over_seeds[key], [at, at], "|", color="black", markersize=4)
    ax.set_yticks(range(len(keys)), short_keys(keys).values())
    ax.invert_yaxis()
    ax.grid(axis="x")
    ax.grid(False, axis="y")
    ax.set(xlabel="importance (sums to 1)", xlim=(0, None))
    legend_below(ax)


def draw_cost(costs: TrialCosts, ax: Axes) -> None:
    """Wall time per trial by generator and device, each trial a dot."""
    order = generator_order(list(set(costs.generator)))
    row = np.array([order.index(generator) for generator in costs.generator], dtype=np.float64)
    colours = [look(generator)[0] for generator in costs.generator]
    ax.scatter(costs.seconds, row + 2 * _jitter(len(row)), s=9, c=colours, linewidths=0)
    ax.set_yticks(range(len(order)), [generator_name(generator) for generator in order])
    ax.set_ylim(len(order) - 0.5, -0.5)
    ax.set(xlabel=f"seconds per trial ({', '.join(costs.devices) or 'unknown device'})", xlim=(0, None))
    ax.grid(axis="x")
    ax.grid(False, axis="y")


def _axis_names(found: SearchedTrials) -> list[str]:
    return list(short_keys(axis.key for axis in found.axes).values())


def _jitter(count: int) -> Floats:
    """The same offsets every time."""
    return np.random.default_rng(0).uniform(-JITTER, JITTER, count)


def _shortened(word: str) -> str:
    return word if len(word) <= LONGEST_WORD else f"{word[: LONGEST_WORD - 1]}…"


def _unit(axis: Axis) -> Floats:
    low, high = _range(axis)
    return (axis.position - low) / (high - low)


def _range(axis: Axis) -> tuple[float, float]:
    known = axis.position[np.isfinite(axis.position)]
    if axis.edges is not None:
        low, high = np.log2(axis.edges) if axis.logarithmic else axis.edges
    else:
        low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    return (float(low), float(high)) if high > low else (low - 0.5, low + 0.5)


def _axis_ticks(axis: Axis) -> list[tuple[float, str]]:
    low, high = _range(axis)
    if axis.words is not None:
        return [(float((i - low) / (high - low)), value_text(word)) for i, word in enumerate(axis.words)]
    return [
        (share, f"{2**value if axis.logarithmic else value:.3g}")
        for share in (0.0, 0.5, 1.0)
        for value in [low + share * (high - low)]
    ]
