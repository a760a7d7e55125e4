"""Scores and detections of W-TALC (wtalc.md, section 5).

N: snippets, V: videos, C: classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainables.config import WtalcConfig
from trainables.data import Segments, Split
from trainables.labels import SnippetScores, runs_of


@dataclass(frozen=True, eq=False)
class WtalcScores(SnippetScores):
    """cas: logits (N, C). class_logit: (V, C), mean of the largest. gate: (N,), where detections may lie."""

    cas: npt.NDArray[np.float32]
    class_logit: npt.NDArray[np.float32]
    gate: npt.NDArray[np.bool_]


def detect(scores: WtalcScores, split: Split, settings: WtalcConfig) -> Segments:
    """Runs of logits above (max + min) / 2 in classes of positive video logit; score: highest logit in the run plus
    the weighted video logit (wtalc.md, section 5). Runs of a class are disjoint, so none is suppressed."""
    video_N, num_classes = scores.video_of_snippet, scores.num_classes
    low, high = (np.zeros_like(scores.class_logit) for _ in range(2))
    inside = np.flatnonzero(split.lengths > 0)
    if inside.size:
        starts = split.offsets[:-1][inside]
        low[inside], high[inside] = (extreme.reduceat(scores.cas, starts) for extreme in (np.minimum, np.maximum))
    # float32, as the logits: a logit that equals the rounded midpoint must not pass for being above the exact one.
    threshold = high - (high - low) * np.float32(0.5)
    kept = (scores.cas > threshold[video_N]) & (scores.class_logit > 0)[video_N] & scores.gate[:, None]

    base = np.arange(num_classes) * scores.num_snippets
    starts, ends = ((bound[None] + base[:, None]).ravel() for bound in (split.offsets[:-1], split.offsets[1:]))
    first, end = runs_of(kept.T.ravel(), starts, ends)
    long_enough = end - first >= settings.min_snippets
    first, end = first[long_enough], end[long_enough]
    label = first // max(scores.num_snippets, 1)
    video = video_N[first - base[label]]
    logits = np.append(scores.cas.T.ravel(), -np.inf)
    peak = np.maximum.reduceat(logits, np.stack([first, end], axis=1).ravel())[::2] if first.size else first
    score = peak + settings.video_score_weight * scores.class_logit[video, label]
    offset = split.offsets[video] + base[label]
    start_s, end_s = (split.seconds(video, bound - offset) for bound in (first, end))
    return Segments(split.names[video], start_s, end_s, label, score.astype(np.float64))
