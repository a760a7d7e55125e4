"""mAP of many subsets of one table of predictions, against an evaluation of each subset."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trainables.data.segments import Segments
from trainables.evaluation.mean_ap import evaluate, tiou_thresholds
from trainables.evaluation.protocols import PROTOCOLS
from trainables.evaluation.subsets import Subsets, maps_of_subsets

CLASSES = 3
TIOU = (tiou_thresholds("0.5"), tiou_thresholds("0.3:0.2:0.7"), tiou_thresholds("0.5:0.05:0.95"))


def table(rng: np.random.Generator, rows: int, videos: int, scores: int | None) -> Segments:
    """Times in snippets; scores: how many different ones there are, None: all differ."""
    start = rng.integers(0, 30, rows) * 0.64
    names = np.array([f"v{number}" for number in rng.integers(0, videos, rows)], dtype=object)
    score = rng.random(rows) if scores is None else rng.integers(0, scores, rows) / 4
    length = rng.integers(1, 12, rows) * 0.64
    return Segments.of(names, start, start + length, rng.integers(-1, CLASSES + 1, rows), score)


@settings(max_examples=150, deadline=None)
@example(179, "thumos14", TIOU[2], True)
@given(st.integers(0, 10**9), st.sampled_from(sorted(PROTOCOLS)), st.sampled_from(TIOU), st.booleans())
def test_every_subset_has_the_map_of_its_own_evaluation_to_the_last_digit(
    seed: int, protocol: str, tiou: np.ndarray, ties: bool
) -> None:
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(1, 300))
    found = table(rng, rows, 6, 5 if ties else None)
    truth = table(rng, int(rng.integers(1, 60)), 5, 1)
    truth = truth[(truth.label >= 0) & (truth.label < CLASSES)]
    if not len(truth):
        return
    ambiguous = table(rng, int(rng.integers(0, 4)), 5, 1)
    number = int(rng.integers(1, 9))
    has = rng.random((number, rows)) < rng.random((number, 1))
    subset, row = np.nonzero(has)
    shuffled = rng.permutation(len(row))
    at = tiou[: int(rng.integers(1, len(tiou) + 1))]
    maps = maps_of_subsets(
        truth, found, Subsets(row[shuffled], subset[shuffled], number), CLASSES, tiou, at, protocol, ambiguous
    )
    for one in range(number):
        alone = evaluate(truth, found[has[one]], CLASSES, tiou, protocol=protocol, ambiguous=ambiguous)
        assert maps[one].tolist() == alone.map[: len(at)].tolist()
        assert maps.mean(axis=1)[one] == alone.map_at(at.tolist())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_many_hits_of_one_class_are_summed_as_in_its_own_evaluation(protocol: str) -> None:
    """Sums of eight and more round otherwise in pairs than in a row."""
    start = np.arange(200) * 6.4
    truth = Segments.of(np.array(["v"] * 200, object), start, start + 3.2, np.zeros(200, int))
    score = np.random.default_rng(0).random(200)
    found = Segments.of(truth.video, start, start + np.where(score < 0.2, 0.64, 3.2), truth.label, score)
    for tiou in TIOU:
        (one, all_of_them) = maps_of_subsets(
            truth, found, Subsets(np.r_[:100, :200], np.repeat([0, 1], [100, 200]), 2), 1, tiou, tiou, protocol
        )
        assert one.tolist() == evaluate(truth, found[:100], 1, tiou, protocol=protocol).map.tolist()
        assert all_of_them.tolist() == evaluate(truth, found, 1, tiou, protocol=protocol).map.tolist()


def test_a_subset_without_predictions_has_no_map_and_no_instance_is_an_error() -> None:
    rng = np.random.default_rng(0)
    truth, found = Segments.of(["v0"], [0], [2], [0]), table(rng, 9, 2, None)
    empty = np.empty(0, dtype=np.int64)
    assert maps_of_subsets(truth, found, Subsets(empty, empty, 3), CLASSES, [0.5], [0.5]).tolist() == [[0.0]] * 3
    with pytest.raises(ValueError, match="nothing to evaluate"):
        maps_of_subsets(truth[:0], found, Subsets(empty, empty, 3), CLASSES, [0.5], [0.5])
