"""``python -m analysis.compare``: two studies, paired by configuration and seed, as table and figure."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.figures import write_drawings
from analysis.figures.pairs import pair_drawing
from analysis.requests import add_study_arguments, comparison_folder, open_studies
from analysis.results.pairs import paired_studies, why_not_comparable
from analysis.study import Study
from analysis.tables import FORMATS, render, write_tables
from analysis.tables.pair_table import pair_table
from analysis.text import data_title, how_made, metric_name
from trainables.command_line import Parser
from trainables.commands import program
from trainables.errors import UserError
from trainables.output import print_error, run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and write table and figure; 1 when nothing can be paired, 2 when the request is wrong."""
    options = command_parser().parse_args(arguments)
    try:
        return _compare(*_two_studies(options), options.out)
    except UserError as error:
        return print_error(error)


def command_parser() -> Parser:
    parser = Parser(program("analysis.compare"), description="Two studies, paired by configuration and seed.")
    add_study_arguments(parser)
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where to write (default: comparisons/FIRST-SECOND beside the studies)"
    )
    return parser


def _two_studies(options: argparse.Namespace) -> tuple[Study, Study]:
    if len(options.study) != 2:
        raise UserError(f"--study: two studies are compared, got {len(options.study)}; give --study twice")
    first, second = open_studies(options)
    reason = why_not_comparable(first, second)
    if reason is not None:
        raise UserError(f"--study: {reason}")
    return first, second


def _compare(first: Study, second: Study, out: Path | None) -> int:
    pairs, metric = paired_studies(first, second), metric_name(second)
    folder = out or comparison_folder(first, second)
    table = pair_table(pairs, metric)
    notes = [f"{study.name}: {data_title(study)}. {fact}" for study in (first, second) for fact in how_made(study)]
    write_tables([table], folder, FORMATS, notes)
    print(render(table, "markdown"))
    drawing = pair_drawing(pairs, metric)
    if drawing is None:
        print(f"{first.name} and {second.name} ran no configuration on a common seed", *pairs.remarks, sep=". ",
              file=sys.stderr)  # fmt: skip
        return 1
    write_drawings([drawing], folder, data_title(first) + "\n† chosen on the test split" * any(pairs.chosen_on_test))
    if out is None and first.folder.parent == second.folder.parent:
        print("analysis.report shows this comparison in the reports of both from now on")
    return 0


if __name__ == "__main__":
    run_command(main)
