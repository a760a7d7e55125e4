"""Intervals over test videos."""

import numpy as np
import pytest

from analysis.results.video_bootstrap import VideoInterval, _weighted_map, video_interval
from trainables.data.segments import Segments
from trainables.evaluation.mean_ap import evaluate


def random_segments(rng: np.random.Generator, rows: int, videos: int = 12) -> Segments:
    start = rng.integers(0, 20, rows).astype(float)
    names = [f"v{v:02d}" for v in rng.integers(0, videos, rows)]
    return Segments.of(names, start, start + rng.integers(1, 8, rows), rng.integers(0, 3, rows), rng.random(rows))


def test_the_difference_is_that_of_the_evaluation() -> None:
    rng = np.random.default_rng(1)
    truth, first, second = random_segments(rng, 30), random_segments(rng, 80), random_segments(rng, 80)
    tiou = np.array([0.3, 0.5])
    found = video_interval(truth, first, second, 3, tiou, resamples=50)
    assert found.videos == 12
    expected = evaluate(truth, second, 3, tiou).average_map - evaluate(truth, first, 3, tiou).average_map
    assert found.difference == pytest.approx(expected)
    assert found.low < found.difference < found.high
    assert found == video_interval(truth, first, second, 3, tiou, resamples=50)


def test_a_video_drawn_twice_counts_like_two_copies() -> None:
    rng = np.random.default_rng(2)
    truth, model = random_segments(rng, 20, 4), random_segments(rng, 40, 4)
    names = np.unique(truth.video.astype(str))
    weights = np.array([[2.0, 1.0, 0.0, 1.0]])
    of_instance = np.searchsorted(names, truth.video.astype(str))
    instances = np.stack([weights[:, of_instance[truth.label == c]].sum(axis=1) for c in range(3)])
    tiou = np.array([0.3])
    found = 100 * _weighted_map(truth, model, names, weights, instances, tiou)[0]

    def copied(segments: Segments) -> Segments:
        parts = []
        for name, count in zip(names, weights[0], strict=True):
            mine = segments[segments.video == name]
            for copy in range(int(count)):
                parts.append(
                    Segments.of([f"{name}-{copy}"] * len(mine), mine.start_s, mine.end_s, mine.label, mine.score)
                )
        return Segments.concatenate(parts)

    assert found == pytest.approx(evaluate(copied(truth), copied(model), 3, tiou).average_map, abs=0.5)


def test_a_model_against_itself_cannot_be_told_apart() -> None:
    rng = np.random.default_rng(3)
    truth, model = random_segments(rng, 30), random_segments(rng, 60)
    found = video_interval(truth, model, model, 3, np.array([0.5]), resamples=20)
    assert found == VideoInterval(0.0, 0.0, 0.0, len(set(truth.video) | set(model.video)))
    assert not found.distinguishable
