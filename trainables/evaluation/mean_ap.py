"""Mean average precision of temporal detections, by a named protocol of the field; also a command.

What the protocols share: classes and tIoU thresholds are evaluated independently, duplicated instances stay, a
class without predictions has AP 0, a prediction of a class that the ground truth lacks is ignored and counted.
In which they differ: ``protocols.py``.
"""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainables.data import Segments
from trainables.errors import UserError
from trainables.evaluation.matching import Floats
from trainables.evaluation.protocols import PROTOCOLS, average_precision
from trainables.json_types import JsonObject
from trainables.text_files import finite_number

__all__ = ["Evaluation", "average_precision", "evaluate", "tiou_thresholds"]

MOST_THRESHOLDS = 1000


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Detection results with the counts that they rest on.

    videos, instances, predictions: how many were evaluated (``activitynet`` removes instances of zero length,
    ``wtalc`` predictions in ambiguous intervals and in videos without instances).
    ignored_predictions: rows whose class has no instance. tiou:
    thresholds, shape (K,). map: percent, (K,), mean over the classes that have instances. class_ap: percent,
    (classes, K); NaN for a class without instances.
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
    def classes(self) -> int:
        """How many classes have instances; the others have no part in the mean."""
        return int(np.count_nonzero(~np.isnan(self.class_ap).any(axis=1)))

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

    def as_dict(self) -> JsonObject:
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
    protocol: str = "activitynet",
    ambiguous: Segments | None = None,
) -> Evaluation:
    """Evaluate ``predictions`` at the thresholds ``tiou`` by one of PROTOCOLS.

    Labels are class ids below ``num_classes``; other labels of predictions are ignored and counted. A video
    without predictions keeps its instances in the recall. num_videos: how many videos were looked at, by default
    those of the ground truth. ambiguous: intervals that some protocols ignore (labels do not matter). Raises
    ValueError when no instance is left to find.
    """
    rules = PROTOCOLS[protocol]
    ambiguous = Segments.empty() if ambiguous is None else ambiguous
    thresholds = np.asarray(tiou, np.float64)
    truth, predictions = rules.prepare(ground_truth, predictions, ambiguous)
    if not np.any(truth.start_s < truth.end_s):
        raise ValueError("the ground truth has no instance with start < end: nothing to evaluate")
    class_ap = 100 * rules.average_precision(truth, predictions, ambiguous, num_classes, thresholds)
    evaluated = ~np.isnan(class_ap).any(axis=1)
    mean = class_ap[evaluated].mean(axis=0)
    if rules.needs_every_class and not np.isin(np.flatnonzero(evaluated), predictions.label).all():
        mean = np.zeros_like(mean)
    counted = np.isin(predictions.label, np.flatnonzero(evaluated))
    return Evaluation(
        protocol=protocol,
        videos=len(set(ground_truth.video.tolist())) if num_videos is None else num_videos,
        instances=len(truth),
        predictions=len(predictions),
        ignored_predictions=int(len(counted) - counted.sum()),
        tiou=thresholds,
        map=mean,
        class_ap=class_ap,
    )


def tiou_thresholds(text: str) -> Floats:
    """Thresholds from ``0.5``, ``0.3,0.5`` or ``start:step:stop`` (stop included), the floats of a linspace.

    Raises UserError unless all lie in (0, 1], the step is positive and there are at most MOST_THRESHOLDS.
    """
    try:
        if ":" in text:
            start, step, stop = (finite_number(part) for part in text.split(":"))
            # (0.95 - 0.5) / 0.05 is 8.999999999999998 in floats: without the margin the last threshold would be lost.
            steps = int(np.floor((stop - start) / step + 1e-9)) if step > 0 else -1
            if steps >= MOST_THRESHOLDS:
                raise ValueError
            on_grid = abs(start + steps * step - stop) < 1e-9
            # As the official evaluator makes them: start + k * step differs in the last bit, which decides at equality.
            values = np.linspace(start, stop if on_grid else start + steps * step, steps + 1)
        else:
            values = np.array([finite_number(part) for part in text.split(",")])
    except (ValueError, OverflowError):
        values = np.empty(0)
    if not 0 < values.size <= MOST_THRESHOLDS or not np.all((values > 0) & (values <= 1)):
        raise UserError(
            f"--tiou: must be start:step:stop or a list of numbers in (0, 1], at most {MOST_THRESHOLDS} of them, "
            f"got {reprlib.repr(text)}"
        )
    return values
