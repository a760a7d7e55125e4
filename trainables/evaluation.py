"""Average precision of temporal detections with the semantics of ActivityNet's evaluation; also a command.

For each class, predictions go by falling score (equal scores: the earlier row first). Each takes, at every tIoU
threshold independently, the free ground-truth instance of its class and video that it overlaps most, if that
overlap reaches the threshold; else it is a false positive. AP is the area under the precision-recall curve with
precision made non-increasing (all points). Instances of zero length are removed, duplicates stay, a class
without predictions has AP 0, a prediction of a class that the ground truth lacks is ignored and counted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trainables.config import ConfigError
from trainables.matching import Floats, Ints, candidate_pairs, true_positives
from trainables.segments import Segments

PROTOCOL = "activitynet"
MOST_THRESHOLDS = 1000


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Detection results with the counts that they rest on.

    videos, instances (zero-length ones removed), predictions: how many were evaluated. ignored_predictions: rows
    among them whose class has no instance. tiou: thresholds, shape (K,). map: percent, (K,), mean over the classes
    that have instances. class_ap: percent, (classes, K); NaN for a class without instances.
    """

    protocol: str
    videos: int
    instances: int
    predictions: int
    ignored_predictions: int
    tiou: Floats
    map: Floats
    class_ap: Floats

    @property
    def average_map(self) -> float:
        """Mean of ``map`` over all thresholds, percent."""
        return float(self.map.mean())

    def map_at(self, tiou: Sequence[float]) -> float:
        """Mean mAP in percent over some of the evaluated thresholds; KeyError for one that was not evaluated."""
        rows = [np.flatnonzero(np.abs(self.tiou - threshold) < 1e-9) for threshold in tiou]
        for threshold, row in zip(tiou, rows, strict=True):
            if not row.size:
                raise KeyError(f"tIoU {threshold:g} was not evaluated; evaluated: {self.tiou.tolist()}")
        return float(self.map[[row[0] for row in rows]].mean())

    def as_dict(self) -> dict[str, Any]:
        """For JSON: counts, thresholds and mAP in percent."""
        return {
            "protocol": self.protocol,
            "videos": self.videos,
            "instances": self.instances,
            "predictions": self.predictions,
            "ignored_predictions": self.ignored_predictions,
            "tiou": self.tiou.tolist(),
            "map": self.map.tolist(),
            "average_map": self.average_map,
        }


def evaluate(
    ground_truth: Segments,
    predictions: Segments,
    num_classes: int,
    tiou: Sequence[float] | Floats,
    num_videos: int | None = None,
) -> Evaluation:
    """Evaluate ``predictions`` at the thresholds ``tiou``.

    Labels are class ids below ``num_classes``; other labels of predictions are ignored and counted. A video
    without predictions keeps its instances in the recall. num_videos: how many videos were looked at, by default
    those of the ground truth. Raises ValueError when no instance is left to find.
    """
    truth = _with_length(ground_truth)
    if not len(truth):
        raise ValueError("the ground truth has no instance with start < end: nothing to evaluate")
    class_ap = 100 * average_precision(truth, predictions, num_classes, tiou)
    evaluated = ~np.isnan(class_ap).any(axis=1)
    counted = np.isin(predictions.label, np.flatnonzero(evaluated))
    return Evaluation(
        protocol=PROTOCOL,
        videos=len(set(ground_truth.video.tolist())) if num_videos is None else num_videos,
        instances=len(truth),
        predictions=len(predictions),
        ignored_predictions=int(len(counted) - counted.sum()),
        tiou=np.asarray(tiou, np.float64),
        map=class_ap[evaluated].mean(axis=0),
        class_ap=class_ap,
    )


def average_precision(
    ground_truth: Segments, predictions: Segments, num_classes: int, tiou: Sequence[float] | Floats
) -> Floats:
    """AP of every class at every threshold, in [0, 1], shape (num_classes, len(tiou)); NaN without instances."""
    thresholds = np.asarray(tiou, np.float64)
    truth = _with_length(ground_truth)
    if len(truth) and not 0 <= truth.label.min() <= truth.label.max() < num_classes:
        raise ValueError(f"ground truth labels must lie in [0, {num_classes}), got {np.unique(truth.label).tolist()}")
    num_instances = np.bincount(truth.label, minlength=num_classes)
    known = (predictions.label >= 0) & (predictions.label < num_classes)
    rows = np.flatnonzero(known)
    rows = rows[np.lexsort((-predictions.score[rows], predictions.label[rows]))]  # stable: ties keep their order
    ranked = predictions[rows]

    candidates = candidate_pairs(truth, ranked, float(thresholds.min()))
    found, true_positive = true_positives(candidates, thresholds)
    ap = np.zeros((num_classes, len(thresholds)))
    ap[num_instances == 0] = np.nan
    first_of_class = np.searchsorted(ranked.label, np.arange(num_classes))
    bounds = np.searchsorted(ranked.label[found], np.arange(num_classes + 1))
    for label in np.flatnonzero(np.diff(bounds)):
        part = slice(bounds[label], bounds[label + 1])
        rank = found[part] - first_of_class[label] + 1
        ap[label] = _area(rank, true_positive[part]) / num_instances[label]
    return ap


def tiou_thresholds(text: str) -> Floats:
    """Thresholds from ``0.5``, ``0.3,0.5`` or ``start:step:stop`` (stop included), the floats of a linspace.

    Raises ConfigError unless all lie in (0, 1] and the step is positive.
    """
    try:
        if ":" in text:
            start, step, stop = (float(part) for part in text.split(":"))
            steps = int(np.floor((stop - start) / step + 1e-9)) if step > 0 else -1
            if steps >= MOST_THRESHOLDS:
                raise ValueError
            on_grid = abs(start + steps * step - stop) < 1e-9
            values = np.linspace(start, stop if on_grid else start + steps * step, steps + 1)
        else:
            values = np.array([float(part) for part in text.split(",")])
    except (ValueError, OverflowError):
        values = np.empty(0)
    if not values.size or not np.all((values > 0) & (values <= 1)):
        raise ConfigError(f"--tiou: must be start:step:stop or a list of numbers in (0, 1], got {text!r}")
    return values


def _with_length(ground_truth: Segments) -> Segments:
    return ground_truth[ground_truth.start_s < ground_truth.end_s]


def _area(rank: Ints, true_positive: npt.NDArray[np.bool_]) -> Floats:
    """Sum over true positives of the precision made non-increasing from the right; (M,), (M, K) -> (K,).

    rank: 1-based place of each row among all predictions of the class. Rows that match nowhere may be left out:
    the precision's maxima lie at true positives, and each of these raises the recall by one instance.
    """
    precision = np.cumsum(true_positive, axis=0) / rank[:, None]
    envelope = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    return (envelope * true_positive).sum(axis=0)


if __name__ == "__main__":
    from trainables.evaluation_command import main

    sys.exit(main())
