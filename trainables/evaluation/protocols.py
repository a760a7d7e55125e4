"""The evaluators of the field as named protocols (evaluation.md); all take and give seconds and AP in [0, 1].

``activitynet``: ActivityNet's own, and RefineLoc's. Each detection, best first, takes the free instance that it
overlaps most, if by the threshold or more; all-point interpolated AP; instances of zero length are left out.
``basnet``: BaS-Net's copy of it, which keeps instances of zero length.
``thumos14``: THUMOS14's MATLAB kit as updated in 2015. Each instance, in the file's order, takes the free detection
that overlaps it most, if by more than the threshold, whatever the scores; what is left and touches an ambiguous
interval is dropped; equal scores by video, then as listed; non-interpolated AP.
``wtalc``: W-TALC's. Times are rounded to 16 frames at 25 fps; detections in videos without any instance, and those that
touch an ambiguous interval, are removed before anything else; each of the others, best first, takes the first free
instance in the file's order that it overlaps by the threshold or more; non-interpolated AP; a class with instances but
without a detection makes the whole mAP 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trainables.data import Segments, intersection_over_hull
from trainables.evaluation.matching import Candidates, Floats, Ints, candidate_pairs, matches, true_positives

WTALC_SNIPPETS_PER_SECOND = 25 / 16

Mask = npt.NDArray[np.bool_]
Area = Callable[[Ints, Mask], Floats]


class Ranking(NamedTuple):
    """Detections that count at one threshold, by class, then best first, (M,); and which of them are hits, (M,)."""

    segments: Segments
    hit: Mask


@dataclass(frozen=True)
class EvaluationProtocol:
    """prepare: instances, detections and ambiguous intervals -> the instances and detections that count.
    average_precision: of these, with the number of classes and the thresholds -> AP by class and threshold, NaN
    without instances. rankings: the same arguments -> the ranking behind it, threshold by threshold. interpolated:
    whether AP is the area under the precision made non-increasing. in_file_order: a detection takes the first free
    instance, not the one that it overlaps most. instances_choose: instances take detections, not the other way round.
    needs_every_class: a class with instances but no detection makes the mAP 0. ignores_ambiguous: ambiguous intervals
    change the result, so that ground truth without them lowers it."""

    prepare: Callable[[Segments, Segments, Segments], tuple[Segments, Segments]]
    average_precision: Callable[[Segments, Segments, Segments, int, Floats], Floats]
    rankings: Callable[[Segments, Segments, Segments, int, Floats], Iterator[Ranking]]
    interpolated: bool = False
    in_file_order: bool = False
    instances_choose: bool = False
    needs_every_class: bool = False
    ignores_ambiguous: bool = False


def average_precision(
    ground_truth: Segments, predictions: Segments, num_classes: int, tiou: Sequence[float] | Floats
) -> Floats:
    """AP of protocol activitynet for every class at every threshold, shape (num_classes, len(tiou))."""
    none = Segments.empty()
    truth, predictions = _activitynet_prepare(ground_truth, predictions, none)
    return _activitynet(truth, predictions, none, num_classes, np.asarray(tiou, np.float64))


def _activitynet_prepare(truth: Segments, predictions: Segments, ambiguous: Segments) -> tuple[Segments, Segments]:
    return truth[truth.start_s < truth.end_s], predictions


def _as_they_are(truth: Segments, predictions: Segments, ambiguous: Segments) -> tuple[Segments, Segments]:
    return truth, predictions


def _wtalc_prepare(truth: Segments, predictions: Segments, ambiguous: Segments) -> tuple[Segments, Segments]:
    # The released evaluator walks over the videos that have instances; it never sees detections in others.
    predictions = predictions[_of_videos(predictions, truth)]
    truth, predictions, ambiguous = (_on_grid(table) for table in (truth, predictions, ambiguous))
    return truth, predictions[~touches(predictions, ambiguous)]


def _of_videos(segments: Segments, others: Segments) -> Mask:
    """Whether the video of each segment is one of ``others``', shape (N,)."""
    videos = set(others.video.tolist())
    return np.fromiter((video in videos for video in segments.video.tolist()), dtype=bool, count=len(segments))


def _on_grid(segments: Segments) -> Segments:
    """Times in whole snippets (halves to even), as [start, end)."""
    start, end = (np.rint(time * WTALC_SNIPPETS_PER_SECOND) for time in (segments.start_s, segments.end_s))
    return replace(segments, start_s=start, end_s=end)


