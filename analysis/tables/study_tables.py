"""The tables of a study: numbers first, as values; then Markdown, LaTeX and CSV. Also the command.

The CSV beside each table is its trace: one row per cell with all digits and the trials, seeds and ledger lines
that are behind it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from analysis.results import BASE, ORACLE, Summary, configuration_text, generator_table, iteration_table, label, trace
from analysis.study import Study, add_study_arguments, open_studies, out_folder, why_empty
from analysis.tables.across_studies import across_studies
from analysis.tables.comparisons import comparison_tables
from analysis.tables.grid import Cell, Grid, mark_remarks, marked, number_text, to_markdown
from analysis.tables.latex import to_latex
from analysis.tables.paper_comparisons import paper_comparisons
from analysis.text import caption, generator_name
from trainables.errors import UserError
from trainables.files import write_whole
from trainables.output import print_error

MARKS = ("second", "paper")


def generator_grid(study: Study, marks: str = "second") -> tuple[Grid, pd.DataFrame]:
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
        label=label(study, "generator-beta"),
        caption=caption(
            study, "Generators of pseudo labels and the weight β of their loss", [*table.remarks, *mark_remarks(shown)]
        ),
        spanner="β",
        header=["Pseudo labels", "0", *(f"{beta:g}" for beta in table.betas)],
        rows=rows,
    )
    found = {(BASE, 0.0): table.base} | {
        (generator, beta): table.cells[g][b]
        for g, generator in enumerate(table.generators)
        for b, beta in enumerate(table.betas)
    }
    return grid, trace(study, ("generator", "beta"), found)


def iteration_grid(study: Study, marks: str = "second") -> tuple[Grid, pd.DataFrame]:
    """The iteration table as text, and its trace."""
    table = iteration_table(study)
    competing = [row.generator != ORACLE for row in table.rows]
    shown = marked([row.cells for row in table.rows], competing, [row.chosen.n for row in table.rows], marks)
    rows = []
    for row, cells in zip(table.rows, shown, strict=True):
        chosen = f"{number_text(row.chosen, table.seeds)} ({', '.join(map(str, row.chosen.iterations))})"
        rows.append([Cell(generator_name(row.generator)), *cells, Cell(chosen)])
    remarks = [
        "η = 0 is the base model M0; dashes: the refinement had stopped",
        "Each row is the configuration with the best selection objective of its generator",
        "Last column: at the iteration that the selection rule chose (in brackets, by seed)",
        *(f"{generator_name(row.generator)}: {configuration_text(row.configuration)}" for row in table.rows),
        *mark_remarks(shown),
        *["The oracle sees the ground truth and takes no part in the marks"] * (not all(competing)),
    ]
    grid = Grid(
        name="iterations",
        label=label(study, "iterations"),
        caption=caption(study, "Refinement iterations η", remarks),
        spanner="η",
        header=["Pseudo labels", *map(str, table.iterations), "chosen"],
        rows=rows,
    )
    found: dict[tuple[str, int | str], Summary | None] = {}
    for row in table.rows:
        found |= {(row.generator, i): summary for i, summary in zip(table.iterations, row.cells, strict=True)}
        found[row.generator, "chosen"] = row.chosen
    return grid, trace(study, ("generator", "iteration"), found)


FORMATS = {"latex": "tex", "markdown": "md", "csv": "csv"}


def render(grid: Grid, data: pd.DataFrame, format_name: str) -> str:
    """A table in one of FORMATS."""
    if format_name == "csv":
        return data.to_csv(index=False)
    return to_latex(grid) if format_name == "latex" else to_markdown(grid)


def study_tables(study: Study, marks: str = "second", with_paper: bool = False) -> list[tuple[Grid, pd.DataFrame]]:
    """All tables that apply to a study with a completed trial. marks: one of MARKS."""
    tables = [generator_grid(study, marks), iteration_grid(study, marks), *comparison_tables(study, marks)]
    return [*tables, *(paper_comparisons(study) if with_paper else [])]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print and write all tables; 1 when no study has a completed trial, 2 when the request is wrong."""
    parser = argparse.ArgumentParser("python -m analysis.tables", description="Tables of one study or several.")
    add_study_arguments(parser)
    parser.add_argument("--format", choices=FORMATS, help="only this one (default: write all three, print markdown)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: the study's tables folder)")
    parser.add_argument(
        "--marks", choices=MARKS, default=MARKS[0],
        help="second: best of a column bold, second underlined, where the seeds support it; paper: best of a column "
        "bold, best of all underlined (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--with-paper", action="store_true", help="also the paper's numbers beside ours")
    options = parser.parse_args(arguments)
    try:
        return _write_all(open_studies(options), options)
    except UserError as error:
        return print_error(error)


def _write_all(studies: Sequence[Study], options: argparse.Namespace) -> int:
    full = [study for study in studies if not study.completed.empty]
    for study in studies:
        if study.completed.empty:
            print(why_empty(study), file=sys.stderr)
    if not full:
        return 1
    formats = [options.format] if options.format else list(FORMATS)
    for study in full:
        tables = study_tables(study, options.marks, options.with_paper)
        _emit(tables, out_folder(study, options.out, "tables", len(studies) > 1), formats, options.format)
        if options.with_paper and not any(grid.name.startswith("paper_") for grid, _ in tables):
            print(f"{study.name}: the paper has no numbers for these data and this question", file=sys.stderr)
    if len(full) > 1:
        _emit(across_studies(full), options.out or full[0].folder.parent, formats, options.format)
    return 0


def _emit(tables: Sequence[tuple[Grid, pd.DataFrame]], out: Path, formats: Sequence[str], printed: str | None) -> None:
    write_tables(tables, out, formats)
    for grid, data in tables:
        print(render(grid, data, printed or "markdown"))


def write_tables(tables: Iterable[tuple[Grid, pd.DataFrame]], out: Path, formats: Iterable[str]) -> None:
    """Write each table in each format into ``out`` and say so on stderr; UserError when that cannot be done."""
    chosen = list(formats)
    try:
        for grid, data in tables:
            for name in chosen:
                write_whole(out / f"{grid.name}.{FORMATS[name]}", render(grid, data, name).encode())
    except OSError as error:
        raise UserError(f"--out: {out}: cannot be written to ({error.strerror})") from None
    print(f"written to {out} ({', '.join(FORMATS[name] for name in chosen)})", file=sys.stderr)
