"""``--with-paper``: the paper's number, ours and the difference, cell by cell."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from analysis.results import (
    Column,
    PaperTable,
    Summary,
    at_each_tiou,
    best_trials,
    generator_table,
    iteration_table,
    label,
    tables_for,
    tiou_columns,
    value_table,
)
from analysis.study import Study
from analysis.tables.grid import DASH, Cell, Grid
from analysis.text import caption, generator_name

ATTENTION = "model.attention"
Ours = Callable[[Study, PaperTable], dict[tuple[str, Column], Summary | None]]


def paper_comparisons(study: Study) -> list[tuple[Grid, pd.DataFrame]]:
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


def _side_by_side(
    study: Study, paper: PaperTable, ours: dict[tuple[str, Column], Summary | None]
) -> tuple[Grid, pd.DataFrame]:
    rows, data = [], []
    shown = [row for row in paper.rows if any(ours.get((row, column)) for column in paper.columns)]
    for name in shown:
        theirs = [paper.at(name, column) for column in paper.columns]
        mine = [ours.get((name, column)) for column in paper.columns]
        pairs = list(zip(theirs, mine, strict=True))
        title = generator_name(name) if paper.kind == "generator_beta" else name.replace("_", " ")
        rows += [
            [Cell(f"{title}, paper"), *(Cell(DASH if t is None else f"{t:.2f}") for t in theirs)],
            [Cell(f"{title}, ours"), *(Cell(f"{m.mean:.2f}" if m else DASH) for m in mine)],
            [Cell("difference"), *(Cell(f"{m.mean - t:+.2f}" if m and t is not None else DASH) for t, m in pairs)],
        ]
        data += [
            {"table": paper.number, "row": name, "column": column, "paper": t,
             "ours": m.mean if m else None, "difference": m.mean - t if m and t is not None else None,
             "num_seeds": m.n if m else None, "trials": " ".join(map(str, m.trials)) if m else "",
             "ledger_lines": " ".join(map(str, m.lines)) if m else ""}
            for column, (t, m) in zip(paper.columns, pairs, strict=True)
        ]  # fmt: skip
    number = paper.number.split()[0].lower()
    grid = Grid(
        name=f"paper_{number}",
        label=label(study, f"paper-{number}"),
        caption=caption(
            study, f"Table {paper.number} of the paper ({paper.title}) beside ours", [*paper.notes], paper.metric
        ),
        spanner={"generator_beta": "β", "iterations": "η", "attention": ""}.get(paper.kind, "tIoU"),
        header=["", *(column if isinstance(column, str) else f"{column:g}" for column in paper.columns)],
        rows=rows,
    )
    return grid, pd.DataFrame(data)


def _generators(study: Study, paper: PaperTable) -> dict[tuple[str, Column], Summary | None]:
    table = generator_table(study)
    found: dict[tuple[str, Column], Summary | None] = {}
    for generator, cells in zip(table.generators, table.cells, strict=True):
        found[generator, 0] = table.base
        found |= {(generator, beta): cell for beta, cell in zip(table.betas, cells, strict=True)}
    return found


def _iterations(study: Study, paper: PaperTable) -> dict[tuple[str, Column], Summary | None]:
    """Of the best configuration with the paper's generator, else of the best one."""
    table = iteration_table(study)
    row = next((row for row in table.rows if row.generator == "segment_prediction"), table.rows[0])
    return {("RefineLoc", i): cell for i, cell in zip(table.iterations, row.cells, strict=True)}


def _by_tiou(study: Study, paper: PaperTable) -> dict[tuple[str, Column], Summary | None]:
    """The paper's two rows of RefineLoc, or of its base model, against M0 and the chosen iteration."""
    if paper.kind == "base_model" and _model(study) not in _plain(paper.rows[0]):
        return {}
    base, refined = paper.rows[-2:]
    trials = best_trials(study)
    columns = tiou_columns(study, trials)
    found: dict[tuple[str, Column], Summary | None] = {}
    for name, which in ((base, "base"), (refined, "chosen")):
        cells = at_each_tiou(study, trials, columns, which)
        found |= {
            (name, column if isinstance(column, str) else round(column, 9)): cell
            for column, cell in zip(columns, cells, strict=True)
        }
    return found


def _attention(study: Study, paper: PaperTable) -> dict[tuple[str, Column], Summary | None]:
    if ATTENTION not in study.completed:
        return {}
    table = value_table(study, ATTENTION)
    return {(row.replace(" ", "_"), "mAP"): cells[1] for row, cells in zip(table.rows, table.cells, strict=True)}


def _model(study: Study) -> str:
    return _plain(str(study.setting("run", "model", "name", default="refineloc")))


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


OURS: dict[str, Ours] = {
    "generator_beta": _generators,
    "iterations": _iterations,
    "state_of_the_art": _by_tiou,
    "base_model": _by_tiou,
    "attention": _attention,
}
