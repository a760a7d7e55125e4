"""Several studies in one table: base models with and without refinement, data sets, or selection rules."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.results import Summary, at_each_tiou, best_trials, eta_text, tiou_columns, trace
from analysis.study import Study
from analysis.tables.grid import Cell, Grid, number_text
from analysis.text import BASE_MODELS, chosen_on_test, data_title, metric_name


def across_studies(studies: Sequence[Study]) -> list[tuple[Grid, pd.DataFrame]]:
    """M0 and the best refined model of each study by tIoU (paper, Table 5); no marks between different data."""
    columns: list[float | str] = []
    for study in studies:
        columns += [c for c in tiou_columns(study, best_trials(study)) if c not in columns]
    columns.sort(key=lambda c: (isinstance(c, str), c))
    rows: list[list[Cell]] = []
    traces = []
    for study in studies:
        trials = best_trials(study)
        base, chosen = (at_each_tiou(study, trials, columns, which) for which in ("base", "chosen"))
        etas = next((cell.iterations for cell in chosen if cell), ())
        dagger = "†" if chosen_on_test(study) else ""
        names = (f"{study.name}: {_model(study)}", f"{study.name}: + refinement ({eta_text(etas)}){dagger}")
        found: dict[tuple[str, float | str], Summary | None] = {}
        for name, cells in zip(names, (base, chosen), strict=True):
            rows.append([Cell(name), *(Cell(number_text(cell, cell.n if cell else 1)) for cell in cells)])
            found |= {(name, column): cell for column, cell in zip(columns, cells, strict=True)}
        traces.append(trace(study, ("row", "column"), found))
    grid = Grid(
        name="studies",
        label="-".join(["studies", *(study.name for study in studies)]),
        caption=" ".join(
            [
                "Base model and the best configuration's refined model of each study: test mAP in %,",
                "mean ± standard deviation over seeds.",
                *(
                    f"{study.name}: {data_title(study)}, chosen by {metric_name(study)} on "
                    f"{'the test split itself†' if chosen_on_test(study) else 'held-out training videos'}, "
                    f"{len(study.completed)} completed trials."
                    for study in studies
                ),
            ]
        ),
        spanner="tIoU",
        header=["Study", *(column if isinstance(column, str) else f"{column:g}" for column in columns)],
        rows=rows,
    )
    return [(grid, pd.concat(traces, ignore_index=True))]


def _model(study: Study) -> str:
    name = str(study.setting("run", "model", "name", default="refineloc"))
    return BASE_MODELS.get(name, name)
