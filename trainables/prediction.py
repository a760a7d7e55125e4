"""Snippet scores -> segments (paper, section 3.2 and Eq. 3; refineloc.md, section 3), all videos at once.

Candidates are the (class rank, snippet) pairs of the top-k classes of each video, laid out as k copies of the
split, so that masks, runs and means are single passes over flat arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainables.config import SegmentConfig
from trainables.datasets.contract import Split
from trainables.scores import SnippetScores
from trainables.segments import Segments

Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SnippetRuns:
    """Segments counted in snippets; every column has shape (M,).

    video: index in the split. first, end: snippet range [first, end) within the video, inflation included.
    label: class id. score: higher is surer.
    """

    video: Indices
    first: Indices
    end: Indices
    label: Indices
    score: npt.NDArray[np.float64]


def predict_segments(scores: SnippetScores, split: Split, config: SegmentConfig) -> Segments:
    """Segments of all videos of a split in seconds: [first, end) snippets times the video's ``snippet_s``.

    Neither clipped to the video's duration nor suppressed where they overlap, as in the released code.
    """
    runs = predict_runs(scores, config)
    step = split.snippet_s[runs.video]
    return Segments(split.names[runs.video], runs.first * step, runs.end * step, runs.label, runs.score)


def predict_runs(scores: SnippetScores, config: SegmentConfig) -> SnippetRuns:
    """Segments of all videos, by video, then class rank, then time."""
    top_VK = top_classes(scores.video_score, config.top_k)
    num_videos, ranks = top_VK.shape
    video_N = scores.video_of_snippet
    label_KN = top_VK.T[:, video_N]
    # A flat take is half the time of an index per axis.
    row_N = np.arange(scores.num_snippets) * scores.num_classes
    class_KN = scores.class_probability.reshape(-1).take(row_N + label_KN)
    kept = keep_snippets(class_KN, scores.foreground, config).reshape(-1)
    starts = np.tile(scores.offsets[:-1], ranks) + np.repeat(np.arange(ranks) * scores.num_snippets, num_videos)
    ends = starts + np.tile(np.diff(scores.offsets), ranks)
    first, end = runs_of(group(kept, starts, ends, config.dilation, config.bridge), starts, ends)
    if config.min_snippets > 1:
        long_enough = end - first >= config.min_snippets
        first, end = first[long_enough], end[long_enough]

    rank = first // max(scores.num_snippets, 1)
    video = video_N[first - rank * scores.num_snippets] if first.size else first
    label = top_VK[video, rank]
    attention = scores.foreground if config.score_attention == "foreground" else scores.temporal_weight
    score = mean_of_runs(class_KN.reshape(-1), first, end) + mean_of_runs(np.tile(attention, ranks), first, end)
    if config.score_video:
        score = score + scores.video_score[video, label]

    base = scores.offsets[video] + rank * scores.num_snippets
    length = np.diff(scores.offsets)[video]
    order = np.argsort(video, kind="stable")  # runs lie by class rank, then time, already
    return SnippetRuns(
        video=video[order],
        first=np.clip(first - base - config.inflation, 0, None)[order],
        end=np.minimum(end - base + config.inflation, length)[order],
        label=label[order],
        score=score[order],
    )


def top_classes(video_score: npt.NDArray[np.float32], top_k: int) -> Indices:
    """Class ids of the highest video scores, best first, shape (V, min(k, C)); ties: the smaller id first."""
    left = video_score.copy()
    best = np.empty((len(left), min(top_k, left.shape[1])), dtype=np.int64)
    for rank in range(best.shape[1]):
        best[:, rank] = left.argmax(axis=1)
        np.put_along_axis(left, best[:, rank, None], -np.inf, axis=1)
    return best


def keep_snippets(
    class_score: npt.NDArray[np.float32], foreground: npt.NDArray[np.float32], config: SegmentConfig
) -> Mask:
    """Snippets that pass both thresholds; ``foreground`` broadcasts over class ranks.

    ``keep_above`` (released): class score > alpha_C and foreground > alpha_A, both strict. ``drop_below`` (paper):
    drop where the background exceeds alpha_A or the class score is below alpha_C (D4).
    """
    if config.thresholding == "keep_above":
        return (class_score > config.min_class_score) & (foreground > config.min_attention)
    return (class_score >= config.min_class_score) & (1 - foreground <= config.min_attention)


def group(kept: Mask, starts: Indices, ends: Indices, dilation: int, bridge: int) -> Mask:
    """Fill gaps of at most ``bridge`` snippets, then add ``dilation`` snippets on both sides of each run.

    Released: a binary dilation by one, which merges gaps of two snippets and widens each run by one (D5); the
    paper joins runs that at most one filtered snippet separates. starts, ends: bounds of the videos in ``kept``.
    """
    if bridge:
        first, end = runs_of(kept, starts, ends)
        owner = np.searchsorted(starts, first, side="right") if len(starts) else first
        close = (first[1:] - end[:-1] <= bridge) & (owner[1:] == owner[:-1])
        kept = _fill(len(kept), np.concatenate([first, end[:-1][close]]), np.concatenate([end, first[1:][close]]))
    for _ in range(dilation):
        before, after = _neighbours(kept, starts, ends)
        kept = kept | before | after
    return kept


def runs_of(kept: Mask, starts: Indices, ends: Indices) -> tuple[Indices, Indices]:
    """Maximal runs [first, end) of true values; a run never crosses from one video into the next."""
    before, after = _neighbours(kept, starts, ends)
    return np.flatnonzero(kept & ~before), np.flatnonzero(kept & ~after) + 1


def mean_of_runs(values: npt.NDArray[np.floating], first: Indices, end: Indices) -> npt.NDArray[np.float64]:
    """Mean of ``values`` over each [first, end), shape (M,)."""
    if not first.size:
        return np.empty(0)
    bounds = np.stack([first, end], axis=1).reshape(-1)
    # The last bound may be the end of the array, which reduceat does not take as an index.
    bounds = bounds[:-1] if bounds[-1] == len(values) else bounds
    return np.add.reduceat(values, bounds, dtype=np.float64)[::2] / (end - first)


def _neighbours(kept: Mask, starts: Indices, ends: Indices) -> tuple[Mask, Mask]:
    """The snippet before and the one after each snippet, false at the borders of its video."""
    before, after = np.zeros_like(kept), np.zeros_like(kept)
    before[1:], after[:-1] = kept[:-1], kept[1:]
    inside = ends > starts
    before[starts[inside]] = False
    after[ends[inside] - 1] = False
    return before, after


def _fill(length: int, first: Indices, end: Indices) -> Mask:
    change = np.zeros(length + 1, dtype=np.int32)
    np.add.at(change, first, 1)
    np.add.at(change, end, -1)
    return np.cumsum(change[:-1]) > 0
