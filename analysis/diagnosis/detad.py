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

from trainables.data import Segments
from trainables.evaluation import Floats, Ints, candidate_pairs, matches

Bools = npt.NDArray[np.bool_]
Types = npt.NDArray[np.int8]

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
    matched = np.full((len(segments), len(tiou)), -1, dtype=np.int64)
    candidates = candidate_pairs(truth, segments, float(tiou.min()))
    for k, threshold in enumerate(tiou):
        found, instance = matches(candidates, threshold)
        matched[found, k] = instance
    ranked = Ranked(segments, rank, matched, instances, len(truth) / max(1, int(np.count_nonzero(instances))))
    return ranked if limit is None else best_of(ranked, limit)


def best_of(ranked: Ranked, limit: int) -> Ranked:
    """The best limit x (instances of the class) predictions of each class; none of the others took their matches."""
    kept = ranked.rank < limit * ranked.instances[ranked.segments.label]
    return ranked._replace(segments=ranked.segments[kept], rank=ranked.rank[kept], matched=ranked.matched[kept])


def average_precision_n(label: Ints, hit: Bools, counted: Ints, instances: Ints, mean_instances: float) -> Floats:
    """AP_N of V variants of a ranking, (V, C, K), in [0, 1]; NaN for a class without instances.

    Of R predictions, by class, then rank, among which are all true positives: no other one raises the curve.
    label: (R,). hit: true positives, (R, V, K). counted: predictions of the class so far, the row's own included,
    (R, V, K) or (R, V, 1). instances: of each class to be found, (C, V).
    """
    ap = np.zeros((instances.shape[1], len(instances), hit.shape[2]))
    ap[instances.T == 0] = np.nan
    precision = _precision_n(_so_far(hit, label), counted, instances[label][:, :, None], mean_instances)
    bounds = np.searchsorted(label, np.arange(len(instances) + 1))
    for c in np.flatnonzero(np.diff(bounds)):
        part = slice(bounds[c], bounds[c + 1])
        envelope = np.maximum.accumulate(precision[part][::-1], axis=0)[::-1]
        area = (envelope * hit[part]).sum(axis=0)
        known = instances[c][:, None]
        ap[:, c] = np.divide(area, known, out=np.full_like(area, np.nan), where=known > 0)
    return ap


def error_types(truth: Segments, ranked: Ranked, tiou: Floats) -> Types:
    """Index into TYPES of each prediction at each threshold, (M, K).

    The instance of any class in the video that is overlapped most decides (ties: the earlier one): enough overlap
    with its own class is a double detection, with another one a wrong label; some overlap is bad localization or
    confusion.
    """
    overlap, same = _best_overlap(truth, ranked.segments)
    enough, some = overlap[:, None] >= tiou, overlap[:, None] >= MIN_TIOU
    same = same[:, None]
    conditions = [ranked.matched >= 0, enough & same, enough, some & same, some]
    return np.select(conditions, list(np.arange(5, dtype=np.int8)), default=np.int8(5))


def false_positives(truth: Segments, ranked: Ranked, tiou: Floats) -> FalsePositives:
    """Profile over 1G to 10G, average-mAP_N, and what removing each type of error would bring."""
    best = best_of(ranked, DEPTH)
    types = error_types(truth, best, tiou)
    rows, label = _true_positives(best)
    codes = np.arange(len(TYPES), dtype=np.int8)[:, None]
    # As it is, and without each of ERRORS; a true positive is never removed.
    removed: Bools = (types[:, None, :] == codes) & (codes > 0)
    counted = best.rank[rows, None, None] + 1 - _so_far(removed, best.segments.label, rows)
    hit = np.broadcast_to((types[rows] == 0)[:, None, :], counted.shape)
    instances = np.broadcast_to(best.instances[:, None], (len(best.instances), len(TYPES)))
    overall, *without = (
        _average(ap) for ap in average_precision_n(label, hit, counted, instances, best.mean_instances)
    )
    gains = {name: value - overall for name, value in zip(ERRORS, without, strict=True)}
    depth = best.rank // best.instances[best.segments.label] if len(types) else best.rank
    buckets = [_bucket(f"{g + 1}G", types[depth == g]) for g in range(DEPTH)]
    return FalsePositives(len(types), overall, gains, buckets)


