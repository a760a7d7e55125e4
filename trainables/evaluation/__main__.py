"""``python -m trainables.evaluation``: evaluate a prediction file against ground truth in any format of the field."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from trainables.command_line import Parser
from trainables.commands import program
from trainables.data import GroundTruth, read_class_list, read_ground_truth
from trainables.errors import UserError
from trainables.evaluation.detections import Detections, truth_warnings
from trainables.evaluation.files import evaluate_file
from trainables.evaluation.mean_ap import Evaluation, tiou_thresholds
from trainables.evaluation.protocols import PROTOCOLS
from trainables.output import print_error, run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 2, after one line on stderr, for a file that cannot be used."""
    options = command_parser().parse_args(arguments)
    try:
        tiou = tiou_thresholds(options.tiou)
        truth = read_ground_truth(
            options.ground_truth, options.subset, read_class_list(options.classes) if options.classes else None
        )
        result, found = evaluate_file(options.predictions, truth, options.ground_truth, tiou, options.protocol)
    except UserError as error:
        return print_error(error)
    for warning in [*_truth_warnings(options, truth), *(f"{options.predictions}: {text}" for text in found.warnings)]:
        print(f"warning: {warning}", file=sys.stderr)
    if options.json:
        print(json.dumps({**result.as_dict(), **found.counts.to_json()}, indent=1))
    else:
        print(_table(result, found))
    return 0


def command_parser() -> Parser:
    parser = Parser(program("trainables.evaluation"), description="mAP of temporal detections.")
    parser.add_argument(
        "--predictions", type=Path, required=True, metavar="FILE",
        help=".csv, or .json of ActivityNet, RefineLoc or MMAction2",
    )  # fmt: skip
    parser.add_argument(
        "--ground-truth", type=Path, required=True, metavar="FILE",
        help="a .csv with video-name,t-start,t-end,label; or ActivityNet JSON, or a folder of THUMOS14 or W-TALC files",
    )  # fmt: skip
    parser.add_argument("--tiou", default="0.5:0.05:0.95", help="start:step:stop, or a list (default: %(default)s)")
    parser.add_argument(
        "--subset", choices=("train", "test"), help="videos of ground truth with both; default: test where there are"
    )
    parser.add_argument(
        "--classes", type=Path, metavar="FILE",
        help="class names, one a line in order; integer labels are places in this list, from 0",
    )  # fmt: skip
    parser.add_argument("--protocol", choices=PROTOCOLS, default="activitynet", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print JSON, mAP in percent")
    return parser


def _truth_warnings(options: argparse.Namespace, truth: GroundTruth) -> list[str]:
    warnings = [f"{options.ground_truth}: {text}" for text in truth_warnings(truth)]
    if PROTOCOLS[options.protocol].ignores_ambiguous and not len(truth.ambiguous):
        beside = truth.ambiguous_beside
        remedy = f"; {beside[0]} has some: --ground-truth {beside[0]}" if beside else ""
        warnings.append(
            f"{options.ground_truth}: has no ambiguous intervals, which {options.protocol} ignores: detections there "
            f"count as false positives and lower the mAP{remedy}"
        )
    return warnings


def _table(result: Evaluation, found: Detections) -> str:
    rows = [(f"{tiou:.2f}", f"{value:.2f}") for tiou, value in zip(result.tiou, result.map, strict=True)]
    rows.append(("average", f"{result.average_map:.2f}"))
    unmatched = found.counts.unmatched_predictions
    return (
        f"{result.protocol} evaluation: {result.videos} videos, {result.instances} instances of "
        f"{result.classes} classes, {result.predictions} predictions"
        + (f", {unmatched} of them of videos that are not evaluated" if unmatched else "")
        + "\n\n"
        + tabulate(rows, ("tIoU", "mAP (%)"), disable_numparse=True, colalign=("right", "right"))
    )


if __name__ == "__main__":
    run_command(main)
