"""Which figures a study has: values from results/, each with the function that draws it and its data."""

from __future__ import annotations

import pandas as pd

from analysis.drawing import PAGE_IN, Drawing, on_axes
from analysis.figures.heat_maps import draw_generator_beta, draw_thresholds, m0_remark
from analysis.figures.iterations import draw_iterations, draw_label_quality
from analysis.figures.predictions import prediction_drawings
from analysis.figures.search import draw_cost, draw_history, draw_importance, draw_parallel, draw_slices
from analysis.figures.signals import signal_drawing
from analysis.results.comparisons import threshold_table
from analysis.results.generators import generator_table
from analysis.results.importance import importance_data, importance_intervals, importances
from analysis.results.iterations import iteration_table
from analysis.results.label_quality import generator_label_quality, label_quality_data
from analysis.results.number_table import NumberTable
from analysis.results.search import search_history, searched_trials, trial_costs, trial_data
from analysis.results.trace import generator_trace, iteration_trace, number_trace
from analysis.study import Study
from analysis.text import chosen_on_test, data_title, metric_on_test, objective_name, short_keys


def study_drawings(study: Study) -> list[Drawing]:
    """All figures that apply to a study with a completed trial."""
    return [*result_drawings(study), *search_drawings(study), *prediction_drawings(study)]


def result_drawings(study: Study) -> list[Drawing]:
    """Iterations, heat maps of two places or more, quality of pseudo labels; none of what has no annotations."""
    found = [iteration_drawing(study), _generator_beta(study), _thresholds(study), _label_quality(study),
             signal_drawing(study)]  # fmt: skip
    return [drawing for drawing in found if drawing]


def lead_drawing(study: Study) -> Drawing | None:
    """The one figure that shows the result: mAP over iterations, or what stands for it without annotations."""
    return iteration_drawing(study) or signal_drawing(study)


def iteration_drawing(study: Study) -> Drawing | None:
    """mAP over iterations; None without any mAP."""
    metric, table = metric_on_test(study), iteration_table(study)
    if not study.has_test_map:
        return None
    return Drawing(
        "iterations",
        "mAP over refinement iterations, the best configuration of each generator; bands: one standard deviation "
        "over seeds",
        on_axes(lambda ax: draw_iterations(table, metric, ax)),
        iteration_trace(study, table),
    )


def search_drawings(study: Study) -> list[Drawing]:
    """How the search went."""
    objective, history = objective_name(study), search_history(study)
    refined = f"refined {objective}"
    found = [
        Drawing(
            "history",
            "Selection objective of the best refined iteration of each trial, which the search maximises, and the best "
            "so far; dotted: M0, below which refinement only harmed",
            on_axes(lambda ax: draw_history(history, refined, ax)),
            pd.DataFrame(history._asdict()),
        )
    ]
    found += _space_drawings(study, refined)
    shares, costs = importances(study), trial_costs(study)
    if shares:
        names = short_keys([*shares[0].shares, *shares[0].left_out])
        left_out = ", ".join(names[key] for key in shares[0].left_out)
        found.append(
            Drawing(
                "importance",
                f"Importance of the searched keys for the refined selection objective, over {shares[0].configurations} "
                f"configurations{f'; left out, as they matter in some trials only: {left_out}' * bool(left_out)}"
                f"{importance_intervals(shares[0])}",
                on_axes(lambda ax: draw_importance(shares, ax)),
                importance_data(shares),
            )
        )
    if len(costs.seconds):
        about = "Wall time per trial"
        found.append(Drawing("cost", about, on_axes(lambda ax: draw_cost(costs, ax)), trial_data(study)))
    return found


def figure_title(study: Study) -> str:
    """What stands above each figure of a study."""
    return data_title(study) + "\n† chosen on the test split" * chosen_on_test(study)


def _generator_beta(study: Study) -> Drawing | None:
    metric, table = metric_on_test(study), generator_table(study)
    if sum(cell is not None for row in table.cells for cell in row) < 2:
        return None
    return Drawing(
        "generator_beta",
        f"Generator of the pseudo labels and weight β of their loss{m0_remark(table.cells)}",
        on_axes(lambda ax: draw_generator_beta(table, metric, ax)),
        generator_trace(study, table),
    )


def _thresholds(study: Study) -> Drawing | None:
    metric, table = metric_on_test(study), threshold_table(study)
    if table is None or not any(table.by_place.values()):
        return None
    shown: NumberTable = table
    return Drawing(
        "thresholds",
        f"{shown.what}{m0_remark(shown.cells)}",
        on_axes(lambda ax: draw_thresholds(shown, metric, ax)),
        number_trace(study, shown),
        height=2.4,
    )


def _label_quality(study: Study) -> Drawing | None:
    quality = generator_label_quality(study)
    if not quality:
        return None
    return Drawing(
        "label_quality",
        "Foreground pseudo labels against the annotation of the training videos, best configuration of each generator",
        lambda figure: draw_label_quality(quality, figure),
        label_quality_data(quality),
    )


def _space_drawings(study: Study, objective: str) -> list[Drawing]:
    """Where in the space the trials lie; nothing with one trial or one point."""
    searched = searched_trials(study)
    if not searched.axes or len(searched.objective) < 2:
        return []
    data = trial_data(study)
    return [
        Drawing(
            "slices",
            "Selection objective of the best refined iteration against each searched key; dashed: the edges of the "
            "space, rings: trials there",
            lambda figure: draw_slices(searched, objective, figure),
            data,
            PAGE_IN,
            2.5,
        ),
        Drawing(
            "parallel_coordinates",
            "One line per completed trial, by its best refined iteration; lighter is better",
            lambda figure: draw_parallel(searched, objective, figure),
            data,
            PAGE_IN,
            2.2,
        ),
    ]
