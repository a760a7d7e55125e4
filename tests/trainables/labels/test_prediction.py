"""Segments against the reference implementation and against a snippet-by-snippet loop."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trainables.worlds import random_scores, scores_of, split_of
from trainables.config.run import PseudoLabelConfig, SegmentConfig
from trainables.labels.generators import GENERATORS
from trainables.labels.prediction import group, predict_runs, predict_segments


def _reference_settings(parity: Path) -> tuple[list[dict], list[dict]]:
    described = json.loads((parity / "segments.json").read_text())
    return described["videos"], described["settings"]


def _config(setting: dict) -> SegmentConfig:
    return SegmentConfig(
        top_k=setting["top_k"],
        min_class_score=setting["min_class_score"],
        min_attention=setting["min_attention"],
        inflation=setting["padding"],
    )


def test_segments_equal_the_reference(parity: Path) -> None:
    videos, all_settings = _reference_settings(parity)
    inputs = np.load(parity / "segments_inputs.npz")
    expected = pd.read_csv(parity / "segments.csv")
    compared = 0
    for video in videos:
        i = video["video"]
        split = split_of([video["T"]], snippet_s=video["snippet_size"] / video["fps"])
        scores = scores_of(inputs[f"cas_{i}"], inputs[f"attention_{i}"], [video["T"]])
        for setting in all_settings:
            ours = predict_segments(scores, split, _config(setting))
            rows = expected[(expected["video"] == i) & (expected["setting"] == setting["setting"])]
            assert ours.label.tolist() == rows["label"].tolist()
            np.testing.assert_allclose(ours.start_s, rows["start_s"], atol=1e-6)
            np.testing.assert_allclose(ours.end_s, rows["end_s"], atol=1e-6)
            np.testing.assert_allclose(ours.score, rows["score"], rtol=1e-5)
            compared += len(rows)
    assert compared == len(expected) > 0


def test_pseudo_labels_equal_the_reference(parity: Path) -> None:
    videos, all_settings = _reference_settings(parity)
    inputs = np.load(parity / "segments_inputs.npz")
    rng = np.random.default_rng(0)
    for video in videos:
        i = video["video"]
        split = split_of([video["T"]], snippet_s=video["snippet_size"] / video["fps"])
        scores = scores_of(inputs[f"cas_{i}"], inputs[f"attention_{i}"], [video["T"]])
        for setting in all_settings:
            config = PseudoLabelConfig(segments=_config(setting))
            expected = inputs[f"pseudo_{i}_{setting['setting']}"] == 1
            for name in ["segment_prediction", *_equivalent_generators(setting)]:
                np.testing.assert_array_equal(GENERATORS[name](scores, split, config, rng), expected)


def _equivalent_generators(setting: dict) -> list[str]:
    """A threshold of 0 turns segment prediction into one of the two simpler generators (released code)."""
    simpler = {"attention": "min_class_score", "class_activation": "min_attention"}
    return [name for name, threshold in simpler.items() if setting[threshold] == 0]


def _slow_runs(kept: np.ndarray, dilation: int, bridge: int) -> np.ndarray:
    """One video, snippet by snippet."""
    filled = kept.copy()
    for t in range(len(kept)):
        before = [u for u in range(t) if kept[u]]
        after = [u for u in range(t + 1, len(kept)) if kept[u]]
        if before and after and after[0] - before[-1] - 1 <= bridge:
            filled[t] = True
    return np.array([filled[max(0, t - dilation) : t + dilation + 1].any() for t in range(len(kept))], dtype=bool)


@given(st.lists(st.lists(st.booleans(), max_size=9), min_size=1, max_size=5), st.integers(0, 2), st.integers(0, 2))
def test_grouping_equals_a_loop_and_never_crosses_videos(videos: list[list[bool]], dilation: int, bridge: int) -> None:
    masks = [np.array(video, dtype=bool) for video in videos]
    offsets = np.concatenate([[0], np.cumsum([len(mask) for mask in masks])])
    expected = np.concatenate([_slow_runs(mask, dilation, bridge) for mask in masks])
    ours = group(np.concatenate(masks), offsets[:-1], offsets[1:], dilation, bridge)
    np.testing.assert_array_equal(ours, expected)


@settings(max_examples=30)
@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=4),
    st.integers(0, 2**16),
    st.sampled_from([(1, 0), (0, 1), (0, 0)]),
    st.sampled_from(["keep_above", "drop_below"]),
    st.booleans(),
)
def test_many_videos_at_once_equal_one_by_one(
    lengths: list[int], seed: int, joining: tuple[int, int], thresholding: str, score_video: bool
) -> None:
    scores = random_scores(lengths, 4, np.random.default_rng(seed))
    config = SegmentConfig(
        top_k=3,
        min_class_score=0.2,
        min_attention=0.4,
        dilation=joining[0],
        bridge=joining[1],
        thresholding=thresholding,  # type: ignore[arg-type]
        score_attention="temporal" if score_video else "foreground",
        score_video=score_video,
    )
    together = predict_runs(scores, config)
    for v, (first, end) in enumerate(zip(scores.offsets[:-1], scores.offsets[1:], strict=True)):
        alone = predict_runs(
            type(scores)(
                scores.class_probability[first:end],
                scores.foreground[first:end],
                scores.temporal_weight[first:end],
                scores.video_score[v : v + 1],
                scores.mean_score[v : v + 1],
                np.array([0, end - first]),
            ),
            config,
        )
        rows = together.video == v
        for column in ("first", "end", "label"):
            np.testing.assert_array_equal(getattr(together, column)[rows], getattr(alone, column))
        np.testing.assert_allclose(together.score[rows], alone.score)


def test_one_snippet_becomes_seven_as_released_and_five_as_written() -> None:
    cas = np.full((20, 2), 0.0)
    attention = np.full((20, 1), -9.0)
    attention[10] = 9.0
    scores, split = scores_of(cas, attention, [20]), split_of([20], snippet_s=1.0)
    released = predict_segments(scores, split, SegmentConfig(top_k=1))
    written = predict_segments(scores, split, SegmentConfig(top_k=1, dilation=0, bridge=1, thresholding="drop_below"))
    assert (released.start_s.tolist(), released.end_s.tolist()) == ([7.0], [14.0])
    assert (written.start_s.tolist(), written.end_s.tolist()) == ([8.0], [13.0])


@pytest.mark.parametrize(("thresholding", "kept"), [("keep_above", 0), ("drop_below", 1)])
def test_a_score_on_the_threshold_is_dropped_as_released_and_kept_as_written(thresholding: str, kept: int) -> None:
    scores, split = scores_of(np.zeros((5, 2)), np.zeros((5, 1)), [5]), split_of([5])
    config = SegmentConfig(top_k=1, min_class_score=0.5, min_attention=0.5, thresholding=thresholding)  # type: ignore[arg-type]
    assert len(predict_segments(scores, split, config)) == kept


@pytest.mark.parametrize(("least", "kept"), [(1, [1, 2, 4]), (2, [2, 4]), (3, [4])])
def test_runs_shorter_than_min_snippets_are_no_segment(least: int, kept: list[int]) -> None:
    cas = np.zeros((11, 1))
    attention = np.full((11, 1), -9.0)
    attention[[1, 3, 4, 6, 7, 8, 9]] = 9.0
    config = SegmentConfig(top_k=1, dilation=0, inflation=0, min_snippets=least)
    runs = predict_runs(scores_of(cas, attention, [11]), config)
    assert (runs.end - runs.first).tolist() == kept
