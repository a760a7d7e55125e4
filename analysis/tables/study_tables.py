"""All tables of one study: those of the paper, one for each searched key, and how its trials ended."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.results.choosing import choosing_table
from analysis.results.comparisons import threshold_table, value_tables
from analysis.results.label_quality import label_quality_table
from analysis.results.number_table import NumberTable
from analysis.results.ranking import RankedConfiguration, states_and_cost, top_configurations
from analysis.results.refinement import refinement_table
from analysis.results.trace import number_trace, trace
from analysis.study import Study
from analysis.tables.generator_tables import generator_grid, iteration_grid
from analysis.tables.grid import Cell, Grid, mark_remarks, marked, summary_cell, without_empty
from analysis.tables.importance_table import importance_grid
from analysis.tables.paper_tables import differences_to_paper, state_of_the_art
from analysis.tables.prediction_thresholds import prediction_threshold_grids
from analysis.tables.rendering import Table
from analysis.tables.signal_table import signal_grid
from analysis.text import DASH, caption, configuration_text, count_text, data_title, label, number_text, objective_of


def study_tables(study: Study, marks: str = "second", with_paper: bool = False) -> list[Table]:
    """Those that apply to a study with a completed trial. marks: ``second`` or ``paper``, see ``grid.marked``.

    Without temporal annotations of the test split there is no mAP to put into most of them: these are left out.
    """
    matters = importance_grid(study)
    shared = [top_grid(study), *([matters] if matters else []), states_grid(study)]
    labels = label_quality_table(study)
    quality = [number_grid(study, labels, marks)] if labels else []
    measured = signal_grid(study)
    signals = [measured] if measured else []
    if not study.has_test_map:
        return [*signals, *quality, *shared]
    optional = (threshold_table(study), choosing_table(study))
    numbers = [refinement_table(study), *value_tables(study), *(table for table in optional if table)]
    return [
        generator_grid(study, marks),
        iteration_grid(study, marks),
        *(number_grid(study, table, marks) for table in numbers),
        *prediction_threshold_grids(study),
        *quality,
        *signals,
        *state_of_the_art(study),
        *shared,
        *(differences_to_paper(study) if with_paper else []),
    ]


def number_grid(study: Study, table: NumberTable, marks: str) -> Table:
    """A NumberTable as text, and its trace."""
    wanted = study.completed["seed"].nunique()
    competing = table.competing if table.best_by_column else [False] * len(table.rows)
    cells = marked(table.cells, competing, [wanted] * len(table.rows), marks)
    grid = Grid(
        name=table.name,
        label=label(study.name, table.name),
        caption=caption(study, table.what, mark_remarks(cells), table.metric, table.split, chosen=table.chosen),
        spanner=table.spanner,
        header=[table.corner, *table.columns],
        rows=[[Cell(name), *row] for name, row in zip(table.rows, cells, strict=True)],
        notes=table.remarks,
    )
    return grid, number_trace(study, table)


def top_grid(study: Study) -> Table:
    """The best configurations in the order of their selection objective; no test column in a study without test mAP."""
    ranked, objective = top_configurations(study), objective_of(study)
    wanted = study.completed["seed"].nunique()
    grid = Grid(
        name="top_configurations",
        label=label(study.name, "top"),
        caption=_top_caption(study, ranked),
        spanner="",
        header=[
            "Configuration",
            objective.name if objective.signal else "selection",
            *("s.e.", "likely", "seeds", *["test"] * study.has_test_map, "η"),
        ],
        rows=[
            [
                Cell(configuration_text(one.configuration, generator=True), trials=one.trials),
                Cell(objective.number(one.selection, 2, DASH)),
                Cell(number_text(one.standard_error, 4 if objective.is_loss else 2)),
                Cell(objective.number(one.likely, 2, DASH)),
                Cell(str(len(one.seeds))),
                *[summary_cell(one.test, wanted)] * study.has_test_map,
                Cell(", ".join(map(str, one.etas))),
            ]
            for one in ranked
        ],
        notes=[
            "The order is that of the selection objective, not of the test number; configurations that ran on one seed "
            "come after those that ran on more",
            "selection: mean over seeds; where configurations ran on different seeds, as if each had run on all "
            "(least squares of configuration + seed)",
            "s.e.: standard error of that mean in comparisons on the same seeds; likely: the mean drawn towards that "
            "of all configurations by the share of noise in their spread; neither where one seed cannot tell",
        ],
    )
    found = {(str(rank), one.configuration): one.test for rank, one in enumerate(ranked, start=1)}
    data = trace(study, ("rank", "searched"), found)
    data.insert(3, "selection_objective", [one.selection for one in ranked])
    data.insert(4, "standard_error", [one.standard_error for one in ranked])
    data.insert(5, "likely", [one.likely for one in ranked])
    data.insert(6, "selection_seeds", [len(one.seeds) for one in ranked])
    return without_empty(grid, ("s.e.", "likely")), data


def _top_caption(study: Study, ranked: Sequence[RankedConfiguration]) -> str:
    what = f"The {count_text(len(ranked), 'best configuration')} by selection objective"
    if study.has_test_map:
        return caption(study, what, mark_remarks([[summary_cell(one.test)] for one in ranked]))
    objective = objective_of(study)
    unit = "" if objective.is_loss else " in %"
    return caption(study, what, metric=objective.name, split="held-out training", unit=unit)


def states_grid(study: Study) -> Table:
    """How trials ended, and what they cost."""
    rows = states_and_cost(study)
    grid = Grid(
        name="states",
        label=label(study.name, "states"),
        caption=f"How the trials of study {study.name} on {data_title(study)} ended, and what they cost.",
        spanner="",
        header=["State", "trials", "trainings", "hours in all", "median s"],
        rows=[
            [
                Cell(row.state),
                Cell(str(row.trials)),
                Cell(str(row.iterations)),
                Cell(number_text(row.seconds / 3600)),
                Cell(number_text(row.median_seconds, 1)),
            ]
            for row in rows
        ],
    )
    return grid, pd.DataFrame([row._asdict() for row in rows])
