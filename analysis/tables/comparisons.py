"""The tables of ``comparisons.py`` as text, with their traces; the paper's rows beside ours."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.results import (
    NumberTable,
    PaperTable,
    Summary,
    at_each_tiou,
    best_trials,
    configuration_text,
    eta_text,
    label,
    label_quality_table,
    refinement_table,
    states_and_cost,
    tables_for,
    threshold_table,
    tiou_columns,
    top_configurations,
    trace,
    value_tables,
)
from analysis.study import Study
from analysis.tables.grid import Cell, Grid, mark_remarks, marked, number_text
from analysis.text import caption, data_title

Table = tuple[Grid, pd.DataFrame]


def number_grid(study: Study, table: NumberTable, marks: str) -> Table:
    """A NumberTable as text, and its trace."""
    wanted = study.completed["seed"].nunique()
    competing = table.competing if table.best_by_column else [False] * len(table.rows)
    cells = marked(table.cells, competing, [wanted] * len(table.rows), marks)
    grid = Grid(
        name=table.name,
        label=label(study, table.name),
        caption=caption(study, table.what, [*table.remarks, *mark_remarks(cells)], table.metric, table.split),
        spanner=table.spanner,
        header=[table.corner, *table.columns],
        rows=[[Cell(name), *row] for name, row in zip(table.rows, cells, strict=True)],
    )
    found = {
        (row, column): table.cells[r][c] for r, row in enumerate(table.rows) for c, column in enumerate(table.columns)
    }
    return grid, trace(study, ("row", "column"), found)


def comparison_tables(study: Study, marks: str) -> list[Table]:
    """All of them that apply to one study."""
    optional = [threshold_table(study), label_quality_table(study)]
    tables = [refinement_table(study), *value_tables(study), *(table for table in optional if table)]
    found = [number_grid(study, table, marks) for table in tables]
    return [*found, *state_of_the_art(study), top_grid(study), states_grid(study)]


def top_grid(study: Study) -> Table:
    """The best configurations in the order of their selection objective."""
    ranked = top_configurations(study)
    wanted = study.completed["seed"].nunique()
    grid = Grid(
        name="top_configurations",
        label=label(study, "top"),
        caption=caption(
            study,
            f"The {len(ranked)} best configurations by their selection objective",
            ["The order is that of the selection objective (mean over seeds), not of the test number"],
        ),
        spanner="",
        header=["Configuration", "selection", "test", "η"],
        rows=[
            [
                Cell(configuration_text(one.configuration, generator=True)),
                Cell(f"{one.selection:.2f}"),
                Cell(number_text(one.test, wanted)),
                Cell(", ".join(map(str, one.test.iterations))),
            ]
            for one in ranked
        ],
    )
    found = {(str(rank), one.configuration): one.test for rank, one in enumerate(ranked, start=1)}
    return grid, trace(study, ("rank", "searched"), found)


def states_grid(study: Study) -> Table:
    """How trials ended, and what they cost."""
    rows = states_and_cost(study)
    grid = Grid(
        name="states",
        label=label(study, "states"),
        caption=f"How the trials of study {study.name} on {data_title(study)} ended, and what they cost.",
        spanner="",
        header=["State", "trials", "iterations", "hours in all", "median s"],
        rows=[
            [
                Cell(row.state),
                Cell(str(row.trials)),
                Cell(str(row.iterations)),
                Cell(f"{row.seconds / 3600:.2f}"),
                Cell(f"{row.median_seconds:.1f}" if row.median_seconds == row.median_seconds else "–"),
            ]
            for row in rows
        ],
    )
    return grid, pd.DataFrame([row._asdict() for row in rows])


def state_of_the_art(study: Study) -> list[Table]:
    """The paper's rows and ours; none for data that the paper does not have."""
    return [_beside_paper(study, table) for table in tables_for(study, "state_of_the_art")]


def _beside_paper(study: Study, paper: PaperTable) -> Table:
    trials = best_trials(study)
    known = tiou_columns(study, trials)
    base = _at_columns(at_each_tiou(study, trials, known, "base"), known, paper.columns)
    chosen = _at_columns(at_each_tiou(study, trials, known, "chosen"), known, paper.columns)
    etas = next((cell.iterations for cell in chosen if cell), ())
    ours = {"Ours (η = 0)": base, f"Ours ({eta_text(etas)})": chosen}
    rows = [[Cell(name), *(_printed(paper.at(name, column)) for column in paper.columns)] for name in paper.rows] + [
        [Cell(name), *(Cell(number_text(cell, cell.n if cell else 1)) for cell in cells)]
        for name, cells in ours.items()
    ]
    grid = Grid(
        name="state_of_the_art",
        label=label(study, "state-of-the-art"),
        caption=caption(
            study,
            "State of the art",
            [f"All rows but ours are those of Table {paper.number} of the paper, as printed there", *paper.notes],
            "mAP",
        ),
        spanner="tIoU",
        header=["Method", *(column if isinstance(column, str) else f"{column:g}" for column in paper.columns)],
        rows=rows,
    )
    found = {
        (name, column): cell for name, cells in ours.items() for column, cell in zip(paper.columns, cells, strict=True)
    }
    return grid, trace(study, ("row", "column"), found)


def _at_columns(
    cells: Sequence[Summary | None], known: Sequence[float | str], wanted: Sequence[float | str]
) -> list[Summary | None]:
    """Cells of the wanted columns; thresholds are the same when they agree to nine digits."""
    by = {
        column if isinstance(column, str) else round(column, 9): cell for column, cell in zip(known, cells, strict=True)
    }
    return [by.get(column if isinstance(column, str) else round(column, 9)) for column in wanted]


def _printed(value: float | None) -> Cell:
    return Cell() if value is None else Cell(f"{value:g}")
