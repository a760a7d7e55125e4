"""Small real objects that several tests need: splits, scores, data sets without files."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from trainables.data.segments import Segments
from trainables.data.split import Dataset, Split, Video
from trainables.labels.scores import SnippetScores


def split_of(
    lengths: list[int],
    *,
    labels: Sequence[tuple[int, ...]] | None = None,
    snippet_s: float = 0.64,
    dimensions: int = 3,
    instances: Segments | None = None,
    features: np.ndarray | None = None,
    name: str = "train",
) -> Split:
    """Videos v00, v01, ... of these lengths, one after another."""
    videos = tuple(
        Video(f"v{v:02d}", labels[v] if labels else (0,), snippet_s, length) for v, length in enumerate(lengths)
    )
    total = sum(lengths)
    if features is None:
        features = np.random.default_rng(0).normal(size=(total, dimensions)).astype(np.float32)
    starts = np.cumsum([0, *lengths[:-1]]).astype(np.int64)
    return Split(name, videos, features, starts, instances or Segments.empty())


def scores_of(cas: np.ndarray, attention: np.ndarray, lengths: list[int]) -> SnippetScores:
    """Scores from logits, in plain numpy, video by video."""
    probability = np.exp(cas - cas.max(axis=1, keepdims=True))
    probability /= probability.sum(axis=1, keepdims=True)
    if attention.shape[1] == 2:
        foreground = 1 / (1 + np.exp(attention[:, 0] - attention[:, 1]))
        logit = foreground
    else:
        foreground = 1 / (1 + np.exp(-attention[:, 0]))
        logit = attention[:, 0]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    weight = np.zeros(len(cas), dtype=np.float32)
    pooled = np.zeros((len(lengths), cas.shape[1]), dtype=np.float32)
    mean = np.zeros_like(pooled)
    for v, (first, end) in enumerate(pairwise(offsets)):
        exponential = np.exp(logit[first:end] - logit[first:end].max())
        weight[first:end] = exponential / exponential.sum()
        pooled[v] = weight[first:end] @ probability[first:end]
        mean[v] = probability[first:end].mean(axis=0)
    return SnippetScores(
        class_probability=probability.astype(np.float32),
        foreground=foreground.astype(np.float32),
        temporal_weight=weight,
        video_score=pooled,
        mean_score=mean,
        offsets=offsets,
    )


def random_scores(lengths: list[int], classes: int, rng: np.random.Generator, outputs: int = 1) -> SnippetScores:
    """Scores of random logits."""
    total = sum(lengths)
    return scores_of(rng.normal(size=(total, classes)) * 2, rng.normal(size=(total, outputs)) * 2, lengths)


def tiny_dataset(videos: int = 12, classes: int = 3, dimensions: int = 8, seed: int = 0) -> Dataset:
    """Two splits of short videos in which class c shifts feature c: learnable in a few epochs."""
    rng = np.random.default_rng(seed)

    def make(name: str, count: int) -> Split:
        lengths = rng.integers(12, 30, size=count).tolist()
        labels, rows, tables = [], [], []
        for v, length in enumerate(lengths):
            label = v % classes
            first = int(rng.integers(1, length // 2))
            end = first + int(rng.integers(4, length // 2))
            features = rng.normal(size=(length, dimensions)).astype(np.float32) * 0.5
            features[first:end, label] += 2.0
            labels.append((label,))
            rows.append(features)
            tables.append(Segments.of([f"v{v:02d}"], [first * 0.64], [end * 0.64], [label]))
        return split_of(
            lengths, labels=labels, instances=Segments.concatenate(tables), features=np.concatenate(rows), name=name
        )

    names = tuple(f"class {c}" for c in range(classes))
    return Dataset("tiny", "Tiny (simulated)", names, make("train", videos), make("test", videos // 2), simulated=True)
