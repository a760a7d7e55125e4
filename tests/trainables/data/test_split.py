"""Flat splits: truth per snippet, subsets without copies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.data.segments import Segments
from trainables.data.split import Split, Video


def split_of(lengths: list[int], truth: Segments, fps: float = 25.0, frames: int = 16) -> Split:
    videos = tuple(
        Video(f"v{v}", (0,), frames / fps, length, snippet_frames=frames) for v, length in enumerate(lengths)
    )
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    return Split("train", videos, np.zeros((sum(lengths), 2), np.float32), starts, truth)


instances = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 400), st.integers(0, 400)).map(
        lambda row: (row[0], min(row[1:]) / 10, max(row[1:]) / 10)
    ),
    max_size=8,
)


@given(
    instances,
    st.lists(st.integers(0, 40), min_size=3, max_size=3),
    st.sampled_from([(25.0, 16), (30.0, 15), (29.97, 15), (24.0, 15), (25.0, 15)]),
)
def test_truth_is_that_of_a_loop_over_instances(
    rows: list[tuple[int, float, float]], lengths: list[int], grid: tuple[float, int]
) -> None:
    fps, frames = grid
    truth = Segments.of([f"v{v}" for v, _, _ in rows], [s for _, s, _ in rows], [e for *_, e in rows], [0] * len(rows))
    expected = [np.zeros(length, dtype=bool) for length in lengths]
    for v, start, end in rows:
        expected[v][round(start * fps / frames) : round(end * fps / frames)] = True
    np.testing.assert_array_equal(split_of(lengths, truth, fps, frames).snippet_truth, np.concatenate(expected))


def test_a_subset_shares_the_features() -> None:
    truth = Segments.of(["v0", "v2", "v2"], [0, 0, 1], [1, 1, 2], [0, 0, 0])
    split = split_of([3, 4, 5], truth)
    part = split.subset([2, 1], "held_out")
    assert part.name == "held_out"
    assert part.features is split.features
    assert part.starts.tolist() == [7, 3]
    assert part.offsets.tolist() == [0, 5, 9]
    assert part.names.tolist() == ["v2", "v1"]
    assert part.ground_truth.video.tolist() == ["v2", "v2"]


def test_videos_must_fit_their_features() -> None:
    split = split_of([3], Segments.empty())
    with pytest.raises(ValueError, match="videos need 4 rows, features have 3"):
        Split("train", (Video("a", (0,), 1.0, 4),), split.features, np.array([0]), Segments.empty())


def test_a_shift_moves_truth_and_times_alike() -> None:
    """A segment over whole snippets comes back from its mask where it was."""
    videos = (Video("v0", (0,), 4 / 30, 20, snippet_frames=4, shift_frames=6.0),)
    bounds = (6 + 4 * np.array([3, 8])) / 30
    truth = Segments.of(["v0"], bounds[:1], bounds[1:], [0])
    split = Split("train", videos, np.zeros((20, 2), np.float32), np.zeros(1, np.int64), truth)
    assert np.flatnonzero(split.snippet_truth).tolist() == [3, 4, 5, 6, 7]
    found = split.segments_of(split.snippet_truth)
    np.testing.assert_allclose([found.start_s[0], found.end_s[0]], bounds)


def test_a_first_snippet_never_begins_before_the_video() -> None:
    """Windows shorter than their stride: snippet 0 would begin 0.2 s before frame 0."""
    videos = (Video("v0", (0,), 16 / 30, 4, snippet_frames=16, shift_frames=-6.0),)
    split = Split("train", videos, np.zeros((4, 2), np.float32), np.zeros(1, np.int64), Segments.empty())
    np.testing.assert_allclose(split.seconds(np.zeros(2, np.int64), np.array([0, 1])), [0, 10 / 30])


def test_a_mask_becomes_one_segment_per_run_and_video() -> None:
    videos = (Video("a", (0,), 0.5, 4), Video("b", (1,), 2.0, 3))
    split = Split("test", videos, np.zeros((7, 2), np.float32), np.array([0, 4]), Segments.empty())
    found = split.segments_of(np.array([1, 0, 1, 1, 1, 1, 0], dtype=bool))
    assert found.video.tolist() == ["a", "a", "b"]
    assert found.start_s.tolist() == [0.0, 1.0, 0.0]
    assert found.end_s.tolist() == [0.5, 2.0, 4.0]
    assert len(split.segments_of(np.zeros(7, dtype=bool))) == 0
