"""How sure a difference of mAP is over test videos: paired bootstrap of the videos, the models taken as they are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analysis.results.predictions import EvaluatedSplit, Floats
from trainables.data import Segments
from trainables.evaluation import PROTOCOLS, Ranking

RESAMPLES = 1000
LEVEL = 0.95


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
    test: EvaluatedSplit, first: Segments, second: Segments, tiou: Floats, resamples: int = RESAMPLES
) -> VideoInterval:
    """Both models see the same resampled videos; mAP is that of the study's protocol, mean over thresholds and over the
    classes that are left.

    A video drawn k times counts k times: its instances, and its predictions side by side at their place in the
    ranking. The draws are the same every time.
    """
    videos = np.unique(np.concatenate([table.video.astype(str) for table in (test.truth.instances, first, second)]))
    # How often each video is drawn, in place of the videos: rankings are made once and weighted for each resample.
    draws = np.random.default_rng(0).multinomial(len(videos), np.full(len(videos), 1 / len(videos)), resamples)
    weights = np.concatenate([np.ones((1, len(videos))), draws])  # the first row: the videos as they are
    maps = [weighted_map(test, model, videos, weights, tiou) for model in (first, second)]
    difference = 100 * (maps[1] - maps[0])
    low, high = np.percentile(difference[1:], [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return VideoInterval(float(difference[0]), float(low), float(high), len(videos))


def weighted_map(test: EvaluatedSplit, model: Segments, videos: np.ndarray, weights: Floats, tiou: Floats) -> Floats:
    """mAP in [0, 1] of each row of weights (rows, videos); shape (rows,). videos: names, sorted."""
    rules = PROTOCOLS[test.protocol]
    truth, rankings = test.rankings(model, tiou)
    place = np.searchsorted(videos, truth.video.astype(str))
    instances = np.stack([weights[:, place[truth.label == c]].sum(axis=1) for c in range(test.num_classes)])
    total, left = np.zeros(len(weights)), (instances > 0).sum(axis=0)
    undetected = np.zeros(len(weights), dtype=bool)
    for label in np.flatnonzero(instances[:, 0]):
        known = instances[label]
        for ranking in rankings:
            area, seen = _class_area(ranking, int(label), videos, weights, rules.interpolated)
            total += np.divide(area, known, out=np.zeros_like(area), where=known > 0) / len(tiou)
            undetected |= (known > 0) & (seen == 0)
    mean = np.divide(total, left, out=np.zeros_like(total), where=left > 0)
    return np.where(undetected, 0.0, mean) if rules.needs_every_class else mean


def _class_area(
    ranking: Ranking, label: int, videos: np.ndarray, weights: Floats, interpolated: bool
) -> tuple[Floats, Floats]:
    """Sum of the precision over the hits of one class, and how many detections it has; both (rows,)."""
    rows = ranking.segments.label == label
    weight = weights[:, np.searchsorted(videos, ranking.segments.video[rows].astype(str))]
    seen, hit = np.cumsum(weight, axis=1), weight * ranking.hit[rows]
    precision = np.divide(np.cumsum(hit, axis=1), seen, out=np.zeros_like(seen), where=seen > 0)
    if interpolated:
        precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    return (precision * hit).sum(axis=1), weight.sum(axis=1)
