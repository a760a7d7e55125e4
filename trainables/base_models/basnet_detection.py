"""Detections of BaS-Net from its normalised activations (basnet.md, section 5). No torch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trainables.config import BasnetConfig
from trainables.data import Segments, Split

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


class Proposals(NamedTuple):
    """Ranges [first, end) of positions of one curve with their scores; all of shape (M,)."""

    first: Indices
    end: Indices
    score: Floats


def detect(
    curve: npt.NDArray[np.float32], probability: npt.NDArray[np.float32], split: Split, settings: BasnetConfig
) -> Segments:
    """Detections of all videos of a split, seconds. curve: (V, L, C). probability: of the classes (V, C)."""
    tables = []
    for v in range(len(split)):
        unit_s = split.snippet_s[v] * split.lengths[v] / (settings.upsampling * curve.shape[1])
        for label in predicted_classes(probability[v], settings):
            bonus = 1.0 if settings.video_score == "binarised" else float(probability[v, label])
            found = proposals(upsampled(curve[v, :, label], settings.upsampling), settings)
            score = found.score + settings.video_score_weight * bonus
            start_s, end_s = (np.maximum(bound * unit_s + split.shift_s[v], 0.0) for bound in (found.first, found.end))
            kept = suppress(start_s, end_s, score, settings.max_overlap, 1.0 if settings.released_nms_overlap else 0.0)
            name, label_column = np.full(len(kept), split.videos[v].name, object), np.full(len(kept), label, np.int64)
            tables.append(Segments(name, start_s[kept], end_s[kept], label_column, score[kept]))
    return Segments.concatenate(tables)


def predicted_classes(probability_C: npt.NDArray[np.float32], settings: BasnetConfig) -> Indices:
    """Classes of a video that reach the smallest video score."""
    predicted = np.flatnonzero(probability_C >= settings.min_video_score)
    # The released code asks whether any *index* is true, so class 0 alone counts as none.
    return predicted[:0] if settings.released_empty_check and not predicted.any() else predicted


def upsampled(curve_L: npt.NDArray[np.float32], factor: int) -> Floats:
    """Linear interpolation at j / factor for all j below L * factor; beyond the last value the line goes on."""
    length = len(curve_L)
    if length == 1:
        return np.repeat(curve_L.astype(np.float64), factor)
    at = np.arange(length * factor) / factor
    left = np.minimum(at.astype(np.int64), length - 2)
    step = np.diff(curve_L.astype(np.float64))
    return curve_L[left] + (at - left) * step[left]


def proposals(curve: Floats, settings: BasnetConfig) -> Proposals:
    """Runs above each threshold, scored by outer-inner contrast on the curve as thresholded.

    A class without any run has no detections; the released code stops with an error there.
    """
    found = []
    for threshold in settings.thresholds:
        cut = np.where(curve >= threshold, curve, 0.0)
        above = cut > 0
        if settings.released_empty_check and not np.flatnonzero(above).any():
            continue
        change = np.diff(above.astype(np.int8), prepend=0, append=0)
        first, end = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
        found.append(Proposals(first, end, outer_inner_contrast(cut, first, end, settings.flank)))
    if not found:
        return Proposals(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    return Proposals(*(np.concatenate(column) for column in zip(*found, strict=True)))


def outer_inner_contrast(curve: Floats, first: Indices, end: Indices, flank: float) -> Floats:
    """Mean of ``curve`` within [first, end) minus that of its two flanks, shape (M,).

    A flank is ``flank`` lengths wide, cut to whole positions and to the curve; without any position it counts 0.
    """
    total = np.concatenate([[0.0], np.cumsum(curve)])
    width = flank * (end - first)
    # Truncation of both bounds to whole positions, the last one included, as released.
    left = np.maximum((first - width).astype(np.int64), 0)
    right = np.minimum((end - 1 + width).astype(np.int64), len(curve) - 1) + 1
    inner = (total[end] - total[first]) / (end - first)
    outer = (total[first] - total[left]) + (total[right] - total[end])
    positions = (first - left) + (right - end)
    return inner - np.where(positions > 0, outer / np.maximum(positions, 1), 0.0)


def suppress(start_s: Floats, end_s: Floats, score: Floats, max_overlap: float, added_s: float = 0.0) -> Indices:
    """Non-maximum suppression: rows to keep, best first; each suppresses those that overlap it by max_overlap or more.

    Overlap is intersection over union, of which ``added_s`` is added to lengths and intersections (released: one
    second, a convention for pixels, which inflates the overlap of short segments).
    """
    order = np.argsort(score, kind="stable")[::-1]
    length = end_s - start_s + added_s
    kept = []
    while order.size:
        best, rest = order[0], order[1:]
        kept.append(best)
        shared = np.minimum(end_s[best], end_s[rest]) - np.maximum(start_s[best], start_s[rest]) + added_s
        shared = np.maximum(shared, 0)
        order = rest[shared / (length[best] + length[rest] - shared) < max_overlap]
    return np.array(kept, dtype=np.int64)
