"""``python -m analysis.tables``: the tables of one study or several, as LaTeX, Markdown and CSV."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.requests import add_study_arguments, open_studies, out_folder, why_empty
from analysis.study import Study, refined_only
from analysis.tables.across_studies import across_studies
from analysis.tables.rendering import FORMATS, Table, render, write_tables
from analysis.tables.study_tables import study_tables
from analysis.text import how_made
from trainables.command_line import Parser
from trainables.commands import program
from trainables.errors import UserError
from trainables.output import print_error, run_command

MARKS = ("second", "paper")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print and write all tables; 1 when no study has a completed trial, 2 when the request is wrong."""
    options = command_parser().parse_args(arguments)
    try:
        studies = open_studies(options)
        return _write_all([refined_only(study) for study in studies] if options.refined_only else studies, options)
    except UserError as error:
        return print_error(error)


def command_parser() -> Parser:
    parser = Parser(program("analysis.tables"), description="Tables of one study or several.")
    add_study_arguments(parser)
    parser.add_argument("--format", choices=FORMATS, help="only this one (default: write all three, print Markdown)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: the study's tables folder)")
    parser.add_argument(
        "--marks", choices=MARKS, default=MARKS[0],
        help="second: best of a column bold, second underlined, where the seeds support it; paper: best of a column "
        "bold, best of all underlined (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--columns", type=int, choices=(1, 2), default=1,
        help="of a two-column paper, for LaTeX: 1 makes tables fit into one column where they can (3.25 in); 2 sets "
        "those that are wider as they are over both (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--refined-only", action="store_true",
        help="the best refined iteration of each trial, whether M0 is better or not (files: tables-refined-only)",
    )  # fmt: skip
    parser.add_argument("--with-paper", action="store_true", help="also the paper's numbers beside ours")
    return parser


def _write_all(studies: Sequence[Study], options: argparse.Namespace) -> int:
    full = [study for study in studies if not study.completed.empty]
    for study in studies:
        if study.completed.empty:
            print(why_empty(study), file=sys.stderr)
    if not full:
        return 1
    formats = [options.format] if options.format else list(FORMATS)
    for study in full:
        tables, notes = study_tables(study, options.marks, options.with_paper), how_made(study, options.marks)
        default = "tables-refined-only" if options.refined_only else "tables"
        write_tables(tables, out_folder(study, options.out, default, len(studies) > 1), formats, notes, options.columns)
        _print(tables, options, notes)
        if options.with_paper and not any(grid.name.startswith("paper_") for grid, _ in tables):
            print(f"{study.name}: the paper has no numbers for these data and this question", file=sys.stderr)
    if len(full) > 1:
        together = [across_studies(full)]
        write_tables(together, options.out or full[0].folder.parent, formats, columns=options.columns)
        _print(together, options)
    return 0


def _print(tables: Sequence[Table], options: argparse.Namespace, notes: Sequence[str] = ()) -> None:
    """The tables, and once for all of them how their numbers were made."""
    for table in tables:
        print(render(table, options.format or "markdown", options.columns))
    if notes and options.format in (None, "markdown"):
        print("How these numbers were made:\n", *(f"- {note}" for note in notes), sep="\n", end="\n\n")


if __name__ == "__main__":
    run_command(main)
