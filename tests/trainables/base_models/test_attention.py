from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainables.batching.layout import VideoLayout, softmax_per_video, sum_on_grid, sum_per_video

layouts = st.lists(st.integers(1, 9), min_size=1, max_size=6)


@given(layouts, st.integers(0, 99), st.sampled_from([(), (3,)]))
def test_the_sum_on_a_grid_is_the_sum_of_each_videos_rows(
    lengths: list[int], seed: int, shape: tuple[int, ...]
) -> None:
    layout = VideoLayout.of(np.array(lengths))
    values = torch.randn(sum(lengths), *shape, generator=torch.Generator().manual_seed(seed), requires_grad=True)
    expected = torch.stack([part.sum(dim=0) for part in values.split(lengths)])
    for add in (sum_on_grid, sum_per_video):
        torch.testing.assert_close(add(values, layout), expected)
        (gradient,) = torch.autograd.grad((add(values, layout) ** 2).sum(), values)
        (right,) = torch.autograd.grad((expected**2).sum(), values, retain_graph=True)
        torch.testing.assert_close(gradient, right)


@given(layouts, st.integers(0, 99))
def test_the_softmax_is_that_of_each_video(lengths: list[int], seed: int) -> None:
    layout = VideoLayout.of(np.array(lengths))
    values = torch.randn(sum(lengths), generator=torch.Generator().manual_seed(seed))
    expected = torch.cat([part.softmax(dim=0) for part in values.split(lengths)])
    torch.testing.assert_close(softmax_per_video(values, layout), expected)
