"""BaS-Net's detections against slow, obvious versions, and the quirks of its released code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainables.worlds import split_of
from trainables.base_models.basnet_detection import (
    detect,
    outer_inner_contrast,
    predicted_classes,
    proposals,
    suppress,
    upsampled,
)
from trainables.config.base_models import BasnetConfig


def slow_contrast(curve: list[float], group: list[int], flank: float = 0.25) -> float:
    """Position lists, as in the released code."""
    inner = float(np.mean([curve[i] for i in group]))
    start = max(0, int(group[0] - flank * len(group)))
    end = min(len(curve) - 1, int(group[-1] + flank * len(group)))
    outer = list(range(start, group[0])) + list(range(group[-1] + 1, end + 1))
    return inner - (float(np.mean([curve[i] for i in outer])) if outer else 0.0)


@given(st.lists(st.integers(0, 8), min_size=1, max_size=60))
def test_proposals_agree_with_lists_of_positions(values: list[int]) -> None:
    curve = np.array(values) / 8
    settings = BasnetConfig(thresholds=(0.0, 0.3, 0.6))
    expected = []
    for threshold in settings.thresholds:
        cut = [x if x >= threshold else 0.0 for x in curve.tolist()]
        group: list[int] = []
        for i, x in enumerate([*cut, 0.0]):
            if x > 0:
                group.append(i)
            elif group:
                expected.append((group[0], group[-1] + 1, slow_contrast(cut, group)))
                group = []
    found = proposals(curve, settings)
    assert list(zip(found.first.tolist(), found.end.tolist(), strict=True)) == [row[:2] for row in expected]
    np.testing.assert_allclose(found.score, [row[2] for row in expected], atol=1e-12)


def test_outer_inner_contrast_by_hand() -> None:
    curve = np.array([0.0, 0.2, 0.4, 1.0, 1.0, 1.0, 1.0, 0.2, 0.0])
    # [3, 7) is 4 long: one position on each side, 0.4 and 0.2.
    assert outer_inner_contrast(curve, np.array([3]), np.array([7]), 0.25)[0] == pytest.approx(1 - 0.3)
    whole = outer_inner_contrast(curve, np.array([0]), np.array([9]), 0.25)
    assert whole[0] == pytest.approx(curve.mean())  # no flank inside the curve


def slow_suppression(start: list[float], end: list[float], score: list[float], limit: float, added: float) -> list[int]:
    order = sorted(range(len(score)), key=lambda i: (score[i], i), reverse=True)
    kept: list[int] = []
    for i in order:
        overlaps = []
        for j in kept:
            shared = max(0.0, min(end[i], end[j]) - max(start[i], start[j]) + added)
            overlaps.append(shared / (end[i] - start[i] + added + end[j] - start[j] + added - shared))
        if all(overlap < limit for overlap in overlaps):
            kept.append(i)
    return kept


spans = st.lists(st.tuples(st.integers(0, 20), st.integers(1, 10), st.sampled_from([0.1, 0.5, 0.9])), max_size=25)


@given(spans, st.sampled_from([0.3, 0.5, 0.7]), st.sampled_from([0.0, 1.0]))
def test_suppression_agrees_with_the_slow_one(rows: list[tuple[int, int, float]], limit: float, added: float) -> None:
    start = np.array([row[0] for row in rows], dtype=float)
    end = start + np.array([row[1] for row in rows], dtype=float)
    score = np.array([row[2] for row in rows])
    expected = slow_suppression(start.tolist(), end.tolist(), score.tolist(), limit, added)
    assert suppress(start, end, score, limit, added).tolist() == expected


def test_one_added_second_suppresses_short_segments_that_hardly_overlap() -> None:
    start, end, score = np.array([0.0, 0.4]), np.array([0.5, 0.9]), np.array([0.9, 0.8])
    # 0.1 s shared of 0.9 s; with a second more, 1.1 of 1.9.
    assert suppress(start, end, score, 0.5).tolist() == [0, 1]
    assert suppress(start, end, score, 0.5, added_s=1.0).tolist() == [0]


def test_upsampling_interpolates_and_goes_on_beyond_the_last_value() -> None:
    np.testing.assert_allclose(upsampled(np.array([0.0, 1.0, 0.0], np.float32), 2), [0, 0.5, 1, 0.5, 0, -0.5])
    interpolate = pytest.importorskip("scipy.interpolate")
    curve = np.random.default_rng(0).random(30).astype(np.float32)
    line = interpolate.interp1d(np.arange(30), curve, fill_value="extrapolate")
    np.testing.assert_allclose(upsampled(curve, 24), line(np.arange(0, 30, 1 / 24)), atol=1e-6)


def test_a_detection_by_hand() -> None:
    """Positions 2 and 3 of 8 in a video of 16 snippets of half a second: a position is a second long."""
    curve = np.zeros((1, 8, 2), np.float32)
    curve[0, 2:4, 1] = 1.0
    split = split_of([16], snippet_s=0.5)
    settings = BasnetConfig(length=8, upsampling=1, thresholds=(0.1,))
    found = detect(curve, np.array([[0.1, 0.6]], np.float32), split, settings)
    assert (found.video.tolist(), found.label.tolist()) == (["v00"], [1])
    assert (found.start_s.tolist(), found.end_s.tolist()) == ([2.0], [4.0])
    assert found.score[0] == pytest.approx(1.0 + 0.2 * 0.6)
    binarised = detect(
        curve,
        np.array([[0.1, 0.6]], np.float32),
        split,
        BasnetConfig(length=8, upsampling=1, thresholds=(0.1,), video_score="binarised"),
    )
    assert binarised.score[0] == pytest.approx(1.2)


def test_proposals_of_several_thresholds_compete() -> None:
    curve = np.zeros((1, 8, 1), np.float32)
    curve[0, :, 0] = [0, 0.3, 1, 1, 1, 1, 0.3, 0]
    settings = BasnetConfig(length=8, upsampling=1, thresholds=(0.2, 0.5), max_overlap=0.6)
    found = detect(curve, np.array([[0.9]], np.float32), split_of([8], snippet_s=1.0), settings)
    # [2, 6) contrasts more than [1, 7), which it overlaps by 4 / 6.
    assert (found.start_s.tolist(), found.end_s.tolist()) == ([2.0], [6.0])


def test_the_released_check_forgets_class_0_alone_and_position_0_alone() -> None:
    released = BasnetConfig(released_empty_check=True)
    only_first, two = np.array([0.9, 0.1], np.float32), np.array([0.5, 0.4], np.float32)
    assert predicted_classes(only_first, BasnetConfig()).tolist() == [0]
    assert predicted_classes(only_first, released).tolist() == []
    assert predicted_classes(two, released).tolist() == [0, 1]
    at_start = np.array([0.2, 0.0, 0.0])
    assert len(proposals(at_start, BasnetConfig(thresholds=(0.1,))).first) == 1
    assert len(proposals(at_start, BasnetConfig(thresholds=(0.1,), released_empty_check=True)).first) == 0
