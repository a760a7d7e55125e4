"""Snippet scores -> segments (paper, section 3.2 and Eq. 3; refineloc.md, section 3), all videos at once.

Candidates are the (class rank, snippet) pairs of the top-k classes of each video near its foreground, laid out as k
copies of these snippets, so that masks, runs and means are single passes over flat arrays.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from trainables.config import SegmentConfig
from trainables.data import Segments, Split
from trainables.labels.scores import SnippetScores

Mask = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]  # a mask in each bit
MaskOrWords = TypeVar("MaskOrWords", Mask, Words)
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

    def __getitem__(self, rows: Indices) -> SnippetRuns:
        return SnippetRuns(*(getattr(self, one.name)[rows] for one in fields(self)))

    def in_seconds(self, split: Split) -> Segments:
        """The same segments, in seconds of the videos of ``split``."""
        start_s, end_s = (split.seconds(self.video, bound) for bound in (self.first, self.end))
        return Segments(split.names[self.video], start_s, end_s, self.label, self.score)


def predict_segments(scores: SnippetScores, split: Split, config: SegmentConfig) -> Segments:
    """Segments of all videos of a split in seconds, from their [first, end) snippets.

    Neither clipped to the video's duration nor suppressed where they overlap, as in the released code.
    """
    return predict_runs(scores, config).in_seconds(split)


def predict_runs(scores: SnippetScores, config: SegmentConfig) -> SnippetRuns:
    """Segments of all videos, by video, then class rank, then time.

    Class scores are read only near snippets that pass the attention's threshold: nothing else can enter a segment.
    """
    top_VK = top_classes(scores.video_score, config.top_k)
    near = _near_foreground(scores, config)
    video_M = scores.video_of_snippet[near.snippet]
    class_KM = class_scores(scores, top_VK, near.snippet, video_M)
    kept = keep_snippets(class_KM, scores.foreground[near.snippet], config).reshape(-1)
    ranks, size = class_KM.shape
    starts, ends = (np.add.outer(np.arange(ranks) * size, bound).reshape(-1) for bound in (near.starts, near.ends))
    first, end = runs_of(group(kept, starts, ends, config.dilation, config.bridge), starts, ends)
    if config.min_snippets > 1:
        long_enough = end - first >= config.min_snippets
        first, end = first[long_enough], end[long_enough]

    runs = scored_runs(scores, config, top_VK, class_KM, near.snippet, first, end)
    return runs[np.argsort(runs.video, kind="stable")]  # they lie by class rank, then time, already


def scored_runs(
    scores: SnippetScores,
    config: SegmentConfig,
    top_VK: Indices,
    class_KM: npt.NDArray[np.float32],
    snippet_M: Indices,
    first: Indices,
    end: Indices,
) -> SnippetRuns:
    """Segments of the runs [first, end) over the (class rank, snippet) pairs of ``class_KM``, laid out flat."""
    ranks, size = class_KM.shape
    rank, place = np.divmod(first, max(size, 1))
    snippet = snippet_M[place]
    video = np.searchsorted(scores.offsets, snippet, side="right") - 1
    label = top_VK[video, rank]
    attention = scores.foreground if config.score_attention == "foreground" else scores.temporal_weight
    attention_KM = np.tile(attention[snippet_M], ranks)
    score = mean_of_runs(class_KM.reshape(-1), first, end) + mean_of_runs(attention_KM, first, end)
    if config.score_video:
        score = score + scores.video_score[video, label]
    begin = snippet - scores.offsets[video]
    return SnippetRuns(
        video=video,
        # Inflation widens the segment, not what its score is the mean of.
        first=np.clip(begin - config.inflation, 0, None),
        end=np.minimum(begin + (end - first) + config.inflation, np.diff(scores.offsets)[video]),
        label=label,
        score=score,
    )


def class_scores(scores: SnippetScores, top_VK: Indices, snippet: Indices, video: Indices) -> npt.NDArray[np.float32]:
    """Of each class rank at these snippets, (K, M). A flat take is half the time of an index per axis; rank by rank,
    the indices stay in the cache."""
    flat, row = scores.class_probability.reshape(-1), snippet * scores.num_classes
    found = np.empty((top_VK.shape[1], len(snippet)), dtype=np.float32)
    for rank, label_V in enumerate(top_VK.T):
        # mode: by default, take fills a copy of ``out`` first
        flat.take(row + label_V[video], out=found[rank], mode="clip")
    return found


class _Near(NamedTuple):
    """Snippets that a segment may hold, ascending, (M,); starts, ends: stretches of neighbours among them, as places
    in ``snippet``. No segment reaches from one stretch into another, and no stretch into another video."""

    snippet: Indices
    starts: Indices
    ends: Indices


def _near_foreground(scores: SnippetScores, config: SegmentConfig) -> _Near:
    reach = config.dilation + config.bridge
    starts, ends = scores.offsets[:-1], scores.offsets[1:]
    mask = group(
        keep_attention(scores.foreground, config.min_attention, config.thresholding),
        starts,
        ends,
        dilation=reach,
        bridge=0,
    )
    first, end = runs_of(mask, starts, ends)
    places = np.cumsum(end - first)
    return _Near(np.flatnonzero(mask), places - (end - first), places)


def top_classes(video_score: npt.NDArray[np.float32], top_k: int) -> Indices:
    """Class ids of the highest video scores, best first, shape (V, min(k, C)); ties: the smaller id first."""
    left = video_score.copy()
    best = np.empty((len(left), min(top_k, left.shape[1])), dtype=np.int64)
    for rank in range(best.shape[1]):
        # argmax takes the first of equals; a partial sort promises no order among them.
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
    return keep_class(class_score, config.min_class_score, config.thresholding) & keep_attention(
        foreground, config.min_attention, config.thresholding
    )


def keep_class(class_score: npt.NDArray[np.float32], least: float, thresholding: str) -> Mask:
    """Snippets that pass the threshold on class scores."""
    return class_score > least if thresholding == "keep_above" else class_score >= least


def keep_attention(foreground: npt.NDArray[np.float32], least: float, thresholding: str) -> Mask:
    """Snippets that pass the threshold on attention."""
    return foreground > least if thresholding == "keep_above" else 1 - foreground <= least


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
    return dilated(kept, starts, ends, dilation)


def dilated(kept: MaskOrWords, starts: Indices, ends: Indices, times: int) -> MaskOrWords:
    """With ``times`` snippets more on both sides of each run; one at a time, so that it ends at its video's border."""
    for _ in range(times):
        before, after = neighbours(kept, starts, ends)
        kept = kept | before | after
    return kept


def runs_of(kept: Mask, starts: Indices, ends: Indices) -> tuple[Indices, Indices]:
    """Maximal runs [first, end) of true values; a run never crosses from one video into the next."""
    before, after = neighbours(kept, starts, ends)
    return np.flatnonzero(kept & ~before), np.flatnonzero(kept & ~after) + 1


def mean_of_runs(values: npt.NDArray[np.floating], first: Indices, end: Indices) -> npt.NDArray[np.float64]:
    """Mean of ``values`` over each [first, end), shape (M,); these may overlap."""
    if not first.size:
        return np.empty(0)
    bounds = np.stack([first, end], axis=1).reshape(-1)
    if end.max() == len(values):  # which reduceat does not take as an index
        values = np.append(values, values.dtype.type(0))
    # In float64: detections are ranked by these means, and float32 would make equals of close ones.
    return np.add.reduceat(values, bounds, dtype=np.float64)[::2] / (end - first)


def neighbours(kept: MaskOrWords, starts: Indices, ends: Indices) -> tuple[MaskOrWords, MaskOrWords]:
    """The snippet before and the one after each snippet, false (0) at the borders of its video."""
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
