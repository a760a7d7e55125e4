"""Attention of RefineLoc (WACV 2021, section 3.1), for snippets of several videos laid one after another.

N: snippets of all videos of a batch, V: videos, C: classes. A ``VideoLayout`` tells whose a snippet is, so that no
feature is padded and no loop runs over videos. "Two-value" attention has shape (N, 2), index 0 = background,
1 = foreground; "scalar" attention has shape (N, 1).
"""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.batching import VideoLayout, softmax_per_video


def foreground_probability(attention: Tensor) -> Tensor:
    """Probability that a snippet is foreground, shape (N,).

    Two-value: softmax over background and foreground (Eq. 1). Scalar: sigmoid (supplement B).
    """
    if attention.shape[1] == 2:
        # The softmax over two values is the sigmoid of their difference.
        return torch.sigmoid(attention[:, 1] - attention[:, 0])
    return torch.sigmoid(attention[:, 0])


def temporal_weights(attention: Tensor, layout: VideoLayout) -> Tensor:
    """Softmax over the time of each video (Eq. 2), shape (N,); sums to 1 in every video.

    Two-value: of the foreground *probability*, so that weights differ by a factor of e at most. Scalar: of the
    logit, which can be sharp (both as released; D3).
    """
    values = foreground_probability(attention) if attention.shape[1] == 2 else attention[:, 0]
    return softmax_per_video(values, layout)
