"""Scores to segments to pseudo labels against one pass over the scores: ``python -m benchmarks.prediction``.

ActivityNet-sized: 2,300 videos, about 450,000 snippets, 100 classes; random scores with runs like a trained model's.
"""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.timing import Work, in_turn, ratio_table
from trainables.config import PseudoLabelConfig, SegmentConfig
from trainables.data import Segments, Split, Video
from trainables.labels import SnippetScores, predict_segments, sample
from trainables.labels.generators import segment_prediction


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    given = parser.parse_args()
    split, scores = simulated(2300, 450_000, 100)
    labels = PseudoLabelConfig(segments=SegmentConfig(top_k=3, min_class_score=0.01, min_attention=0.5))
    segments = labels.segments
    everything, surest = (segments.model_copy(update={"min_attention": least}) for least in (0.0, 0.8))
    rng = np.random.default_rng(0)

    def draw() -> object:
        return sample(segment_prediction(scores, split, labels, rng), split, 0.8, rng)

    found = predict_segments(scores, split, segments)
    work: dict[str, Work] = {
        "one pass over the scores (their sum)": lambda: scores.class_probability.sum(),
        "scores -> segments": lambda: predict_segments(scores, split, segments),
        "  alpha_A 0: every snippet is foreground": lambda: predict_segments(scores, split, everything),
        "  alpha_A 0.8: a tenth is": lambda: predict_segments(scores, split, surest),
        "scores -> segments -> pseudo labels": lambda: segment_prediction(scores, split, labels, rng),
        "  of which a share S is drawn": draw,
    }
    print(
        f"simulated: {len(split):,} videos, {split.num_snippets:,} snippets, 100 classes; "
        f"{len(found):,} segments of the top {segments.top_k} classes at alpha_A {segments.min_attention:g}"
    )
    print(ratio_table(in_turn(work, given.runs), next(iter(work)), "passes"))


if __name__ == "__main__":
    main()
