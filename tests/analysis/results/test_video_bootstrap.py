"""Intervals over test videos."""

import numpy as np
import pytest

from analysis.results.predictions import EvaluatedSplit
from analysis.results.video_bootstrap import VideoInterval, video_interval, weighted_map
from trainables.data.ground_truth import GroundTruth
from trainables.data.segments import Segments
from trainables.evaluation.mean_ap import evaluate
from trainables.evaluation.protocols import PROTOCOLS


def random_segments(rng: np.random.Generator, rows: int, videos: int = 12) -> Segments:
    start = rng.integers(0, 20, rows).astype(float)
    names = [f"v{v:02d}" for v in rng.integers(0, videos, rows)]
    return Segments.of(names, start, start + rng.integers(1, 8, rows), rng.integers(0, 3, rows), rng.random(rows))


def held_against(truth: Segments, protocol: str = "activitynet") -> EvaluatedSplit:
    return EvaluatedSplit(GroundTruth(truth, ("x", "y", "z"), {}), protocol, Segments.of(["v03"], [0.0], [6.0], [0]))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_difference_is_that_of_the_evaluation(protocol: str) -> None:
    rng = np.random.default_rng(1)
    truth, first, second = random_segments(rng, 30), random_segments(rng, 80), random_segments(rng, 80)
    tiou, test = np.array([0.3, 0.5]), held_against(truth, protocol)
    found = video_interval(test, first, second, tiou, resamples=50)
    assert found.videos == 12
    before, after = (
        evaluate(truth, model, 3, tiou, protocol=protocol, ambiguous=test.ambiguous).average_map
        for model in (first, second)
    )
    assert found.difference == pytest.approx(after - before)
    assert found.low < found.difference < found.high
    assert found == video_interval(test, first, second, tiou, resamples=50)


def test_a_class_without_a_detection_among_the_drawn_videos_makes_wtalcs_map_zero() -> None:
    truth = Segments.of(["a", "b"], [0, 0], [10, 10], [0, 1])
    model = Segments.of(["a"], [0], [10], [0], [0.5])
    weights = np.array([[1.0, 1.0], [2.0, 0.0]])
    found = weighted_map(held_against(truth, "wtalc"), model, np.array(["a", "b"]), weights, np.array([0.5]))
    assert found.tolist() == [0, 1]
    found = weighted_map(held_against(truth), model, np.array(["a", "b"]), weights, np.array([0.5]))
    assert found.tolist() == [0.5, 1]


def test_a_video_drawn_twice_counts_like_two_copies() -> None:
    rng = np.random.default_rng(2)
    truth, model = random_segments(rng, 20, 4), random_segments(rng, 40, 4)
    names = np.unique(truth.video.astype(str))
    weights = np.array([[2.0, 1.0, 0.0, 1.0]])
    tiou = np.array([0.3])
    found = 100 * weighted_map(held_against(truth), model, names, weights, tiou)[0]

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
    found = video_interval(held_against(truth), model, model, np.array([0.5]), resamples=20)
    assert found == VideoInterval(0.0, 0.0, 0.0, len(set(truth.video) | set(model.video)))
    assert not found.distinguishable
