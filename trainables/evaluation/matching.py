"""Which prediction finds which ground-truth instance, at several tIoU thresholds at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise, repeat
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trainables.data import Segments, temporal_iou

PAIRS_AT_ONCE = 1_000_000  # bounds the memory of the overlaps of one chunk of predictions

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Overlap = Callable[[Floats, Floats, Floats, Floats], Floats]


class Candidates(NamedTuple):
    """Pairs that may match: rows by prediction, then best first. All of shape (P,); row numbers of the two tables."""

    prediction: Ints
    instance: Ints
    tiou: Floats


def candidate_pairs(truth: Segments, ranked: Segments, min_tiou: float, overlap: Overlap = temporal_iou) -> Candidates:
    """Pairs of one class and video that overlap by ``min_tiou`` or more.

    overlap: of intervals given as starts and ends, elementwise.
    """
    videos = {name: row for row, name in enumerate(dict.fromkeys(truth.video.tolist()))}
    truth_group = truth.label * len(videos) + _video_rows(truth, videos)
    order = np.argsort(truth_group, kind="stable")
    group, first, count = np.unique(truth_group[order], return_index=True, return_counts=True)

    video = _video_rows(ranked, videos)
    wanted = ranked.label * len(videos) + video
    slot = np.minimum(np.searchsorted(group, wanted), max(len(group) - 1, 0))
    inside = np.flatnonzero((video >= 0) & (group[slot] == wanted)) if len(group) else np.empty(0, np.int64)
    first, count = first[slot[inside]], count[slot[inside]]

    parts = []
    for chunk in _chunks(count):
        prediction = np.repeat(inside[chunk], count[chunk])
        instance = order[ranges(first[chunk], count[chunk])]
        tiou = overlap(
            ranked.start_s[prediction], ranked.end_s[prediction], truth.start_s[instance], truth.end_s[instance]
        )
        hit = np.flatnonzero(tiou >= min_tiou)
        # Best first; among equal overlaps the later instance, as the reversed sort of the released code has it.
        hit = hit[np.lexsort((-instance[hit], -tiou[hit], prediction[hit]))]
        parts.append((prediction[hit], instance[hit], tiou[hit]))
    return Candidates(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _video_rows(segments: Segments, videos: dict[str, int]) -> Ints:
    names = segments.video.tolist()
    return np.fromiter(map(videos.get, names, repeat(-1)), dtype=np.int64, count=len(names))


def _chunks(count: Ints) -> Iterator[slice]:
    """Slices of the predictions with about PAIRS_AT_ONCE pairs each; at least one slice."""
    total = np.cumsum(count)
    cuts = np.searchsorted(total, np.arange(PAIRS_AT_ONCE, total[-1] if len(total) else 0, PAIRS_AT_ONCE))
    bounds = np.unique([0, *cuts, len(count)]) if len(count) else np.array([0, 0])
    for start, end in pairwise(bounds.tolist()):
        yield slice(start, end)


def ranges(first: Ints, count: Ints) -> Ints:
    """``first[i] .. first[i] + count[i] - 1`` for every i, one after another."""
    start = np.cumsum(count) - count
    return np.arange(count.sum()) - np.repeat(start, count) + np.repeat(first, count)


def true_positives(candidates: Candidates, thresholds: Floats) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Predictions that match at any threshold, (M,) ascending, and at which: (M, thresholds)."""
    matched = [matches(candidates, threshold)[0] for threshold in thresholds]
    found = np.unique(np.concatenate(matched))
    return found, np.stack([np.isin(found, rows) for rows in matched], axis=1)


def matches(candidates: Candidates, threshold: float) -> tuple[Ints, Ints]:
    """Predictions that match at one threshold, ascending, and the instance of each; both of shape (M,)."""
    hit = candidates.tiou >= threshold
    return match(candidates.prediction[hit], candidates.instance[hit])


def match(prediction: Ints, instance: Ints) -> tuple[Ints, Ints]:
    """Predictions that get an instance when each in turn takes the best free one of its list, and that instance.

    Lists are consecutive rows, best first; a lower prediction number chooses earlier. Instead of one at a time,
    all ask at once: an instance goes to the earliest that asks, the others move on to their next. Nobody is ever
    turned away but by an earlier prediction, so this deferred acceptance ends in the one-at-a-time result.
    """
    if not len(prediction):
        return prediction, instance
    at = np.flatnonzero(np.diff(prediction, prepend=-1))
    end = np.append(at[1:], len(prediction))
    asking = prediction[at]
    holder = np.empty(instance.max() + 1, dtype=np.int64)
    while True:
        wish = instance[at]
        holder[wish[::-1]] = asking[::-1]  # the last assignment stays: the earliest prediction
        refused = holder[wish] != asking
        if not refused.any():
            return asking, wish
        at = at + refused
        left = at < end
        at, end, asking = at[left], end[left], asking[left]
