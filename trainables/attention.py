"""Attention of RefineLoc (WACV 2021, section 3.1), for snippets of several videos laid one after another.

N: snippets of all videos of a batch, V: videos, C: classes. A video is told by ``video_N``, the index of each
snippet's video, so that nothing is padded and no loop runs over videos. "Two-value" attention has shape (N, 2),
index 0 = background, 1 = foreground; "scalar" attention has shape (N, 1).
"""

from __future__ import annotations

import torch
from torch import Tensor


def foreground_probability(attention: Tensor) -> Tensor:
    """Probability that a snippet is foreground, shape (N,).

    Two-value: softmax over background and foreground (Eq. 1). Scalar: sigmoid (supplement B).
    """
    if attention.shape[1] == 2:
        return torch.sigmoid(attention[:, 1] - attention[:, 0])
    return torch.sigmoid(attention[:, 0])


def temporal_weights(attention: Tensor, video_N: Tensor, num_videos: int) -> Tensor:
    """Softmax over the time of each video (Eq. 2), shape (N,); sums to 1 in every video.

    Two-value: of the foreground *probability*, so that weights differ by a factor of e at most. Scalar: of the
    logit, which can be sharp (both as released; D3).
    """
    values = foreground_probability(attention) if attention.shape[1] == 2 else attention[:, 0]
    return softmax_per_video(values, video_N, num_videos)


def softmax_per_video(values_N: Tensor, video_N: Tensor, num_videos: int) -> Tensor:
    """Softmax within each video, shape (N,)."""
    floor = torch.full((num_videos,), -torch.inf, dtype=values_N.dtype, device=values_N.device)
    peak = floor.scatter_reduce(0, video_N, values_N.detach(), "amax")
    exponential = torch.exp(values_N - peak[video_N])
    return exponential / sum_per_video(exponential, video_N, num_videos)[video_N]


def sum_per_video(values: Tensor, video_N: Tensor, num_videos: int) -> Tensor:
    """Sum of the rows of each video: (N, ...) -> (V, ...)."""
    zeros = torch.zeros((num_videos, *values.shape[1:]), dtype=values.dtype, device=values.device)
    return zeros.index_add(0, video_N, values)
