"""``python -m analysis.diagnosis``: what is wrong with detections, after DETAD; one prediction file or two compared."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tabulate import tabulate

from analysis.characteristics import BINS, Bins, Groups, characteristics, coverage
from analysis.detad import (
    ERRORS,
    TYPES,
    FalsePositives,
    false_positives,
    missed,
    rank_predictions,
    sensitivity,
    share_missed,
)
from analysis.ground_truth import GroundTruth, read_ground_truth
from trainables.config import ConfigError
from trainables.evaluation import tiou_thresholds
from trainables.matching import Floats
from trainables.segment_files import read_predictions
from trainables.segments import Segments

TYPE_NAMES = {name: name.replace("_", " ").capitalize() for name in TYPES}


class Diagnosis(NamedTuple):
    """All of one prediction file, in percent.

    overall: average-mAP_N over all predictions, to which the sensitivities relate (``profile`` takes the best 10G).
    groups: by characteristic. sensitivity, false_negatives: of each group, by characteristic. pairs: false negatives
    of each two characteristics, (groups of the one, groups of the other).
    """

    name: str
    tiou: Floats
    instances: int
    profile: FalsePositives
    overall: float
    groups: dict[str, Groups]
    sensitivity: dict[str, Floats]
    false_negatives: dict[str, Floats]
    pairs: dict[tuple[str, str], Floats]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        profile = self.profile
        return {
            "predictions_file": self.name,
            "tiou": self.tiou.tolist(),
            "instances": self.instances,
            "predictions": profile.predictions,
            "buckets": [
                {"bucket": b.name, "predictions": b.predictions, "shares": _named(TYPES, b.shares)}
                for b in profile.buckets
            ],
            "average_map_n": profile.average_map_n,
            "gains": profile.gains,
            "sensitivity": {
                "overall": self.overall,
                **{name: _named(self.groups[name].names, values) for name, values in self.sensitivity.items()},
            },
            "false_negatives": {
                **{name: _named(self.groups[name].names, values) for name, values in self.false_negatives.items()},
                **{
                    f"{first} x {second}": {
                        row: _named(self.groups[second].names, values[r])
                        for r, row in enumerate(self.groups[first].names)
                    }
                    for (first, second), values in self.pairs.items()
                },
            },
        }


def diagnose(truth: GroundTruth, predictions: Segments, bins: Bins, tiou: Floats, name: str = "") -> Diagnosis:
    """False-positive profile, gains, sensitivity and false negatives. Raises ValueError without instances."""
    instances, num_classes = truth.instances, len(truth.classes)
    if not len(instances):
        raise ValueError("the ground truth has no instance with start < end: nothing to diagnose")
    groups = characteristics(truth, bins)
    ranked = rank_predictions(instances, predictions, num_classes, tiou)
    members = {name: group.of == np.arange(len(group.names))[:, None] for name, group in groups.items()}
    everything = np.ones((1, len(instances)), dtype=bool)
    overall, *by_group = sensitivity(ranked, np.concatenate([everything, *members.values()]), instances.label)
    bounds = np.cumsum([len(of) for of in members.values()])[:-1]
    lost = missed(ranked, len(instances))
    return Diagnosis(
        name=name,
        tiou=tiou,
        instances=len(instances),
        profile=false_positives(instances, ranked, tiou),
        overall=float(overall),
        groups=groups,
        sensitivity=dict(zip(groups, np.split(np.array(by_group), bounds), strict=True)),
        false_negatives={k: share_missed(lost, g.of, len(g.names)) for k, g in groups.items()},
        pairs={pair: _pairwise(lost, groups[pair[0]], groups[pair[1]]) for pair in combinations(groups, 2)},
    )


def to_markdown(found: Diagnosis) -> str:
    """Tables for people."""
    profile = found.profile
    rows = [[b.name, str(b.predictions), *(_text(share) for share in b.shares)] for b in profile.buckets]
    parts = [
        f"{found.name}: {profile.predictions} predictions (at most 10 per instance of their class), "
        f"{found.instances} instances, tIoU {', '.join(f'{t:g}' for t in found.tiou)}",
        _table(["bucket", "predictions", *TYPE_NAMES.values()], rows),
        f"average-mAP_N {profile.average_map_n:.2f} %; removing one type of error would add:",
        _table(["error", "points"], [[TYPE_NAMES[error], _text(profile.gains[error])] for error in ERRORS]),
        f"By group of instances (overall average-mAP_N {found.overall:.2f} %):",
    ]
    rows = [
        [characteristic, f"{name} ({bound})", str((groups.of == g).sum()),
         _text(found.sensitivity[characteristic][g]), _text(found.false_negatives[characteristic][g])]
        for characteristic, groups in found.groups.items()
        for g, (name, bound) in enumerate(zip(groups.names, groups.bounds, strict=True))
    ]  # fmt: skip
    parts.append(_table(["characteristic", "group", "instances", "average-mAP_N (%)", "missed (%)"], rows))
    return "\n\n".join(parts) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 2, after one line on stderr, for a request that cannot be carried out."""
    options = _parser().parse_args(arguments)
    try:
        found = _diagnoses(options)
        if options.out:
            from analysis.diagnosis_figures import diagnosis_drawings
            from analysis.rendering import write_drawings

            write_drawings(diagnosis_drawings(found), options.out, "")
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if options.json:
        trees = [_finite(one.as_dict()) for one in found]
        print(json.dumps(trees[0] if len(trees) == 1 else {"diagnoses": trees}, indent=1))
    else:
        print("\n".join(to_markdown(one) for one in found))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m analysis.diagnosis", description="Error analysis of detections (DETAD)."
    )
    parser.add_argument(
        "--predictions", type=Path, required=True, nargs="+", metavar="FILE", help="one file, or several to compare"
    )
    parser.add_argument("--ground-truth", type=Path, required=True, metavar="FILE", help="any format of the field")
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
    truth = read_ground_truth(options.ground_truth, options.subset)
    if options.drop_beyond_video:
        if not truth.durations:
            raise ConfigError(f"--drop-beyond-video: {options.ground_truth} does not tell the videos' durations")
        # not "<= 1": an instance of a video of unknown duration stays
        truth = truth._replace(instances=truth.instances[~(coverage(truth) > 1)])
    names = options.names or [str(path) for path in options.predictions]
    if len(names) != len(options.predictions):
        raise ConfigError(f"--names: {len(names)} names for {len(options.predictions)} prediction files")
    found = []
    for path, name in zip(options.predictions, names, strict=True):
        predictions = read_predictions(path, truth.classes)
        unknown = int((predictions.label < 0).sum())
        if unknown:
            print(f"warning: {path}: {unknown} predictions of a class without instances are ignored", file=sys.stderr)
        try:
            found.append(diagnose(truth, predictions, bins, tiou, name))
        except ValueError as error:
            raise ConfigError(f"{options.ground_truth}: {error}") from None
    return found


def _pairwise(lost: np.ndarray, first: Groups, second: Groups) -> Floats:
    both = np.where((first.of >= 0) & (second.of >= 0), first.of * len(second.names) + second.of, -1)
    shape = len(first.names), len(second.names)
    return share_missed(lost, both, shape[0] * shape[1]).reshape(shape)


def _named(names: Sequence[str], values: Floats) -> dict[str, float]:
    return dict(zip(names, values.tolist(), strict=True))


def _finite(value: Any) -> Any:
    """JSON has no NaN: an empty bucket or group is null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value


def _text(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"


def _table(header: list[str], rows: list[list[str]]) -> str:
    return tabulate(rows, header, tablefmt="pipe", disable_numparse=True)


if __name__ == "__main__":
    sys.exit(main())
