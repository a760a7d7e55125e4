"""Segments of all pairs at once, against a prediction for each pair."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from tests.trainables.worlds import random_scores
from trainables.config.run import SegmentConfig
from trainables.labels.prediction import SnippetRuns, predict_runs
from trainables.labels.scores import SnippetScores
from trainables.labels.threshold_grid import ThresholdGrid, predict_pairs
from trainables.report import Pair

TENTHS = tuple(step / 10 for step in range(10))
GRID = ThresholdGrid(TENTHS, TENTHS)  # two words of bits
COLUMNS = ("video", "first", "end", "label", "score")


def rows(runs: SnippetRuns) -> list[list[float]]:
    return [getattr(runs, name).tolist() for name in COLUMNS]


def check(scores: SnippetScores, config: SegmentConfig, grid: ThresholdGrid = GRID) -> None:
    found = predict_pairs(scores, config, grid)
    for number, pair in enumerate(grid.pairs):
        alone = predict_runs(scores, config.model_copy(update=vars(pair)))
        assert rows(found.runs[np.sort(found.row[found.pair == number])]) == rows(alone), pair
    distinct = list(zip(*(getattr(found.runs, name).tolist() for name in COLUMNS), strict=True))
    assert len(found.runs.video) == len(np.unique(found.row))
    assert len(set(zip(found.row.tolist(), found.pair.tolist(), strict=True))) == len(found.row)
    assert len(set(distinct)) == len(distinct) or config.inflation  # the border of a video may make two runs one


def coarse(scores: SnippetScores) -> SnippetScores:
    """Scores in tenths, so that many lie on a threshold and many segments have equal scores."""
    columns = {name: np.round(value, 1) for name, value in vars(scores).items() if name != "offsets"}
    return SnippetScores(**columns, offsets=scores.offsets)


def with_an_empty_video(scores: SnippetScores) -> SnippetScores:
    """As one whose features are missing, in second place."""
    pooled = np.insert(scores.video_score, 1, 0.5, axis=0)
    return replace(
        scores, video_score=pooled, mean_score=pooled, offsets=np.insert(scores.offsets, 1, scores.offsets[1])
    )


@pytest.mark.parametrize("thresholding", ["keep_above", "drop_below"])
@pytest.mark.parametrize(("dilation", "bridge"), [(0, 0), (1, 0), (2, 0), (0, 1), (1, 3)])
def test_each_pair_has_the_segments_of_its_own_prediction(thresholding: str, dilation: int, bridge: int) -> None:
    rng = np.random.default_rng(dilation + 10 * bridge)
    for seed, (inflation, least) in enumerate(product((0, 2), (1, 3))):
        scores = with_an_empty_video(random_scores([17, 1, 30, 2], classes=4, rng=rng))
        config = SegmentConfig(
            thresholding=thresholding,  # type: ignore[arg-type]
            dilation=dilation,
            bridge=bridge,
            inflation=inflation,
            min_snippets=least,
            top_k=1 + seed,
            score_attention="temporal" if seed % 2 else "foreground",
            score_video=bool(seed % 2),
        )
        check(scores, config)
        check(coarse(scores), config)


def test_a_long_segment_that_ends_with_the_last_snippet_of_all_is_scored_as_alone() -> None:
    check(random_scores([300, 400], classes=2, rng=np.random.default_rng(0)), SegmentConfig(bridge=5, dilation=3))


def test_nothing_passes_and_nothing_is_there() -> None:
    scores = random_scores([5, 9], classes=3, rng=np.random.default_rng(0))
    nothing = predict_pairs(scores, SegmentConfig(), ThresholdGrid((1.0,), (1.0,)))
    assert len(nothing.row) == len(nothing.runs.video) == 0
    check(random_scores([], classes=3, rng=np.random.default_rng(0)), SegmentConfig())


def test_one_run_of_many_pairs_is_one_row() -> None:
    scores = random_scores([6], classes=1, rng=np.random.default_rng(0))  # of one class: its probability is 1
    found = predict_pairs(scores, SegmentConfig(top_k=1), ThresholdGrid((0.0,), TENTHS))
    assert len(found.runs.video) == 1
    assert found.pair.tolist() == list(range(10))


def test_pairs_are_numbered_by_alpha_a_then_alpha_c() -> None:
    assert ThresholdGrid((0.1, 0.5), (0.2, 0.3)).pairs == [
        Pair(0.1, 0.2),
        Pair(0.1, 0.3),
        Pair(0.5, 0.2),
        Pair(0.5, 0.3),
    ]


@pytest.mark.parametrize("values", [(), (0.2, 0.1), (0.1, 0.1), tuple(step / 300 for step in range(256))])
def test_values_that_cannot_be_counted_are_refused(values: tuple[float, ...]) -> None:
    for grid in ((values, (0.5,)), ((0.5,), values)):
        with pytest.raises(ValueError, match="from 1 to 255 ascending values"):
            ThresholdGrid(*grid)


def test_as_many_values_as_can_be_counted_give_the_segments_of_each() -> None:
    values = tuple(step / 255 for step in range(255))
    check(random_scores([20], classes=2, rng=np.random.default_rng(0)), SegmentConfig(), ThresholdGrid(values, (0.2,)))
