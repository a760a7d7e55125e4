"""``python -m analysis.figures``: every figure that a study has the data for, as PDF, PNG and CSV."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.figures import figure_title, study_drawings, write_drawings
from analysis.requests import add_study_arguments, open_studies, out_folder, why_empty
from trainables.command_line import Parser
from trainables.commands import program
from trainables.errors import UserError
from trainables.output import print_error, run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Write all figures; 1 when no study has a completed trial, 2 when the request is wrong."""
    options = command_parser().parse_args(arguments)
    try:
        studies = open_studies(options)
        for study in studies:
            if study.completed.empty:
                print(why_empty(study), file=sys.stderr)
                continue
            out = out_folder(study, options.out, "figures", len(studies) > 1)
            write_drawings(study_drawings(study), out, figure_title(study))
    except UserError as error:
        return print_error(error)
    return int(all(study.completed.empty for study in studies))


def command_parser() -> Parser:
    parser = Parser(program("analysis.figures"), description="Figures of one study or several.")
    add_study_arguments(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: the study's figures folder)")
    return parser


if __name__ == "__main__":
    run_command(main)
