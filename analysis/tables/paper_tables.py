"""The paper's numbers beside ours: its table of the state of the art with our rows, and differences cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from analysis.results.comparisons import value_table
from analysis.results.generators import generator_table
from analysis.results.iterations import iteration_table
from analysis.results.paper import Column, PaperTable, tables_for
from analysis.results.refinement import Which, at_each_tiou, best_trials, chosen_iterations, tiou_columns
from analysis.results.statistics import Summary
from analysis.results.trace import trace
from analysis.settings import ATTENTION
from analysis.study import Study
from analysis.tables.grid import Cell, Grid, mark_remarks, summary_cell
from analysis.tables.rendering import Table
from analysis.text import M0_MARK, caption, eta_text, generator_name, label, number_text, threshold_text

Numbers = Mapping[tuple[str, Column], Summary | None]
Ours = Callable[[Study, PaperTable], Numbers]


def state_of_the_art(study: Study) -> list[Table]:
    """The paper's rows and ours; none for data that the paper does not have."""
    return [_with_our_rows(study, table) for table in tables_for(study, "state_of_the_art")]


def differences_to_paper(study: Study) -> list[Table]:
    """One table for each of the paper's that has the study's data, features and question."""
    found = []
    for kind, ours in OURS.items():
        if kind != "base_model" and _model(study) != "refineloc":
            continue  # the paper's other tables are of RefineLoc's own base model
        for paper in tables_for(study, kind):
            numbers = ours(study, paper)
            if any(numbers.values()):
                found.append(_side_by_side(study, paper, numbers))
    return found


def _with_our_rows(study: Study, paper: PaperTable) -> Table:
    trials = best_trials(study)
    names: dict[str, Which] = {
        "Ours (η = 0)": "base",
        f"Ours, refined ({eta_text(chosen_iterations(trials))})": "chosen",
    }
    ours = {name: _at_columns(study, trials, which, paper.columns) for name, which in names.items()}
    mine = [[Cell(name), *map(summary_cell, cells)] for name, cells in ours.items()]
    theirs = [[Cell(name), *(_printed(paper.at(name, column)) for column in paper.columns)] for name in paper.rows]
    grid = Grid(
        name="state_of_the_art",
        label=label(study.name, "state-of-the-art"),
        caption=caption(
            study,
            "State of the art",
            [
                f"All rows but ours are those of Table {paper.number} of the paper, as printed there",
                *mark_remarks(mine),
            ],
            "mAP",
        ),
        spanner="tIoU",
        header=["Method", *map(threshold_text, paper.columns)],
        rows=[*theirs, *mine],
        notes=paper.notes,
    )
    found = {
        (name, column): cell for name, cells in ours.items() for column, cell in zip(paper.columns, cells, strict=True)
    }
    return grid, trace(study, ("row", "column"), found)


def _side_by_side(study: Study, paper: PaperTable, ours: Numbers) -> Table:
    rows, data = [], []
    shown = [row for row in paper.rows if any(ours.get((row, column)) for column in paper.columns)]
    for name in shown:
        theirs = [paper.at(name, column) for column in paper.columns]
        mine = [ours.get((name, column)) for column in paper.columns]
        differences = [m.mean - t if m and t is not None else None for t, m in zip(theirs, mine, strict=True)]
        title = generator_name(name) if paper.kind == "generator_beta" else name.replace("_", " ")
        rows += [
            [Cell(f"{title}, paper"), *(Cell(number_text(t)) for t in theirs)],
            [Cell(f"{title}, ours"), *map(_mean_cell, mine)],
            [Cell("difference"), *(Cell(number_text(d, signed=True)) for d in differences)],
        ]
        data += [
            {"table": paper.number, "row": name, "column": column, "paper": t, "ours": m.mean if m else None,
             "difference": d, "num_seeds": m.n if m else None, "is_m0": m.is_m0 if m else None,
             "trials": " ".join(map(str, m.trials)) if m else "",
             "ledger_lines": " ".join(map(str, m.lines)) if m else ""}
            for column, t, m, d in zip(paper.columns, theirs, mine, differences, strict=True)
        ]  # fmt: skip
    number = paper.number.split()[0].lower()
    grid = Grid(
        name=f"paper_{number}",
        label=label(study.name, f"paper-{number}"),
        caption=caption(
            study, f"Table {paper.number} of the paper ({paper.title}) beside ours", mark_remarks(rows), paper.metric
        ),
        spanner={"generator_beta": "β", "iterations": "η", "attention": ""}.get(paper.kind, "tIoU"),
        header=["", *map(threshold_text, paper.columns)],
        rows=rows,
        notes=paper.notes,
    )
    return grid, pd.DataFrame(data)


def _generators(study: Study, paper: PaperTable) -> Numbers:
    table = generator_table(study)
    found: dict[tuple[str, Column], Summary | None] = {}
    for generator, cells in zip(table.generators, table.cells, strict=True):
        found[generator, 0] = table.base
        found |= {(generator, beta): cell for beta, cell in zip(table.betas, cells, strict=True)}
    return found


def _iterations(study: Study, paper: PaperTable) -> Numbers:
    """Of the best configuration with the paper's generator, else of the best one."""
    table = iteration_table(study)
    row = next((row for row in table.rows if row.generator == "segment_prediction"), table.rows[0])
    return {("RefineLoc", i): cell for i, cell in zip(table.iterations, row.cells, strict=True)}


def _by_tiou(study: Study, paper: PaperTable) -> Numbers:
    """The paper's two rows of RefineLoc, or of its base model, against M0 and the chosen iteration."""
    if paper.kind == "base_model" and _model(study) not in _plain(paper.rows[0]):
        return {}
    base, refined = paper.rows[-2:]
    trials = best_trials(study)
    found: dict[tuple[str, Column], Summary | None] = {}
    names: dict[str, Which] = {base: "base", refined: "chosen"}
    for name, which in names.items():
        cells = _at_columns(study, trials, which, paper.columns)
        found |= {(name, column): cell for column, cell in zip(paper.columns, cells, strict=True)}
    return found


def _attention(study: Study, paper: PaperTable) -> Numbers:
    if ATTENTION not in study.completed:
        return {}
    table = value_table(study, ATTENTION)
    return {(row.replace(" ", "_"), "mAP"): cells[1] for row, cells in zip(table.rows, table.cells, strict=True)}


def _at_columns(study: Study, trials: pd.DataFrame, which: Which, wanted: Sequence[Column]) -> list[Summary | None]:
    """Numbers in the paper's columns; thresholds are the same when they agree to nine digits."""
    known = tiou_columns(study, trials)
    by = dict(zip(map(_key, known), at_each_tiou(study, trials, known, which), strict=True))
    return [by.get(_key(column)) for column in wanted]


def _key(column: Column) -> Column:
    # Thresholds of a linspace differ from the paper's in their last digits.
    return column if isinstance(column, str) else round(column, 9)


def _printed(value: float | None) -> Cell:
    return Cell() if value is None else Cell(f"{value:g}")


def _mean_cell(summary: Summary | None) -> Cell:
    """Without a deviation, which the paper does not give."""
    if summary is None:
        return Cell()
    return Cell(f"{number_text(summary.mean)}{f' {M0_MARK}' * summary.is_m0}", trials=summary.trials)


def _model(study: Study) -> str:
    return _plain(study.settings.base_model)


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


OURS: dict[str, Ours] = {
    "generator_beta": _generators,
    "iterations": _iterations,
    "state_of_the_art": _by_tiou,
    "base_model": _by_tiou,
    "attention": _attention,
}
