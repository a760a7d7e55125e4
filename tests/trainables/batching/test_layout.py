from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainables.batching.layout import VideoLayout, softmax_per_video, sum_on_grid, sum_per_video


@given(st.lists(st.integers(1, 7), min_size=1, max_size=5), st.integers(0, 2**16))
def test_softmax_per_video_equals_a_loop_over_videos(lengths: list[int], seed: int) -> None:
    values = torch.randn(sum(lengths), generator=torch.Generator().manual_seed(seed)) * 30
    expected = torch.cat([part.softmax(dim=0) for part in values.split(lengths)])
    torch.testing.assert_close(softmax_per_video(values, VideoLayout.of(np.array(lengths))), expected)


@given(st.lists(st.integers(1, 7), min_size=1, max_size=5), st.integers(0, 2**16))
def test_both_sums_per_video_equal_a_loop_over_videos(lengths: list[int], seed: int) -> None:
    values = torch.randn((sum(lengths), 3), generator=torch.Generator().manual_seed(seed))
    layout = VideoLayout.of(np.array(lengths))
    expected = torch.stack([part.sum(dim=0) for part in values.split(lengths)])
    for found in (sum_per_video(values, layout), sum_on_grid(values, layout)):
        torch.testing.assert_close(found, expected)


def test_a_layout_says_the_video_and_the_place_of_each_snippet() -> None:
    layout = VideoLayout.of(np.array([2, 3]))
    assert layout.video_N.tolist() == [0, 0, 1, 1, 1]
    assert layout.time_N.tolist() == [0, 1, 0, 1, 2]
    assert (layout.num_videos, layout.longest) == (2, 3)
