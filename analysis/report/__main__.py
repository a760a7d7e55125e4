"""``python -m analysis.report``: one self-contained HTML page per study, which asks the network for nothing."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Container, Sequence
from pathlib import Path

from analysis.report.page import report_page
from analysis.requests import add_study_arguments, compared_with, open_studies, out_folder
from analysis.study import Study, study_frames
from study.ledger import is_driven, open_study
from trainables.command_line import Parser
from trainables.commands import program
from trainables.errors import UserError
from trainables.files import write_whole
from trainables.output import print_error, run_command

WATCH_S = 30


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page of each study and print its path; 2 when the request is wrong."""
    options = command_parser().parse_args(arguments)
    try:
        studies = open_studies(options)
        running = _running(studies, options)
        for path in _write_pages(studies, options, running):
            print(path, flush=True)
        while running:
            time.sleep(options.watch)
            running = _running(studies, options)  # before they are read: the last page has all that there is
            studies = open_studies(options)
            _write_pages(studies, options, running)
    except UserError as error:
        return print_error(error)
    return 0


def command_parser() -> Parser:
    parser = Parser(program("analysis.report"), description="One self-contained HTML page per study.")
    add_study_arguments(parser)
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where to write report.html (default: the study's folder)"
    )
    parser.add_argument(
        "--watch", type=_seconds, nargs="?", const=WATCH_S, default=0, metavar="SECONDS",
        help=f"write the page anew every so many seconds while the study runs (default: {WATCH_S}); the browser loads "
        "it anew by itself",
    )  # fmt: skip
    return parser


def _running(studies: Sequence[Study], options: argparse.Namespace) -> set[str]:
    """Names of the studies that run and are watched."""
    return {study.name for study in studies if options.watch and is_driven(study.files)}


def _write_pages(studies: Sequence[Study], options: argparse.Namespace, running: Container[str]) -> list[Path]:
    """Where each page lies; that of a study that runs is loaded anew."""
    paths = []
    for study in studies:
        path = out_folder(study, options.out, ".", len(studies) > 1) / "report.html"
        refresh_s = options.watch if study.name in running else 0
        page = report_page(study, _compared(study, studies), refresh_s)
        try:
            write_whole(path, page.encode("utf-8", "replace"))
        except OSError as error:
            raise UserError(f"--out: {path.parent}: cannot be written to ({error.strerror})") from None
        paths.append(path)
    return paths


def _compared(study: Study, studies: Sequence[Study]) -> list[Study]:
    """The other studies of this command, and those that ``analysis.compare`` has compared it with."""
    others = {other.name: other for other in studies if other.name != study.name}
    for name in compared_with(study):
        if name not in others:
            try:
                others[name] = study_frames(open_study(study.folder.parent, name))
            except UserError as error:
                print(f"warning: {study.name} was compared with {name}, which is left out: {error}", file=sys.stderr)
    return list(others.values())


def _seconds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a number of seconds from 1 on, got {text!r}")
    return int(text)


if __name__ == "__main__":
    run_command(main)
