"""Scores to segments to pseudo labels against one pass over the scores: ``python -m benchmarks.prediction``.

ActivityNet-sized: 2,300 videos, about 450,000 snippets, 100 classes; random scores with runs like a trained model's.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
from tabulate import tabulate

from trainables.config import PseudoLabelConfig, SegmentConfig
from trainables.datasets.contract import Split, Video
from trainables.prediction import predict_segments
from trainables.pseudo_labels import sample, segment_prediction
from trainables.scores import SnippetScores
from trainables.segments import Segments


def simulated(videos: int, snippets: int, classes: int) -> tuple[Split, SnippetScores]:
    """Scores that rise and fall over some snippets, as a smoothed random walk does."""
    rng = np.random.default_rng(0)
    lengths = np.maximum(rng.gamma(4, snippets / videos / 4, videos).astype(np.int64), 4)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    total = int(offsets[-1])
    probability = rng.random((total, classes), dtype=np.float32) ** 8
    probability /= probability.sum(axis=1, keepdims=True)
    walk = np.convolve(rng.normal(size=total), np.ones(9) / 3, mode="same")
    foreground = (1 / (1 + np.exp(-walk))).astype(np.float32)
    weight = np.full(total, 1 / total, dtype=np.float32)
    video_score = (np.add.reduceat(probability, offsets[:-1]) / lengths[:, None]).astype(np.float32)
    scores = SnippetScores(probability, foreground, weight, video_score, video_score, offsets)
    names = tuple(Video(f"v{v:05d}", (v % classes,), 0.64, int(length)) for v, length in enumerate(lengths))
    split = Split("test", names, np.empty((total, 0), np.float32), offsets[:-1], Segments.empty())
    return split, scores


def seconds(work: Callable[[], object], runs: int) -> float:
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    given = parser.parse_args()
    split, scores = simulated(2300, 450_000, 100)
    labels = PseudoLabelConfig(segments=SegmentConfig(top_k=3, min_class_score=0.01, min_attention=0.5))
    rng = np.random.default_rng(0)
    found = predict_segments(scores, split, labels.segments)
    work: dict[str, Callable[[], object]] = {
        "one pass over the scores (their sum)": lambda: scores.class_probability.sum(),
        "scores -> segments": lambda: predict_segments(scores, split, labels.segments),
        "scores -> pseudo labels": lambda: segment_prediction(scores, split, labels, rng),
        "sampling S": lambda: sample(split.snippet_truth, split, 0.8, rng),
    }
    rows = [(name, seconds(task, given.runs)) for name, task in work.items()]
    print(f"simulated: {len(split):,} videos, {split.num_snippets:,} snippets, 100 classes; {len(found):,} segments")
    print(tabulate([(n, 1000 * s, s / rows[0][1]) for n, s in rows], ["", "ms", "passes"], floatfmt=".1f"))


if __name__ == "__main__":
    main()
