"""Several studies in one table: base models with and without refinement, data sets, or selection rules."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.results.refinement import Which, at_each_tiou, best_trials, chosen_iterations, tiou_columns
from analysis.results.statistics import Summary
from analysis.results.trace import trace
from analysis.study import Study
from analysis.tables.grid import Cell, Grid, mark_remarks, summary_cell
from analysis.tables.rendering import Table
from analysis.text import (
    BASE_MODELS,
    chosen_on_test,
    count_text,
    data_title,
    eta_text,
    label,
    objective_of,
    threshold_text,
)

Column = float | str


def across_studies(studies: Sequence[Study]) -> Table:
    """M0 and the best refined model of each study by tIoU (paper, Table 5); no marks between different data."""
    columns = _all_columns(studies)
    rows: list[list[Cell]] = []
    traces, refined_only = [], any(study.refined_only for study in studies)
    for study in studies:
        found = _study_rows(study, columns)
        rows += [[Cell(name), *map(summary_cell, cells)] for name, cells in found.items()]
        places = {(name, c): cell for name, cells in found.items() for c, cell in zip(columns, cells, strict=True)}
        traces.append(trace(study, ("row", "column"), places))
    grid = Grid(
        name="studies-refined-only" if refined_only else "studies",
        label=label("studies", "-".join([*(study.name for study in studies), *["refined-only"] * refined_only])),
        caption="Base model and the best configuration's refined model of each study: test mAP in %, mean ± standard "
        "deviation over seeds"
        + ", refined iterations (η ≥ 1) alone" * refined_only
        + "."
        + " †Chosen on the test split itself." * any(map(chosen_on_test, studies)),
        spanner="tIoU",
        header=["Study", *map(threshold_text, columns)],
        rows=rows,
        notes=[*mark_remarks(rows), *map(_how_chosen, studies)],
    )
    return grid, pd.concat(traces, ignore_index=True)


def _all_columns(studies: Sequence[Study]) -> list[Column]:
    columns: list[Column] = []
    for study in studies:
        columns += [c for c in tiou_columns(study, best_trials(study)) if c not in columns]
    return sorted(columns, key=lambda c: (isinstance(c, str), c))


def _study_rows(study: Study, columns: Sequence[Column]) -> dict[str, list[Summary | None]]:
    """M0 and the refined model, by the name of their row."""
    trials = best_trials(study)
    dagger = "†" * chosen_on_test(study)
    refined = f"{study.name}: + refinement ({eta_text(chosen_iterations(trials))}){dagger}"
    names: dict[str, Which] = {f"{study.name}: {_model(study)}": "base", refined: "chosen"}
    return {name: at_each_tiou(study, trials, columns, which) for name, which in names.items()}


def _how_chosen(study: Study) -> str:
    split = "the test split itself†" if chosen_on_test(study) else "held-out training videos"
    return (
        f"{study.name}: {data_title(study)}, chosen by {objective_of(study).name} on {split}, "
        f"{count_text(len(study.completed), 'completed trial')}"
    )


def _model(study: Study) -> str:
    name = study.settings.base_model
    return BASE_MODELS.get(name, name)
