"""How a search went: its history, slices through the space, parallel coordinates, importance, cost per trial."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.drawing import GREY, SEQUENTIAL, legend_below, look
from analysis.results import EVALUATORS, ORACLE, Importance, short_key, value_text
from analysis.study import GENERATOR, TRIAL_COLUMNS, Study
from analysis.text import generator_name, generator_order


class History(NamedTuple):
    """Selection objective of each trial, in the order of proposal; columns of shape (trials,).

    objective: percent, NaN without one. best_so_far: of the completed trials up to this one, oracle aside, NaN
    before the first. base: selection mAP of M0, mean over seeds, None when unknown.
    """

    trial: npt.NDArray[np.int64]
    objective: npt.NDArray[np.float64]
    best_so_far: npt.NDArray[np.float64]
    state: list[str]
    generator: list[str]
    base: float | None


class Axis(NamedTuple):
    """One searched key over the completed trials. position: of each trial, NaN where the key does not matter;
    words become 0, 1, ... in the order of ``words`` (None for numbers). edges: of the space as asked for.
    logarithmic: the space grows by a factor, as the powers of two of beta."""

    key: str
    position: npt.NDArray[np.float64]
    words: list[str] | None
    edges: tuple[float, float] | None
    logarithmic: bool = False


def search_history(study: Study) -> History:
    """What the search saw; the oracle and trials that did not complete set no best."""
    trials = study.trials
    completed = trials["trial"].isin(study.completed["trial"])
    objective = trials["objective"].to_numpy(np.float64)
    counted = pd.Series(np.where(completed & (trials[GENERATOR] != ORACLE), objective, np.nan))
    first = study.iterations[study.iterations["iteration"] == 0].drop_duplicates("seed")["selection_map"].dropna()
    return History(
        trial=trials["trial"].to_numpy(np.int64),
        objective=objective,
        best_so_far=np.asarray(counted.cummax().ffill(), np.float64),
        state=trials["state"].tolist(),
        generator=trials[GENERATOR].astype(str).tolist(),
        base=float(first.mean()) if len(first) else None,
    )


def searched_axes(study: Study) -> list[Axis]:
    """Every key with more than one value in the space, over the completed trials in order."""
    done = study.completed
    keys = [key for key in study.trials.columns if key not in TRIAL_COLUMNS]
    return [_axis(study, key, done[key]) for key in keys if study.trials[key].nunique() > 1]


def at_edge(axis: Axis) -> npt.NDArray[np.bool_]:
    """Trials whose value is the lowest or highest of the space; never for words."""
    if axis.words is not None or axis.edges is None:
        return np.zeros(len(axis.position), dtype=bool)
    return np.isin(axis.position, axis.edges)


def _axis(study: Study, key: str, values: pd.Series) -> Axis:
    asked = study.setting("study", "space", default={}).get(key, {})
    numbers = [value for value in asked.get("choices") or [] if isinstance(value, int | float)]
    if any(isinstance(value, str | bool) for value in values.dropna()):
        words = (
            generator_order(sorted(values.dropna().unique()))
            if key == GENERATOR
            else sorted(map(str, values.dropna().unique()))
        )
        place = {word: float(i) for i, word in enumerate(words)}
        return Axis(key, np.array([place.get(str(v), np.nan) for v in values]), words, None)
    edges = (
        (asked.get("low"), asked.get("high")) if "low" in asked else (min(numbers), max(numbers)) if numbers else None
    )
    return Axis(key, values.to_numpy(np.float64), None, edges, _grows_by_a_factor(asked, numbers))


def draw_history(history: History, metric: str, ax: Axes) -> None:
    """Objective of each trial by generator, the best so far as a step line, unfinished trials along the bottom."""
    finite = np.isfinite(history.objective)
    completed = np.array([state == "completed" for state in history.state], dtype=bool)
    generators = np.array(history.generator)
    for generator in generator_order(list(set(history.generator))):
        colour, marker = look(generator)
        for whole, face in ((True, colour), (False, "none")):
            rows = finite & (completed == whole) & (generators == generator)
            ax.plot(
                history.trial[rows], history.objective[rows], marker, color=colour, markerfacecolor=face,
                label=generator_name(generator) if whole else None,
            )  # fmt: skip
    if (finite & ~completed).any():
        ax.plot([], [], "o", color=GREY, markerfacecolor="none", label="not completed")
    ax.step(history.trial, history.best_so_far, where="post", color="black", linewidth=1, label="best so far")
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
    ax.set(xlabel="trial", ylabel=f"selection {metric} (%)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    legend_below(ax)


def draw_slices(study: Study, axes: list[Axis], metric: str, figure: Figure) -> None:
    """Objective against each key; the space's edges dashed, trials on an edge with a ring."""
    panels = figure.subplots(1, len(axes), sharey=True, squeeze=False)[0]
    objective = study.completed["objective"].to_numpy(np.float64)
    colours = [look(str(generator))[0] for generator in study.completed[GENERATOR]]
    for ax, axis in zip(panels, axes, strict=True):
        jitter = np.random.default_rng(0).uniform(-0.12, 0.12, len(objective)) if axis.words else 0
        ax.scatter(axis.position + jitter, objective, s=9, c=colours, linewidths=0)
        edge = at_edge(axis)
        ax.scatter(axis.position[edge], objective[edge], s=24, facecolors="none", edgecolors="black", linewidths=0.5)
        for bound in axis.edges or ():
            ax.axvline(bound, color=GREY, linewidth=0.6, linestyle="--")
        if axis.words:
            ax.set_xticks(
                range(len(axis.words)), [value_text(word) for word in axis.words], rotation=35, ha="right", fontsize=6
            )
        elif axis.logarithmic:
            ax.set_xscale("log", base=2)
            ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            ax.minorticks_off()
        ax.set_xlabel(short_key(axis.key))
    panels[0].set_ylabel(f"selection {metric} (%)")


