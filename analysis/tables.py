"""The tables of a study: numbers first, as values; then Markdown, LaTeX and CSV. Also the command.

The CSV beside each table is its trace: one row per cell with all digits and the trials, seeds and ledger lines
that are behind it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.captions import caption, generator_name
from analysis.grid import Cell, Grid, marked, number_text, to_markdown
from analysis.latex import to_latex
from analysis.load import BETA, GENERATOR, Study, add_study_arguments, open_study, why_empty
from analysis.results import ORACLE, generator_table, iteration_table
from analysis.statistics import Summary
from trainables.config import ConfigError
from trainables.whole_file import write_whole

BASE = "M0"  # depends on none of the searched values


def generator_grid(study: Study) -> tuple[Grid, pd.DataFrame]:
    """The generator table as text, and its trace."""
    table = generator_table(study)
    numbers = [[None if g else table.base, *cells] for g, cells in enumerate(table.cells)]
    competing = [generator != ORACLE for generator in table.generators]
    rows = [
        [Cell(generator_name(generator)), base._replace(covered=g > 0), *cells]
        for g, (generator, (base, *cells)) in enumerate(
            zip(table.generators, marked(numbers, competing, [table.seeds] * len(numbers)), strict=True)
        )
    ]
    grid = Grid(
        name="generator_beta",
        label=_label(study, "generator-beta"),
        caption=caption(study, "Generators of pseudo labels and the weight β of their loss", table.remarks),
        spanner="β",
        header=["Pseudo labels", "0", *(f"{beta:g}" for beta in table.betas)],
        rows=rows,
    )
    found = {(BASE, 0.0): table.base} | {
        (generator, beta): table.cells[g][b]
        for g, generator in enumerate(table.generators)
        for b, beta in enumerate(table.betas)
    }
    return grid, _trace(study, ("generator", "beta"), found)


def iteration_grid(study: Study) -> tuple[Grid, pd.DataFrame]:
    """The iteration table as text, and its trace."""
    table = iteration_table(study)
    competing = [row.generator != ORACLE for row in table.rows]
    marks = marked([row.cells for row in table.rows], competing, [row.chosen.n for row in table.rows])
    rows = []
    for row, cells in zip(table.rows, marks, strict=True):
        chosen = f"{number_text(row.chosen, table.seeds)} ({', '.join(map(str, row.chosen.iterations))})"
        rows.append([Cell(generator_name(row.generator)), *cells, Cell(chosen)])
    remarks = [
        "η = 0 is the base model M0; dashes: the refinement had stopped",
        "Each row is the configuration with the best selection objective of its generator",
        "Last column: at the iteration that the selection rule chose (in brackets, by seed)",
        *(f"{generator_name(row.generator)}: {_configuration_text(row.configuration)}" for row in table.rows),
        *["The oracle sees the ground truth and takes no part in the marks"] * (not all(competing)),
    ]
    grid = Grid(
        name="iterations",
        label=_label(study, "iterations"),
        caption=caption(study, "Refinement iterations η", remarks),
        spanner="η",
        header=["Pseudo labels", *map(str, table.iterations), "chosen"],
        rows=rows,
    )
    found: dict[tuple[str, int | str], Summary | None] = {}
    for row in table.rows:
        found |= {(row.generator, i): summary for i, summary in zip(table.iterations, row.cells, strict=True)}
        found[row.generator, "chosen"] = row.chosen
    return grid, _trace(study, ("generator", "iteration"), found)


TABLES: tuple[Callable[[Study], tuple[Grid, pd.DataFrame]], ...] = (generator_grid, iteration_grid)
FORMATS = {"latex": "tex", "markdown": "md", "csv": "csv"}


def render(grid: Grid, trace: pd.DataFrame, format_name: str) -> str:
    """A table in one of FORMATS."""
    if format_name == "csv":
        return trace.to_csv(index=False)
    return to_latex(grid) if format_name == "latex" else to_markdown(grid)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print and write all tables; 1 when the study has no completed trial, 2 when the request is wrong."""
    parser = argparse.ArgumentParser("python -m analysis.tables", description="Tables of a study.")
    add_study_arguments(parser)
    parser.add_argument("--format", choices=FORMATS, help="only this one (default: write all three, print markdown)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: the study's tables folder)")
    options = parser.parse_args(arguments)
    try:
        study = open_study(options)
        if study.completed.empty:
            print(why_empty(study), file=sys.stderr)
            return 1
        tables = [make(study) for make in TABLES]
        write_tables(tables, options.out or study.folder / "tables", [options.format] if options.format else FORMATS)
        for grid, trace in tables:
            print(render(grid, trace, options.format or "markdown"))
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def write_tables(tables: Iterable[tuple[Grid, pd.DataFrame]], out: Path, formats: Iterable[str]) -> None:
    """Write each table in each format into ``out`` and say so on stderr; ConfigError when that cannot be done."""
    chosen = list(formats)
    try:
        for grid, trace in tables:
            for name in chosen:
                write_whole(out / f"{grid.name}.{FORMATS[name]}", render(grid, trace, name).encode())
    except OSError as error:
        raise ConfigError(f"--out: {out}: cannot be written to ({error.strerror})") from None
    print(f"written to {out} ({', '.join(FORMATS[name] for name in chosen)})", file=sys.stderr)


def _label(study: Study, table: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", f"{study.name}-{table}")


def _configuration_text(configuration: str) -> str:
    """``β 4, sampled_share 0.8`` of a configuration's JSON, without the generator."""
    values = {key: value for key, value in json.loads(configuration).items() if key != GENERATOR}
    texts = (f"{'β' if key == BETA else key.rsplit('.', 1)[-1]} {_value_text(v)}" for key, v in values.items())
    return ", ".join(texts) or "as configured"


def _value_text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).replace("_", " ")


def _trace(study: Study, keys: tuple[str, str], cells: Mapping[Any, Summary | None]) -> pd.DataFrame:
    """One row per cell; a cell without a trial has an empty mean."""
    configuration = dict(zip(study.trials["trial"], study.trials["configuration"], strict=True))
    split = dict(zip(study.trials["trial"], study.trials["selection_split"], strict=True))
    rows = []
    for key, summary in cells.items():
        row = dict(zip(keys, key, strict=True))
        if summary is not None:
            row |= {
                "test_map": summary.mean,
                "std": summary.std,
                "num_seeds": summary.n,
                "chosen_on": split[summary.trials[0]],
                "trials": " ".join(map(str, summary.trials)),
                "seeds": " ".join(map(str, summary.seeds)),
                "iterations": " ".join(map(str, summary.iterations)),
                "ledger_lines": " ".join(map(str, summary.lines)),
                "configuration": configuration[summary.trials[0]] if key[0] != BASE else "",
            }
        rows.append(row)
    columns = [*keys, "test_map", "std", "num_seeds", "chosen_on", "trials", "seeds", "iterations", "ledger_lines",
               "configuration"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).astype({"num_seeds": "Int64"})


if __name__ == "__main__":
    sys.exit(main())
