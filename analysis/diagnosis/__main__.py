"""``python -m analysis.diagnosis``: what is wrong with detections; one prediction file, or several compared."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from analysis.diagnosis.characteristics import BINS, coverage
from analysis.diagnosis.diagnosis import Diagnosis, diagnose, to_markdown
from analysis.text import finite
from trainables.command_line import Parser
from trainables.commands import program
from trainables.data import read_class_list, read_ground_truth
from trainables.errors import UserError
from trainables.evaluation import read_detections, tiou_thresholds, truth_warnings
from trainables.output import print_error, run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 2, after one line on stderr, for a request that cannot be carried out."""
    options = command_parser().parse_args(arguments)
    try:
        found = _diagnoses(options)
        if options.out:
            from analysis.diagnosis.figures import diagnosis_drawings
            from analysis.drawing import write_drawings

            write_drawings(diagnosis_drawings(found), options.out, "")
    except UserError as error:
        return print_error(error)
    if options.json:
        trees = [finite(one.as_dict()) for one in found]
        print(json.dumps(trees[0] if len(trees) == 1 else {"diagnoses": trees}, indent=1))
    else:
        print("\n".join(to_markdown(one) for one in found))
    return 0


def command_parser() -> Parser:
    parser = Parser(program("analysis.diagnosis"), description="Error analysis of detections (DETAD).")
    parser.add_argument(
        "--predictions", type=Path, required=True, nargs="+", metavar="FILE", help="one file, or several to compare"
    )
    parser.add_argument("--ground-truth", type=Path, required=True, metavar="FILE", help="any format of the field")
    parser.add_argument(
        "--classes", type=Path, metavar="FILE",
        help="class names, one a line in order; integer labels are places in this list, from 0",
    )  # fmt: skip
    parser.add_argument("--subset", choices=("train", "test"), help="videos of ground truth with both")
    parser.add_argument(
        "--bins", choices=BINS, default="activitynet", help="groups of instances (default: %(default)s)"
    )
    parser.add_argument("--tiou", help="start:step:stop, or a list (default: that of the bins)")
    parser.add_argument(
        "--drop-beyond-video", action="store_true",
        help="leave out instances longer than their video, as the original does (needs durations)",
    )  # fmt: skip
    parser.add_argument("--names", nargs="+", metavar="NAME", help="what to call the files in tables and figures")
    parser.add_argument("--out", type=Path, metavar="DIR", help="also draw the three figures into this folder")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _diagnoses(options: argparse.Namespace) -> list[Diagnosis]:
    bins = BINS[options.bins]
    tiou = tiou_thresholds(options.tiou or bins.tiou)
    classes = read_class_list(options.classes) if options.classes else None
    read = read_ground_truth(options.ground_truth, options.subset, classes)
    read.require_instances(options.ground_truth)
    truth = read.with_length()
    if options.drop_beyond_video:
        if not truth.durations:
            raise UserError(f"--drop-beyond-video: {options.ground_truth} does not tell the videos' durations")
        # not "<= 1": an instance of a video of unknown duration stays
        truth = replace(truth, instances=truth.instances[~(coverage(truth) > 1)])
    for warning in truth_warnings(truth):
        print(f"warning: {options.ground_truth}: {warning}", file=sys.stderr)
    names = options.names or [str(path) for path in options.predictions]
    if len(names) != len(options.predictions):
        raise UserError(f"--names: {len(names)} names for {len(options.predictions)} prediction files")
    found = []
    for path, name in zip(options.predictions, names, strict=True):
        detections = read_detections(path, truth)
        for warning in detections.warnings:
            print(f"warning: {path}: {warning}", file=sys.stderr)
        try:
            found.append(diagnose(truth, detections.segments, bins, tiou, name)._replace(counts=detections.counts))
        except ValueError as error:
            raise UserError(f"{options.ground_truth}: {error}") from None
    return found


if __name__ == "__main__":
    run_command(main)
