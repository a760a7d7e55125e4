"""``python -m analysis.report``: one self-contained HTML page per study, which asks the network for nothing."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from analysis.report.page import report_page
from analysis.requests import add_study_arguments, open_studies, out_folder
from trainables.errors import UserError
from trainables.files import write_whole
from trainables.output import print_error, run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page of each study and print its path; 2 when the request is wrong."""
    parser = argparse.ArgumentParser("python -m analysis.report", description="One self-contained HTML page per study.")
    add_study_arguments(parser)
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="where to write report.html (default: the study's folder)"
    )
    options = parser.parse_args(arguments)
    try:
        studies = open_studies(options)
        for study in studies:
            path = out_folder(study, options.out, ".", len(studies) > 1) / "report.html"
            try:
                others = [other for other in studies if other is not study]
                write_whole(path, report_page(study, others).encode("utf-8", "replace"))
            except OSError as error:
                raise UserError(f"--out: {path.parent}: cannot be written to ({error.strerror})") from None
            print(path)
    except UserError as error:
        return print_error(error)
    return 0


if __name__ == "__main__":
    run_command(main)