def _activitynet(
    truth: Segments, predictions: Segments, ambiguous: Segments, num_classes: int, thresholds: Floats
) -> Floats:
    ranked = _ranked(predictions, num_classes)
    candidates = candidate_pairs(truth, ranked, float(thresholds.min()))
    found, hits = true_positives(candidates, thresholds)
    return _by_class(truth, ranked, found, hits, num_classes, _interpolated)


def _activitynet_rankings(
    truth: Segments, predictions: Segments, ambiguous: Segments, num_classes: int, thresholds: Floats
) -> Iterator[Ranking]:
    ranked = _ranked(predictions, num_classes)
    return _with_hits(ranked, candidate_pairs(truth, ranked, float(thresholds.min())), thresholds)


def _wtalc(truth: Segments, predictions: Segments, ambiguous: Segments, num_classes: int, thresholds: Floats) -> Floats:
    ranked = _ranked(predictions, num_classes)
    found, hits = true_positives(_in_file_order(truth, ranked, thresholds), thresholds)
    return _by_class(truth, ranked, found, hits, num_classes, _plain)


def _wtalc_rankings(
    truth: Segments, predictions: Segments, ambiguous: Segments, num_classes: int, thresholds: Floats
) -> Iterator[Ranking]:
    ranked = _ranked(predictions, num_classes)
    return _with_hits(ranked, _in_file_order(truth, ranked, thresholds), thresholds)


def _in_file_order(truth: Segments, ranked: Segments, thresholds: Floats) -> Candidates:
    """Pairs of each detection by the instances' place in the file instead of by overlap."""
    return rows_in_file_order(candidate_pairs(truth, ranked, float(thresholds.min())))


def rows_in_file_order(pairs: Candidates) -> Candidates:
    """The instances of each detection by their place in the file."""
    return candidate_rows(pairs, np.lexsort((pairs.instance, pairs.prediction)))


def _with_hits(ranked: Segments, candidates: Candidates, thresholds: Floats) -> Iterator[Ranking]:
    for threshold in thresholds:
        hit = np.zeros(len(ranked), dtype=bool)
        hit[matches(candidates, threshold)[0]] = True
        yield Ranking(ranked, hit)


def _thumos14(
    truth: Segments, predictions: Segments, ambiguous: Segments, num_classes: int, thresholds: Floats
) -> Floats:
    columns = []
    for ranked, hit in _thumos14_rankings(truth, predictions, ambiguous, num_classes, thresholds):
        found = np.flatnonzero(hit)
        columns.append(_by_class(truth, ranked, found, np.ones((len(found), 1), bool), num_classes, _plain))
    return np.concatenate(columns, axis=1)


def _thumos14_rankings(
    truth: Segments, predictions: Segments, ambiguous: Segments, num_classes: int, thresholds: Floats
) -> Iterator[Ranking]:
    # An instance's detections are of one video: which of them it takes is the same in either order.
    ranked = predictions[by_video_among_equals(predictions, num_classes)]
    dropped = touches(ranked, ambiguous)
    pairs = candidate_pairs(truth, ranked, float(thresholds.min()), intersection_over_hull)
    pairs = candidate_rows(pairs, best_first_of_instances(pairs))
    for threshold in thresholds:
        above = pairs.tiou > threshold
        hit = taken(pairs.instance[above], pairs.prediction[above], len(ranked))
        kept = np.flatnonzero(hit | ~dropped)
        yield Ranking(ranked[kept], hit[kept])


def best_first_of_instances(pairs: Candidates) -> Ints:
    """Rows that put each instance's detections in a row, best first; equal overlaps: the surer detection."""
    return np.lexsort((pairs.prediction, -pairs.tiou, pairs.instance))


def by_video_among_equals(predictions: Segments, num_classes: int) -> Ints:
    """Rows of ``ranked_rows``, but equal scores go by video, and within a video as the detections were listed."""
    rows = ranked_rows(predictions, num_classes)
    names = np.unique(predictions.video[rows].astype(str), return_inverse=True)[1]
    return rows[np.lexsort((names, -predictions.score[rows], predictions.label[rows]))]


def candidate_rows(pairs: Candidates, rows: Ints) -> Candidates:
    """Some of the pairs, in this order."""
    return Candidates(pairs.prediction[rows], pairs.instance[rows], pairs.tiou[rows])


