"""How sure a difference of mAP is over test videos: paired bootstrap of the videos, the models taken as they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.diagnosis.detad import rank_predictions
from trainables.data import Segments

RESAMPLES = 1000
LEVEL = 0.95
Floats = npt.NDArray[np.float64]


class VideoInterval(NamedTuple):
    """Difference second - first in points of mAP, and its percentile interval over resampled videos."""

    difference: float
    low: float
    high: float
    videos: int

    @property
    def distinguishable(self) -> bool:
        return self.low > 0 or self.high < 0


def video_interval(
    truth: Segments, first: Segments, second: Segments, num_classes: int, tiou: Floats, resamples: int = RESAMPLES
) -> VideoInterval:
    """Both models see the same resampled videos; mAP is the mean over thresholds and over the classes that are left.

    A video drawn k times counts k times: its instances, and its predictions side by side at their place in the
    ranking. The draws are the same every time.
    """
    videos = np.unique(np.concatenate([table.video.astype(str) for table in (truth, first, second)]))
    of_instance = np.searchsorted(videos, truth.video.astype(str))
    draws = np.random.default_rng(0).multinomial(len(videos), np.full(len(videos), 1 / len(videos)), resamples)
    weights = np.concatenate([np.ones((1, len(videos))), draws])  # the first row: the videos as they are
    instances = np.stack([weights[:, of_instance[truth.label == c]].sum(axis=1) for c in range(num_classes)])
    maps = [_weighted_map(truth, model, videos, weights, instances, tiou) for model in (first, second)]
    difference = 100 * (maps[1] - maps[0])
    low, high = np.percentile(difference[1:], [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return VideoInterval(float(difference[0]), float(low), float(high), len(videos))


def _weighted_map(
    truth: Segments, model: Segments, videos: npt.NDArray[np.str_], weights: Floats, instances: Floats, tiou: Floats
) -> Floats:
    """mAP in [0, 1] of each row of weights (rows, videos); instances: (classes, rows). Shape (rows,)."""
    ranked = rank_predictions(truth, model, len(instances), tiou)
    place = np.searchsorted(videos, ranked.segments.video.astype(str))
    total, left = np.zeros(len(weights)), (instances > 0).sum(axis=0)
    for label in np.flatnonzero(ranked.instances):
        rows = ranked.segments.label == label
        weight = weights[:, place[rows]]
        seen = np.cumsum(weight, axis=1)
        for k in range(len(tiou)):
            hit = weight * (ranked.matched[rows, k] >= 0)
            precision = np.divide(np.cumsum(hit, axis=1), seen, out=np.zeros_like(seen), where=seen > 0)
            envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
            area = (envelope * hit).sum(axis=1)
            total += np.divide(area, instances[label], out=np.zeros_like(area), where=instances[label] > 0) / len(tiou)
    return np.divide(total, left, out=np.zeros_like(total), where=left > 0)
