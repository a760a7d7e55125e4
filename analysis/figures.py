"""The figures of a study: computed as values, then drawn; PDF, PNG and the data as CSV. Also the command."""

from __future__ import annotations

import argparse
import io
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analysis.captions import chosen_on_test, data_title, generator_name, generator_order, metric_name
from analysis.grid import DASH
from analysis.load import GENERATOR, Study, add_study_arguments, open_study, why_empty
from analysis.results import ORACLE, GeneratorTable, IterationTable, generator_table, iteration_table
from analysis.style import (
    COLUMN_IN,
    GREY,
    HEIGHT_IN,
    LEGEND_ROW_IN,
    PAPER,
    SEQUENTIAL,
    TITLE_CHARACTERS,
    TITLE_ROW_IN,
    look,
)
from analysis.tables import generator_grid, iteration_grid
from trainables.config import ConfigError
from trainables.whole_file import write_whole


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


class Drawing(NamedTuple):
    """A figure to be drawn on one pair of axes, and its data."""

    name: str
    draw: Callable[[Axes], None]
    data: pd.DataFrame


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
    _legend_below(ax)


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
    _legend_below(ax)


def draw_generator_beta(table: GeneratorTable, metric: str, ax: Axes) -> None:
    """Heat map with its numbers; a cell without a completed trial stays white with a dash."""
    values = np.array([[np.nan if s is None else s.mean for s in row] for row in table.cells])
    image = ax.pcolormesh(np.ma.masked_invalid(values), cmap=SEQUENTIAL, edgecolors="white", linewidth=1)
    middle = (np.nanmin(values) + np.nanmax(values)) / 2
    for (row, column), value in np.ndenumerate(values):
        text, colour = (DASH, "black") if np.isnan(value) else (f"{value:.1f}", "white" if value < middle else "black")
        ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=7, color=colour)
    ax.set_xticks(np.arange(len(table.betas)) + 0.5, [f"{beta:g}" for beta in table.betas])
    ax.set_yticks(np.arange(len(table.generators)) + 0.5, [generator_name(g) for g in table.generators])
    ax.tick_params(length=0)
    ax.invert_yaxis()
    ax.grid(False)
    ax.spines[:].set_visible(False)
    ax.set_xlabel("weight β of the pseudo-label loss")
    bar = ax.figure.colorbar(image, ax=ax, pad=0.02)
    bar.set_label(f"test {metric} (%)")
    bar.outline.set_visible(False)
    if table.base is not None:
        lowest, highest = image.get_clim()
        if lowest <= table.base.mean <= highest:
            bar.ax.axhline(table.base.mean, color="white", linewidth=1.2)
        ax.set_xlabel(f"{ax.get_xlabel()}\n(base model M0, β = 0: {table.base.mean:.1f} %)")


def drawings(study: Study) -> list[Drawing]:
    """All figures that apply: a heat map needs two generators or two betas."""
    metric = metric_name(study) + ("†" if chosen_on_test(study) else "")
    iterations, grid, history = iteration_table(study), generator_table(study), search_history(study)
    found = [
        Drawing("iterations", lambda ax: draw_iterations(iterations, metric, ax), iteration_grid(study)[1]),
        Drawing("history", lambda ax: draw_history(history, metric, ax), pd.DataFrame(history._asdict())),
    ]
    if sum(cell is not None for row in grid.cells for cell in row) > 1:
        found.append(
            Drawing("generator_beta", lambda ax: draw_generator_beta(grid, metric, ax), generator_grid(study)[1])
        )
    return found


def render(drawing: Drawing, title: str) -> dict[str, bytes]:
    """The figure's files by suffix."""
    with mpl.rc_context(PAPER):
        figure = Figure(figsize=(COLUMN_IN, HEIGHT_IN + TITLE_ROW_IN * (1 + title.count("\n"))))
        ax = figure.subplots()
        figure.suptitle(title, x=0.01, ha="left")
        drawing.draw(ax)
        files = {"csv": drawing.data.to_csv(index=False).encode()}
        for suffix in ("pdf", "png"):
            buffer = io.BytesIO()
            # without a creation date the same numbers give the same file
            figure.savefig(buffer, format=suffix, metadata={"CreationDate": None} if suffix == "pdf" else None)
            files[suffix] = buffer.getvalue()
    return files


def main(arguments: Sequence[str] | None = None) -> int:
    """Write all figures; 1 when the study has no completed trial, 2 when the request is wrong."""
    parser = argparse.ArgumentParser("python -m analysis.figures", description="Figures of a study.")
    add_study_arguments(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: the study's figures folder)")
    options = parser.parse_args(arguments)
    try:
        study = open_study(options)
        if study.completed.empty:
            print(why_empty(study), file=sys.stderr)
            return 1
        out = options.out or study.folder / "figures"
        for drawing in drawings(study):
            for suffix, content in render(drawing, _title(study)).items():
                _write(out / f"{drawing.name}.{suffix}", content)
            print(out / f"{drawing.name}.{{pdf,png,csv}}")
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _title(study: Study) -> str:
    lines = textwrap.wrap(data_title(study), TITLE_CHARACTERS)
    return "\n".join(lines + ["† chosen on the test split"] * chosen_on_test(study))


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise ConfigError(f"--out: {path.parent}: cannot be written to ({error.strerror})") from None


def _legend_below(ax: Axes) -> None:
    """Outside the axes, where it covers no data."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    handles, labels = ax.get_legend_handles_labels()
    figure.set_figheight(figure.get_figheight() + LEGEND_ROW_IN * -(-len(handles) // 2))
    figure.legend(handles, labels, loc="outside lower center", ncols=2)


if __name__ == "__main__":
    sys.exit(main())
