"""What is wrong with detections, after DETAD; one prediction file or two compared."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from tabulate import tabulate

from analysis.diagnosis.characteristics import Bins, Groups, characteristics
from analysis.diagnosis.detad import (
    ERRORS,
    TYPES,
    FalsePositives,
    false_positives,
    missed,
    rank_predictions,
    sensitivity,
    share_missed,
)
from analysis.text import number_text
from trainables.data import GroundTruth, Segments
from trainables.evaluation import Floats, InputCounts
from trainables.json_types import JsonObject

TYPE_NAMES = {name: name.replace("_", " ").capitalize() for name in TYPES}


class Diagnosis(NamedTuple):
    """All of one prediction file, in percent.

    overall: average-mAP_N over all predictions, to which the sensitivities relate (``profile`` takes the best 10G).
    groups: by characteristic. sensitivity, false_negatives: of each group, by characteristic. pairs: false negatives
    of each two characteristics, (groups of the one, groups of the other). counts: of the files, where it comes from
    files.
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
    counts: InputCounts | None = None

    def as_dict(self) -> JsonObject:
        """For JSON."""
        profile = self.profile
        return {
            "predictions_file": self.name,
            "tiou": self.tiou.tolist(),
            "instances": self.instances,
            "predictions": profile.predictions,
            **(self.counts.to_json() if self.counts else {}),
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
    truth = truth.with_length()
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
    """Markdown tables."""
    profile = found.profile
    rows = [[b.name, str(b.predictions), *(number_text(share) for share in b.shares)] for b in profile.buckets]
    parts = [
        f"{found.name}: {profile.predictions} predictions (at most 10 per instance of their class), "
        f"{found.instances} instances, tIoU {', '.join(f'{t:g}' for t in found.tiou)}",
        _table(["bucket", "predictions", *TYPE_NAMES.values()], rows),
        f"average-mAP_N {profile.average_map_n:.2f} %; removing one type of error would add:",
        _table(["error", "points"], [[TYPE_NAMES[error], number_text(profile.gains[error])] for error in ERRORS]),
        f"By group of instances (overall average-mAP_N {found.overall:.2f} %):",
    ]
    rows = [
        [characteristic, f"{name} ({bound})", str((groups.of == g).sum()),
         number_text(found.sensitivity[characteristic][g]), number_text(found.false_negatives[characteristic][g])]
        for characteristic, groups in found.groups.items()
        for g, (name, bound) in enumerate(zip(groups.names, groups.bounds, strict=True))
    ]  # fmt: skip
    parts.append(_table(["characteristic", "group", "instances", "average-mAP_N (%)", "missed (%)"], rows))
    return "\n\n".join(parts) + "\n"


def _pairwise(lost: np.ndarray, first: Groups, second: Groups) -> Floats:
    both = np.where((first.of >= 0) & (second.of >= 0), first.of * len(second.names) + second.of, -1)
    shape = len(first.names), len(second.names)
    return share_missed(lost, both, shape[0] * shape[1]).reshape(shape)


def _named(names: Sequence[str], values: Floats) -> dict[str, float]:
    return dict(zip(names, values.tolist(), strict=True))


def _table(header: list[str], rows: list[list[str]]) -> str:
    return tabulate(rows, header, tablefmt="pipe", disable_numparse=True)
