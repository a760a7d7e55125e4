"""Generator x β, and mAP over refinement iterations, as text."""

from __future__ import annotations

from analysis.results.generators import generator_table
from analysis.results.iterations import IterationRow, iteration_table
from analysis.results.trace import generator_trace, iteration_trace
from analysis.study import Study
from analysis.tables.grid import Cell, Grid, mark_remarks, marked, summary_text
from analysis.tables.rendering import Table
from analysis.text import DASH, ORACLE, caption, configuration_text, generator_name, label

ORACLE_ASIDE = "The oracle sees the ground truth and takes no part in the marks"


def generator_grid(study: Study, marks: str = "second") -> Table:
    """The generator table as text, and its trace."""
    table = generator_table(study)
    numbers = [[None if g else table.base, *cells] for g, cells in enumerate(table.cells)]
    competing = [generator != ORACLE for generator in table.generators]
    shown = marked(numbers, competing, [table.seeds] * len(numbers), marks)
    rows = [
        [Cell(generator_name(generator)), base._replace(covered=g > 0), *cells]
        for g, (generator, (base, *cells)) in enumerate(zip(table.generators, shown, strict=True))
    ]
    grid = Grid(
        name="generator_beta",
        label=label(study.name, "generator-beta"),
        caption=caption(study, "Generators of pseudo labels and the weight β of their loss", mark_remarks(shown)),
        spanner="β",
        header=["Pseudo labels", "0", *(f"{beta:g}" for beta in table.betas)],
        rows=rows,
        notes=[*table.remarks, *[ORACLE_ASIDE] * (not all(competing))],
    )
    return grid, generator_trace(study, table)


def iteration_grid(study: Study, marks: str = "second") -> Table:
    """The iteration table as text, and its trace."""
    table = iteration_table(study)
    competing = [row.generator != ORACLE for row in table.rows]
    shown = marked([row.cells for row in table.rows], competing, [row.seeds for row in table.rows], marks)
    chosen = [_chosen(row, table.seeds) for row in table.rows]
    rows = [
        [Cell(generator_name(row.generator)), *cells, last]
        for row, cells, last in zip(table.rows, shown, chosen, strict=True)
    ]
    notes = [
        *["Dashes: the refinement had stopped"] * any(cell.text == DASH for row in shown for cell in row),
        "Each row is the configuration with the best selection objective of its generator",
        "Last column: at the iteration that the selection rule chose (in brackets, by seed)",
        *(f"{generator_name(row.generator)}: {configuration_text(row.configuration)}" for row in table.rows),
        *[ORACLE_ASIDE] * (not all(competing)),
    ]
    grid = Grid(
        name="iterations",
        label=label(study.name, "iterations"),
        caption=caption(study, "Refinement iterations η", mark_remarks([*shown, chosen])),
        spanner="η",
        header=["Pseudo labels", *map(str, table.iterations), "chosen"],
        rows=rows,
        notes=notes,
    )
    return grid, iteration_trace(study, table)


def _chosen(row: IterationRow, seeds: int) -> Cell:
    text = summary_text(row.chosen, seeds) if row.chosen else DASH
    trials = row.chosen.trials if row.chosen else ()
    return Cell(f"{text} ({', '.join(map(str, row.etas))})", trials=trials)
