"""``python -m trainables.evaluation``: evaluate a prediction file against ground truth in any format of the field."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from trainables.data import Segments, read_instances, read_predictions, read_subset
from trainables.errors import UserError
from trainables.evaluation.mean_ap import Evaluation, evaluate, tiou_thresholds
from trainables.evaluation.protocols import PROTOCOLS
from trainables.output import print_error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 2, after one line on stderr, for a file that cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        result = _evaluate(options)
    except UserError as error:
        return print_error(error)
    print(json.dumps(result.as_dict(), indent=1) if options.json else _table(result))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m trainables.evaluation", description="mAP of temporal detections.")
    parser.add_argument("--predictions", type=Path, required=True, metavar="FILE", help=".csv, or ActivityNet .json")
    parser.add_argument(
        "--ground-truth", type=Path, required=True, metavar="FILE",
        help="a .csv with video-name,t-start,t-end,label; or ActivityNet JSON, or a folder of THUMOS14 or W-TALC files",
    )  # fmt: skip
    parser.add_argument("--tiou", default="0.5:0.05:0.95", help="start:step:stop, or a list (default: %(default)s)")
    parser.add_argument(
        "--subset", choices=("train", "test"), help="videos of ground truth with both; default: test where there are"
    )
    parser.add_argument(
        "--classes", type=Path, metavar="FILE", help="class names, one a line in order; integer labels index them"
    )
    parser.add_argument("--protocol", choices=PROTOCOLS, default="activitynet", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="print JSON, mAP in percent")
    return parser


def _evaluate(options: argparse.Namespace) -> Evaluation:
    tiou = tiou_thresholds(options.tiou)
    given = _class_list(options.classes) if options.classes else None
    truth, ambiguous, classes, num_videos = _ground_truth(options.ground_truth, options.subset, given)
    predictions = read_predictions(options.predictions, classes)
    try:
        result = evaluate(truth, predictions, len(classes), tiou, num_videos, options.protocol, ambiguous)
    except ValueError as error:
        raise UserError(f"{options.ground_truth}: {error}") from None
    if result.ignored_predictions:
        print(
            f"warning: {options.predictions}: {result.ignored_predictions} of {result.predictions} predictions have "
            f"a class without instances ({', '.join(classes[:3])}, ... are the ground truth's) and are ignored",
            file=sys.stderr,
        )
    return result


def _ground_truth(
    path: Path, subset: str | None, classes: Sequence[str] | None
) -> tuple[Segments, Segments, Sequence[str], int | None]:
    """Instances, ambiguous intervals, class list, number of videos (None: those with an instance).

    A single CSV has one subset, and its durations are not needed: it is read as plain rows.
    """
    if path.suffix == ".csv":
        if subset:
            raise UserError(f"--subset: {path} is a single CSV and has no subsets; leave the option out")
        truth, found_classes = read_instances(path, classes)
        return truth, Segments.empty(), found_classes, None
    chosen = read_subset(path, subset, classes)
    return chosen.instances, chosen.ambiguous, chosen.classes, len(chosen.videos)


def _class_list(path: Path) -> list[str]:
    """Names of a file, one a line; a number in front, as in THUMOS14's detclasslist.txt, is left out."""
    try:
        lines = [line.split(maxsplit=1) for line in path.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--classes: {path}: cannot be read ({error})") from None
    return [" ".join(words[1:] if words[0].isdigit() and len(words) > 1 else words).strip() for words in lines]


def _table(result: Evaluation) -> str:
    rows = [(f"{tiou:.2f}", f"{value:.2f}") for tiou, value in zip(result.tiou, result.map, strict=True)]
    rows.append(("average", f"{result.average_map:.2f}"))
    classes = len(result.class_ap)
    return (
        f"{result.protocol} evaluation: {result.videos} videos, {result.instances} instances of {classes} classes, "
        f"{result.predictions} predictions\n\n"
        + tabulate(rows, ("tIoU", "mAP (%)"), disable_numparse=True, colalign=("right", "right"))
    )