def draw_parallel(study: Study, axes: list[Axis], metric: str, figure: Figure) -> None:
    """One line per completed trial through all keys to its objective; light lines are better."""
    ax = figure.subplots()
    objective = study.completed["objective"].to_numpy(np.float64)
    logarithmic = [axis._replace(position=np.log2(axis.position)) if axis.logarithmic else axis for axis in axes]
    every = [*logarithmic, Axis("selection", objective, None, None)]
    columns = np.stack([_unit(axis) for axis in every])
    colour_of = sns.color_palette(SEQUENTIAL, as_cmap=True)
    norm = Normalize(objective.min(), objective.max() if np.ptp(objective) else objective.min() + 1)
    order = np.argsort(objective)  # the better ones on top
    lines = [np.column_stack([np.arange(len(every)), columns[:, i]])[np.isfinite(columns[:, i])] for i in order]
    ax.add_collection(LineCollection(lines, colors=colour_of(norm(objective[order])), linewidths=0.8, alpha=0.85))
    for x, axis in enumerate(every):
        ax.axvline(x, color="0.3", linewidth=0.6)
        box = {"facecolor": "white", "alpha": 0.7, "pad": 0.4, "linewidth": 0}
        for at, text in _axis_ticks(axis):
            ax.text(x + 0.02, at, text, fontsize=5.5, va="center", bbox=box)
    ax.set_ylim(-0.04, 1.04)
    ax.set_xticks(range(len(every)), [*(short_key(axis.key) for axis in axes), f"{metric} (%)"])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.grid(False)
    ax.set_xlim(-0.1, len(every) - 0.6)


def draw_importance(found: list[Importance], ax: Axes) -> None:
    """Share of the objective's variation that each key explains, by evaluator."""
    keys = list(found[0].shares)
    height = 0.8 / len(found)
    for i, (one, colour) in enumerate(zip(found, ("#0072B2", "#E69F00"), strict=False)):
        y = np.arange(len(keys)) + (i - (len(found) - 1) / 2) * height
        ax.barh(y, [one.shares[key] for key in keys], height, color=colour, label=EVALUATORS[one.evaluator])
    ax.set_yticks(range(len(keys)), [short_key(key) for key in keys])
    ax.invert_yaxis()
    ax.grid(axis="x")
    ax.grid(False, axis="y")
    ax.set(xlabel="importance (sums to 1)", xlim=(0, None))
    legend_below(ax)


def draw_cost(study: Study, ax: Axes) -> None:
    """Wall time per trial by generator and device, each trial a dot."""
    timed = study.trials.dropna(subset=["seconds"])
    order = generator_order(list(timed[GENERATOR].astype(str).unique()))
    names = timed.assign(name=[generator_name(str(g)) for g in timed[GENERATOR]])
    sns.stripplot(
        names, x="seconds", y="name", order=[generator_name(g) for g in order], ax=ax, size=3, jitter=0.25,
        hue="name", palette={generator_name(g): look(g)[0] for g in order}, legend=False,
    )  # fmt: skip
    devices = ", ".join(sorted(timed["device"].dropna().astype(str).unique())) or "unknown device"
    ax.set(xlabel=f"seconds per trial ({devices})", ylabel="", xlim=(0, None))
    ax.grid(axis="x")


def _unit(axis: Axis) -> npt.NDArray[np.float64]:
    low, high = _range(axis)
    return (axis.position - low) / (high - low)


def _grows_by_a_factor(asked: dict[str, Any], numbers: list[float]) -> bool:
    if len(numbers) > 2 and min(numbers) > 0:
        ratios = np.array(sorted(numbers)[1:]) / np.array(sorted(numbers)[:-1])
        return bool(np.allclose(ratios, ratios[0]))
    return bool(asked.get("log"))


def _range(axis: Axis) -> tuple[float, float]:
    low, high = axis.edges or (np.nanmin(axis.position), np.nanmax(axis.position))
    if axis.logarithmic:
        low, high = np.log2(low), np.log2(high)
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _axis_ticks(axis: Axis) -> list[tuple[float, str]]:
    low, high = _range(axis)
    if axis.words is not None:
        return [(float((i - low) / (high - low)), value_text(word)) for i, word in enumerate(axis.words)]
    values = [low + share * (high - low) for share in (0.0, 0.5, 1.0)]
    return [
        (share, f"{2**value if axis.logarithmic else value:.3g}")
        for share, value in zip((0.0, 0.5, 1.0), values, strict=True)
    ]
