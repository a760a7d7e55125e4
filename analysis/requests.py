"""What the commands of ``analysis`` share: which studies are meant, and where their files go."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from analysis.study import Study, study_frames
from study.ledger import open_study
from trainables.errors import UserError

COMPARISONS = "comparisons"  # folder beside the studies


def add_study_arguments(parser: argparse.ArgumentParser) -> None:
    """``--study`` (may be repeated) and ``--study-dir``, the same for all commands of ``analysis``."""
    parser.add_argument(
        "--study", required=True, action="append", metavar="NAME",
        help="name of a study, or the path of its folder; repeat it for several studies",
    )  # fmt: skip
    parser.add_argument(
        "--study-dir", type=Path, default=Path("studies"), metavar="DIR", help="where studies are (default: studies)"
    )


def open_studies(arguments: argparse.Namespace) -> list[Study]:
    """The studies that the arguments name; their problems go to stderr."""
    studies = [study_frames(open_study(arguments.study_dir, name)) for name in arguments.study]
    names = [study.name for study in studies]
    if len(set(names)) < len(names):
        raise UserError(f"--study: each study once, got {', '.join(names)}")
    for study in studies:
        for problem in study.problems:
            print(f"warning: {problem}", file=sys.stderr)
    return studies


def out_folder(study: Study, out: Path | None, default: str, several: bool) -> Path:
    """Where the files of one study go: a folder of it, ``out``, or a folder for each of several studies there."""
    if out is None:
        return study.folder / default
    return out / study.name if several else out


def comparison_folder(first: Study, second: Study) -> Path:
    """Where a comparison lies by default, beside the studies."""
    return first.folder.parent / COMPARISONS / f"{first.name}-{second.name}"


def compared_with(study: Study) -> list[str]:
    """Names of the studies that this one was compared with, by the comparisons beside the studies."""
    found: dict[str, None] = {}
    for path in sorted((study.folder.parent / COMPARISONS).glob("*/comparison.csv")):
        try:
            with path.open(newline="", encoding="utf-8", errors="replace") as file:
                row = next(csv.DictReader(file), {})
        except (OSError, csv.Error) as error:
            print(f"warning: {path}: cannot be read, the comparison is left out ({error})", file=sys.stderr)
            continue
        names = [row.get("first"), row.get("second")]
        if study.name in names:
            found |= dict.fromkeys(name for name in names if name and name != study.name)
    return list(found)


def why_empty(study: Study) -> str:
    """One sentence for a study without a completed trial."""
    counts = study.trials["state"].value_counts()
    states = ", ".join(f"{count} {state}" for state, count in counts.items()) or "none was started"
    reasons = study.trials["reason"].dropna()
    last = f" The last reason given: {reasons.iloc[-1]}" if len(reasons) else ""
    return f"{study.name}: no trial is completed yet, so there is nothing to show (trials: {states}).{last}"