def taken(instance: Ints, prediction: Ints, count: int) -> Mask:
    """Which of ``count`` detections an instance takes, when each in turn takes the first free one of its list."""
    taken, last = np.zeros(count, dtype=bool), -1
    # One after another: an instance has to see what those before it in the file have taken.
    for i, p in zip(instance.tolist(), prediction.tolist(), strict=True):
        if i != last and not taken[p]:
            taken[p], last = True, i
    return taken


def touches(segments: Segments, intervals: Segments) -> Mask:
    """Whether each segment overlaps any of the intervals of its video, shape (N,)."""
    rows: dict[str, list[int]] = {video: [] for video in intervals.video}
    for row, video in enumerate(segments.video):
        if video in rows:
            rows[video].append(row)
    touched = np.zeros(len(segments), dtype=bool)
    for video, start_s, end_s in zip(intervals.video, intervals.start_s, intervals.end_s, strict=True):
        own = np.array(rows[video], dtype=np.int64)
        shared = np.minimum(segments.end_s[own], end_s) - np.maximum(segments.start_s[own], start_s)
        touched[own[shared > 0]] = True
    return touched


def _ranked(predictions: Segments, num_classes: int) -> Segments:
    return predictions[ranked_rows(predictions, num_classes)]


def ranked_rows(predictions: Segments, num_classes: int) -> Ints:
    """Rows of detections of known classes by class, then falling score; equal scores keep their order."""
    rows = np.flatnonzero((predictions.label >= 0) & (predictions.label < num_classes))
    score, digits = predictions.score[rows], len(rows).bit_length()
    by_score = np.argsort(-score)
    fall = np.empty(len(rows), dtype=np.int64)  # equal for equal scores
    fall[by_score] = np.cumsum(np.diff(score[by_score], prepend=np.inf) != 0)
    # One number for each row, so that a sort of numbers orders all: a fifth of the time of a lexsort.
    ordered = np.sort((((predictions.label[rows] << digits) | fall) << digits) | np.arange(len(rows)))
    return rows[ordered & ((1 << digits) - 1)]


def _by_class(truth: Segments, ranked: Segments, found: Ints, hits: Mask, num_classes: int, area: Area) -> Floats:
    """AP from the rows of ``ranked`` that match at any threshold, (M,) ascending, and at which: (M, thresholds)."""
    if len(truth) and not 0 <= truth.label.min() <= truth.label.max() < num_classes:
        raise ValueError(f"ground truth labels must lie in [0, {num_classes}), got {np.unique(truth.label).tolist()}")
    num_instances = np.bincount(truth.label, minlength=num_classes)
    ap = np.zeros((num_classes, hits.shape[1]))
    ap[num_instances == 0] = np.nan
    first_of_class = np.searchsorted(ranked.label, np.arange(num_classes))
    bounds = np.searchsorted(ranked.label[found], np.arange(num_classes + 1))
    for label in np.flatnonzero(np.diff(bounds)):
        part = slice(bounds[label], bounds[label + 1])
        rank = found[part] - first_of_class[label] + 1
        ap[label] = area(rank, hits[part]) / num_instances[label]
    return ap


def _interpolated(rank: Ints, hits: Mask) -> Floats:
    """Sum over true positives of the precision made non-increasing from the right; (M,), (M, K) -> (K,).

    rank: 1-based place of each row among all predictions of the class. Rows that match nowhere may be left out:
    the precision's maxima lie at true positives, and each of these raises the recall by one instance.
    """
    precision = np.cumsum(hits, axis=0) / rank[:, None]
    envelope = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    return (envelope * hits).sum(axis=0)


def _plain(rank: Ints, hits: Mask) -> Floats:
    """Sum over true positives of the precision as it is; (M,), (M, K) -> (K,)."""
    return (np.cumsum(hits, axis=0) / rank[:, None] * hits).sum(axis=0)


PROTOCOLS = {
    "activitynet": EvaluationProtocol(_activitynet_prepare, _activitynet, _activitynet_rankings, interpolated=True),
    "thumos14": EvaluationProtocol(
        _as_they_are, _thumos14, _thumos14_rankings, instances_choose=True, ignores_ambiguous=True
    ),
    "wtalc": EvaluationProtocol(
        _wtalc_prepare, _wtalc, _wtalc_rankings, in_file_order=True, needs_every_class=True, ignores_ambiguous=True
    ),
    "basnet": EvaluationProtocol(_as_they_are, _activitynet, _activitynet_rankings, interpolated=True),
}