def sensitivity(ranked: Ranked, members: Bools, label: Ints) -> Floats:
    """Average-mAP_N in percent on the instances of each group, (G,); NaN for a group without instances.

    members: which of the instances are in each group, (G, instances). label: class of each instance. A prediction
    that finds an instance outside the group at any threshold is left out altogether, as in the original.
    """
    rows, label_R = _true_positives(ranked)
    matched = ranked.matched[rows]
    found = matched >= 0
    # An instance more, of every group, where nothing was found.
    inside: Bools = np.all(np.concatenate([members.T, np.ones((1, len(members)), dtype=bool)])[matched], axis=1)
    counted: Ints = ranked.rank[rows, None] + 1 - _so_far(~inside, label_R)
    hit = found[:, None, :] & inside[:, :, None]
    instances = np.stack([np.bincount(label[group], minlength=len(ranked.instances)) for group in members], axis=1)
    ap = average_precision_n(label_R, hit, counted[:, :, None], instances, ranked.mean_instances)
    return np.array([_average(each) if group.any() else np.nan for group, each in zip(members, ap, strict=True)])


def missed(ranked: Ranked, num_instances: int) -> Bools:
    """Which instances no prediction of enough normalised precision finds, (instances, K)."""
    rows, label = _true_positives(ranked)
    matched = ranked.matched[rows]
    hit = matched >= 0
    precision = _precision_n(
        _so_far(hit, label), ranked.rank[rows, None] + 1, ranked.instances[label][:, None], ranked.mean_instances
    )
    row, k = np.nonzero(hit & (precision > MIN_NORMALISED_PRECISION))
    found = np.zeros((num_instances, hit.shape[1]), dtype=bool)
    found[matched[row, k], k] = True
    return ~found


def share_missed(missed_at: Bools, groups: Ints, num_groups: int) -> Floats:
    """Percent of the instances of each group that are missed, mean over thresholds; NaN for an empty group."""
    share = missed_at.mean(axis=1)
    count = np.bincount(groups[groups >= 0], minlength=num_groups)
    total = np.bincount(groups[groups >= 0], weights=share[groups >= 0], minlength=num_groups)
    return 100 * np.divide(total, count, out=np.full(num_groups, np.nan), where=count > 0)


def _precision_n(hits: Ints, counted: Ints, instances: Ints, mean_instances: float) -> Floats:
    """R N / (R N + F) of so many true positives among so many predictions; 0 before the first true positive."""
    weighted = hits / np.maximum(instances, 1) * mean_instances
    total = weighted + (counted - hits)
    return np.divide(weighted, total, out=np.zeros_like(weighted), where=total > 0)


def _true_positives(ranked: Ranked) -> tuple[Ints, Ints]:
    """Rows that find an instance at any threshold, and their classes; both of shape (R,)."""
    rows = np.flatnonzero((ranked.matched >= 0).any(axis=1))
    return rows, ranked.segments.label[rows]


def _so_far(flags: Bools, label: Ints, rows: Ints | None = None) -> Ints:
    """How many rows of the same class are flagged, from its first row to each of ``rows`` (all).

    flags: (M, ...), by class: label (M,).
    """
    rows = np.arange(len(label)) if rows is None else rows
    running = np.zeros((len(flags) + 1, *flags.shape[1:]), dtype=np.int64)
    np.cumsum(flags, axis=0, out=running[1:])
    found: Ints = running[rows + 1] - running[np.searchsorted(label, label[rows])]
    return found


def _average(ap: Floats) -> float:
    return 100 * float(np.nanmean(ap))


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


def _bucket(name: str, types: Types) -> Bucket:
    count = np.bincount(types.reshape(-1), minlength=len(TYPES)).astype(np.float64)
    return Bucket(name, len(types), 100 * count / types.size if types.size else np.full(len(TYPES), np.nan))
