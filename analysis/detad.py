"""Diagnosis of temporal detections after DETAD (Alwassel et al., ECCV 2018), vectorised; all shares are percent.

Normalised precision at a rank is R N / (R N + F): recall R, false positives F so far, N the mean number of instances
of a class, so that frequent and rare classes can be compared. AP_N is the area under its interpolated curve.
The original compares false positives of a video without ground truth with the video that it visited before; here
they are Background, as its own definition says.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trainables.matching import Floats, Ints, candidate_pairs, matches
from trainables.segments import Segments

Bools = npt.NDArray[np.bool_]

TYPES = ("true_positive", "double_detection", "wrong_label", "localization", "confusion", "background")
ERRORS = TYPES[1:]
MIN_TIOU = 0.1  # less overlap than this is background
DEPTH = 10  # false positives are profiled over 1G to 10G
MIN_NORMALISED_PRECISION = 0.05  # of a detection that counts as found, in the analysis of false negatives


class Ranked(NamedTuple):
    """Predictions by class, then falling score (ties: the earlier row first).

    rank: place in its class from 0, (M,). matched: row of the instance that each finds at each threshold, -1 for
    none, (M, K). instances: per class, (C,). mean_instances: N.
    """

    segments: Segments
    rank: Ints
    matched: Ints
    instances: Ints
    mean_instances: float


class Bucket(NamedTuple):
    """The G-th best predictions of every class: how many, and the share of each of TYPES, mean over thresholds."""

    name: str
    predictions: int
    shares: Floats


class FalsePositives(NamedTuple):
    """average_map_n: percent. gains: points of it that removing each of ERRORS would bring."""

    predictions: int
    average_map_n: float
    gains: dict[str, float]
    buckets: list[Bucket]


def rank_predictions(
    truth: Segments, predictions: Segments, num_classes: int, tiou: Floats, limit: int | None = None
) -> Ranked:
    """Rank and match; ``limit`` keeps the best limit x (instances of the class) predictions of each class."""
    instances = np.bincount(truth.label, minlength=num_classes)
    rows = np.flatnonzero((predictions.label >= 0) & (predictions.label < num_classes))
    rows = rows[np.lexsort((-predictions.score[rows], predictions.label[rows]))]
    segments = predictions[rows]
    rank = np.arange(len(rows)) - np.searchsorted(segments.label, segments.label)
    if limit is not None:
        kept = rank < limit * instances[segments.label]
        segments, rank = segments[kept], rank[kept]
    matched = np.full((len(segments), len(tiou)), -1, dtype=np.int64)
    candidates = candidate_pairs(truth, segments, float(tiou.min()))
    for k, threshold in enumerate(tiou):
        found, instance = matches(candidates, threshold)
        matched[found, k] = instance
    return Ranked(segments, rank, matched, instances, len(truth) / max(1, int(np.count_nonzero(instances))))


def average_precision_n(ranked: Ranked, hit: Bools, counted: Bools, instances: Ints) -> Floats:
    """AP_N of each class at each threshold, (C, K), in [0, 1]; NaN for a class with no ``instances``.

    hit: true positives, (M, K). counted: predictions that are there at all, (M, K). instances: to be found, (C,).
    """
    ap = np.full((len(instances), hit.shape[1]), np.nan)
    bounds = np.searchsorted(ranked.segments.label, np.arange(len(instances) + 1))
    for label in np.flatnonzero(instances):
        part = slice(bounds[label], bounds[label + 1])
        precision = _precision_n(hit[part], counted[part], instances[label], ranked.mean_instances)
        envelope = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
        ap[label] = (envelope * hit[part]).sum(axis=0) / instances[label]
    return ap


def error_types(truth: Segments, ranked: Ranked, tiou: Floats) -> Ints:
    """Index into TYPES of each prediction at each threshold, (M, K).

    The instance of any class in the video that is overlapped most decides (ties: the earlier one): enough overlap
    with its own class is a double detection, with another one a wrong label; some overlap is bad localization or
    confusion.
    """
    overlap, same = _best_overlap(truth, ranked.segments)
    enough, some = overlap[:, None] >= tiou, overlap[:, None] >= MIN_TIOU
    same = same[:, None]
    conditions = [ranked.matched >= 0, enough & same, enough, some & same, some]
    return np.select(conditions, np.arange(5), default=5)


def false_positives(truth: Segments, predictions: Segments, num_classes: int, tiou: Floats) -> FalsePositives:
    """Profile over 1G to 10G, average-mAP_N, and what removing each type of error would bring."""
    ranked = rank_predictions(truth, predictions, num_classes, tiou, DEPTH)
    types = error_types(truth, ranked, tiou)
    hit = types == 0

    def average(counted: Bools) -> float:
        return 100 * float(np.nanmean(average_precision_n(ranked, hit, counted, ranked.instances)))

    overall = average(np.ones_like(hit))
    gains = {name: average(types != code) - overall for code, name in enumerate(ERRORS, start=1)}
    depth = ranked.rank // ranked.instances[ranked.segments.label] if len(hit) else ranked.rank
    buckets = [_bucket(f"{g + 1}G", types[depth == g]) for g in range(DEPTH)]
    return FalsePositives(len(hit), overall, gains, buckets)


def sensitivity(ranked: Ranked, groups: Ints, num_groups: int, label: Ints) -> Floats:
    """Average-mAP_N in percent on the instances of each group, (num_groups,); NaN for a group without instances.

    groups, label: group (-1: none) and class of each instance. A prediction that finds an instance of another
    group at any threshold is left out altogether, as in the original.
    """
    free = ranked.matched < 0
    group_of = np.where(free, -2, groups[ranked.matched])
    values = np.full(num_groups, np.nan)
    for group in range(num_groups):
        inside = np.bincount(label[groups == group], minlength=len(ranked.instances))
        if inside.any():
            kept = (free | (group_of == group)).all(axis=1)
            counted = np.broadcast_to(kept[:, None], free.shape)
            ap = average_precision_n(ranked, ~free & counted, counted, inside)
            values[group] = 100 * np.nanmean(ap)
    return values


def missed(ranked: Ranked, num_instances: int) -> Bools:
    """Which instances no prediction of enough normalised precision finds, (instances, K)."""
    hit = ranked.matched >= 0
    bounds = np.searchsorted(ranked.segments.label, np.arange(len(ranked.instances) + 1))
    found = np.zeros((num_instances, hit.shape[1]), dtype=bool)
    for label in np.flatnonzero(np.diff(bounds)):
        part = slice(bounds[label], bounds[label + 1])
        counted = np.ones_like(hit[part])
        precision = _precision_n(hit[part], counted, max(1, ranked.instances[label]), ranked.mean_instances)
        row, k = np.nonzero(hit[part] & (precision > MIN_NORMALISED_PRECISION))
        found[ranked.matched[part][row, k], k] = True
    return ~found


def share_missed(missed_at: Bools, groups: Ints, num_groups: int) -> Floats:
    """Percent of the instances of each group that are missed, mean over thresholds; NaN for an empty group."""
    share = missed_at.mean(axis=1)
    count = np.bincount(groups[groups >= 0], minlength=num_groups)
    total = np.bincount(groups[groups >= 0], weights=share[groups >= 0], minlength=num_groups)
    return 100 * np.divide(total, count, out=np.full(num_groups, np.nan), where=count > 0)


def _precision_n(hit: Bools, counted: Bools, instances: int, mean_instances: float) -> Floats:
    weighted = np.cumsum(hit, axis=0) / instances * mean_instances
    total = weighted + np.cumsum(counted & ~hit, axis=0)
    return np.divide(weighted, total, out=np.zeros_like(weighted), where=total > 0)


def _best_overlap(truth: Segments, segments: Segments) -> tuple[Floats, Bools]:
    """Largest tIoU with any instance of the video (0 below MIN_TIOU), and whether that has the same class."""
    backwards = truth[::-1]  # candidates put the later of equals first, DETAD the earlier
    pairs = candidate_pairs(_one_class(backwards), _one_class(segments), MIN_TIOU)
    prediction, first = np.unique(pairs.prediction, return_index=True)
    overlap, same = np.zeros(len(segments)), np.zeros(len(segments), dtype=bool)
    overlap[prediction] = pairs.tiou[first]
    same[prediction] = backwards.label[pairs.instance[first]] == segments.label[prediction]
    return overlap, same


def _one_class(segments: Segments) -> Segments:
    return Segments.of(segments.video, segments.start_s, segments.end_s, np.zeros(len(segments)), segments.score)


def _bucket(name: str, types: Ints) -> Bucket:
    count = np.array([(types == code).sum() for code in range(len(TYPES))], dtype=np.float64)
    return Bucket(name, len(types), 100 * count / types.size if types.size else np.full(len(TYPES), np.nan))
