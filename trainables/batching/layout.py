"""To which video each snippet of a batch belongs, and sums over the snippets of a video.

N: snippets of all videos of a batch, V: videos. Videos lie one after another: no feature is padded and no loop runs
over videos.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


class VideoLayout(NamedTuple):
    """Where the N snippets of V videos belong.

    video_N: index of each snippet's video. time_N: its place within the video. longest: most snippets of a video,
    known on the host, without a synchronisation.
    """

    video_N: Tensor
    time_N: Tensor
    num_videos: int
    longest: int

    @classmethod
    def of(cls, lengths: npt.NDArray[np.int64], device: torch.device | str = "cpu") -> VideoLayout:
        """Videos of these lengths, one after another."""
        first_V = np.cumsum(lengths) - lengths
        video_N = np.repeat(np.arange(len(lengths)), lengths)
        time_N = np.arange(int(lengths.sum())) - first_V[video_N]
        longest = int(lengths.max()) if len(lengths) else 0
        video, time = (torch.from_numpy(index).to(device) for index in (video_N, time_N))
        return cls(video, time, len(lengths), longest)


def softmax_per_video(values_N: Tensor, layout: VideoLayout) -> Tensor:
    """Softmax within each video, shape (N,).

    Laid out as a (longest, V) grid, one number per snippet: torch's own softmax then sums over time in the order
    of the reference implementation, bit for bit. That matters: the video loss is invariant to a constant added to a
    video's logits, so the exact gradient of the scalar head's bias at iteration 0 is zero, and Adam turns the
    rounding that is left of it into steps of the size of the learning rate.
    """
    place_N = _places(layout)
    grid = values_N.new_full((layout.longest * layout.num_videos,), -torch.inf).index_copy(0, place_N, values_N)
    return grid.view(layout.longest, -1).softmax(dim=0).view(-1).index_select(0, place_N)


def sum_per_video(values: Tensor, layout: VideoLayout) -> Tensor:
    """Sum of the rows of each video: (N, ...) -> (V, ...)."""
    if values.is_cuda:
        return sum_on_grid(values, layout)  # index_add is not deterministic on CUDA
    # On the CPU index_add adds in the order of the snippets, and needs no grid as large as the longest video asks.
    zeros = torch.zeros((layout.num_videos, *values.shape[1:]), dtype=values.dtype, device=values.device)
    return zeros.index_add(0, layout.video_N, values)


def sum_on_grid(values: Tensor, layout: VideoLayout) -> Tensor:
    """The same result by a (longest, V) grid that is summed over time: deterministic on every device."""
    grid = values.new_zeros((layout.longest * layout.num_videos, *values.shape[1:]))
    grid = grid.index_copy(0, _places(layout), values)
    return grid.view(layout.longest, layout.num_videos, *values.shape[1:]).sum(dim=0)


def _places(layout: VideoLayout) -> Tensor:
    """Where each snippet lies on a (longest, V) grid that is laid out flat, shape (N,)."""
    return layout.time_N * layout.num_videos + layout.video_N
