"""``python -m analysis.figures``: every figure that a study has the data for, as PDF, PNG and CSV."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from analysis.drawing import PAGE_IN, Drawing, on_axes, write_drawings
from analysis.figures.predictions import prediction_drawings
from analysis.figures.results import (
    LabelQuality,
    draw_generator_beta,
    draw_heat_map,
    draw_iterations,
    draw_label_quality,
    means,
)
from analysis.figures.search import (
    draw_cost,
    draw_history,
    draw_importance,
    draw_parallel,
    draw_slices,
    search_history,
    searched_axes,
)
from analysis.results import (
    best_configuration,
    generator_table,
    importance_data,
    importances,
    iteration_table,
    label_quality,
    threshold_table,
)
from analysis.study import GENERATOR, Study, add_study_arguments, open_studies, out_folder, why_empty
from analysis.tables import generator_grid, iteration_grid, number_grid
from analysis.text import chosen_on_test, data_title, generator_order, metric_name
from trainables.errors import UserError
from trainables.output import print_error


def drawings(study: Study) -> list[Drawing]:
    """All figures that apply to a study with a completed trial."""
    return [*result_drawings(study), *search_drawings(study), *prediction_drawings(study)]


def result_drawings(study: Study) -> list[Drawing]:
    """Iterations, heat maps of two places or more, quality of pseudo labels."""
    metric = _metric(study)
    iterations, grid, thresholds = iteration_table(study), generator_table(study), threshold_table(study)
    found = [
        Drawing(
            "iterations",
            "mAP over refinement iterations, the best configuration of each generator; bands: one standard deviation "
            "over seeds",
            on_axes(lambda ax: draw_iterations(iterations, metric, ax)),
            iteration_grid(study)[1],
        )
    ]
    if sum(cell is not None for row in grid.cells for cell in row) > 1:
        found.append(
            Drawing(
                "generator_beta",
                "Generator of the pseudo labels and weight β of their loss",
                on_axes(lambda ax: draw_generator_beta(grid, metric, ax)),
                generator_grid(study)[1],
            )
        )
    if thresholds is not None:
        table = thresholds
        found.append(
            Drawing(
                "thresholds",
                table.what,
                on_axes(lambda ax: _draw_thresholds(means(table.cells), table.rows, table.columns, metric, ax)),
                number_grid(study, table, "second")[1],
                height=2.4,
            )
        )
    quality, data = _label_quality(study)
    if quality:
        found.append(
            Drawing(
                "label_quality",
                "Foreground pseudo labels against the annotation of the training videos, best configuration of each "
                "generator",
                lambda figure: draw_label_quality(quality, figure),
                data,
            )
        )
    return found


def search_drawings(study: Study) -> list[Drawing]:
    """How the search went."""
    metric, history, axes = _metric(study), search_history(study), searched_axes(study)
    trials = study.trials.drop(columns=["lines", "reason"])
    found = [
        Drawing(
            "history",
            "Selection objective of each trial and the best so far",
            on_axes(lambda ax: draw_history(history, metric, ax)),
            pd.DataFrame(history._asdict()),
        )
    ]
    if axes and len(study.completed) > 1:
        found += [
            Drawing(
                "slices",
                "Selection objective against each searched key; dashed: the edges of the space, rings: trials there",
                lambda figure: draw_slices(study, axes, metric, figure),
                trials,
                PAGE_IN,
                2.5,
            ),
            Drawing(
                "parallel_coordinates",
                "One line per completed trial; lighter is better",
                lambda figure: draw_parallel(study, axes, metric, figure),
                trials,
                PAGE_IN,
                2.2,
            ),
        ]
    shares = importances(study)
    if shares:
        left = f"; left out, as they matter in some trials only: {', '.join(shares[0].left_out)}"
        found.append(
            Drawing(
                "importance",
                f"Importance of the searched keys for the selection objective, over {shares[0].configurations} "
                f"configurations{left if shares[0].left_out else ''}",
                on_axes(lambda ax: draw_importance(shares, ax)),
                importance_data(shares),
            )
        )
    if study.trials["seconds"].notna().any():
        found.append(Drawing("cost", "Wall time per trial", on_axes(lambda ax: draw_cost(study, ax)), trials))
    return found


def title(study: Study) -> str:
    """What stands above each figure of a study."""
    return data_title(study) + "\n† chosen on the test split" * chosen_on_test(study)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write all figures; 1 when no study has a completed trial, 2 when the request is wrong."""
    parser = argparse.ArgumentParser("python -m analysis.figures", description="Figures of one study or several.")
    add_study_arguments(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: the study's figures folder)")
    options = parser.parse_args(arguments)
    try:
        studies = open_studies(options)
        for study in studies:
            if study.completed.empty:
                print(why_empty(study), file=sys.stderr)
                continue
            out = out_folder(study, options.out, "figures", len(studies) > 1)
            write_drawings(drawings(study), out, title(study))
    except UserError as error:
        return print_error(error)
    return int(all(study.completed.empty for study in studies))


def _metric(study: Study) -> str:
    return metric_name(study) + ("†" if chosen_on_test(study) else "")


def _draw_thresholds(
    values: npt.NDArray[np.float64], rows: list[str], columns: list[str], metric: str, ax: Axes
) -> None:
    draw_heat_map(values, rows, columns, metric, ax)
    ax.set(xlabel="threshold αC of the class score", ylabel="threshold αA of the attention")


def _label_quality(study: Study) -> tuple[LabelQuality, pd.DataFrame]:
    done = study.completed
    found: LabelQuality = {}
    rows = []
    for generator in generator_order(list(done[GENERATOR].unique())):
        quality = label_quality(study, best_configuration(done[done[GENERATOR] == generator]))
        if any(quality.values()):
            found[generator] = quality
        rows += [
            {"generator": generator, "quality": name, "iteration": i, "percent": s.mean, "std": s.std, "num_seeds": s.n}
            for name, by_iteration in quality.items()
            for i, s in by_iteration.items()
        ]
    return found, pd.DataFrame(rows)
