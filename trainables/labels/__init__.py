"""From snippet scores to segments and pseudo labels: prediction, generators, sampling, quality."""

from __future__ import annotations

from trainables.data import FOREGROUND, HIDDEN
from trainables.labels.generators import foreground_by_class, generator_named
from trainables.labels.prediction import predict_segments, runs_of
from trainables.labels.quality import label_quality
from trainables.labels.sampling import Mask, background_share, of_any_class, sample, union
from trainables.labels.scores import SMALLEST_SCORE, SnippetScores
from trainables.labels.threshold_grid import RunsOfPairs, ThresholdGrid, predict_pairs

__all__ = [
    "FOREGROUND",
    "HIDDEN",
    "SMALLEST_SCORE",
    "Mask",
    "RunsOfPairs",
    "SnippetScores",
    "ThresholdGrid",
    "background_share",
    "foreground_by_class",
    "generator_named",
    "label_quality",
    "of_any_class",
    "predict_pairs",
    "predict_segments",
    "runs_of",
    "sample",
    "union",
]
