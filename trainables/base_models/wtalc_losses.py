"""Losses of W-TALC: multiple-instance learning, and the co-activity of videos that share a class (wtalc.md).

N: snippets, V: videos, C: classes, D: hidden width, P: videos that come in pairs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from trainables.batching import VideoLayout

SMALLEST_SQUARE = 1e-16  # of a feature's length: keeps the cosine of a zero vector finite


def mean_of_largest(cas: Tensor, layout: VideoLayout, count_V: npt.NDArray[np.int64]) -> Tensor:
    """Mean of the ``count_V`` largest logits of each class over a video's snippets, shape (V, C)."""
    grid = cas.new_full((layout.num_videos, layout.longest, cas.shape[1]), -torch.inf)
    grid = grid.index_put((layout.video_N, layout.time_N), cas)
    largest = grid.topk(int(count_V.max()), dim=1).values
    count = torch.from_numpy(count_V).to(cas.device)
    counted = torch.arange(largest.shape[1], device=cas.device)[None] < count[:, None]
    return torch.where(counted[:, :, None], largest, 0).sum(dim=1) / count[:, None]


def mil_loss(cas: Tensor, target_VC: Tensor, layout: VideoLayout, lengths: npt.NDArray[np.int64], pool: int) -> Tensor:
    """Cross entropy of the pooled logits, k = ceil(T / pool), with the video's labels; shape (V,)."""
    pooled = mean_of_largest(cas, layout, -(-lengths // pool))
    return -(target_VC * pooled.log_softmax(dim=1)).sum(dim=1)


class _ClassifyAndPool(torch.autograd.Function):
    """Logits of all snippets, and the features of the first videos pooled by the softmax of their own logits.

    Both read ``hidden``, and each is a product with few columns: written together, the gradient of ``hidden`` is
    written once, where autograd would add up several matrices of its size.
    """

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, lengths: list[int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        cas = torch.addmm(bias.to(hidden.dtype), hidden, weight.to(hidden.dtype).T).to(bias.dtype)
        used = sum(lengths)
        attention = torch.cat([logits.softmax(dim=0) for logits in cas[:used].split(lengths)]) if lengths else cas[:0]
        pooled = hidden.new_empty((len(lengths), *weight.shape), dtype=bias.dtype)
        total = hidden.new_empty((len(lengths), weight.shape[1]), dtype=bias.dtype)
        for v, (x, attended) in enumerate(
            zip(hidden[:used].split(lengths), attention.split(lengths), strict=True) if lengths else ()
        ):
            both = functional.pad(attended, (0, 1), value=1).to(x.dtype).T @ x
            pooled[v], total[v] = both[:-1], both[-1]
        ctx.save_for_backward(hidden, weight, attention)
        ctx.lengths = lengths
        return cas, pooled, total

    @staticmethod
    def backward(ctx: Any, of_cas: Tensor, of_pooled: Tensor, of_total: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        hidden, weight, attention = ctx.saved_tensors
        dtype, used = hidden.dtype, sum(ctx.lengths)
        of_cas, inward = of_cas.clone(), torch.empty_like(hidden)
        torch.mm(of_cas[used:].to(dtype), weight.to(dtype), out=inward[used:])
        first = 0
        for v, attended in enumerate(attention.split(ctx.lengths)):
            rows = slice(first, first + len(attended))
            of_attended = (hidden[rows] @ of_pooled[v].T.to(dtype)).to(attended.dtype)
            of_cas[rows] += attended * (of_attended - (attended * of_attended).sum(dim=0))
            # As one product: by the logits, by the pooled features, and by their sum over the video.
            left = torch.cat([of_cas[rows], attended, attended.new_ones(len(attended), 1)], dim=1)
            right = torch.cat([weight, of_pooled[v], of_total[v, None]])
            torch.mm(left.to(dtype), right.to(dtype), out=inward[rows])
            first = rows.stop
        of_weight = (of_cas.T.to(dtype) @ hidden).to(weight.dtype)
        return inward, of_weight, of_cas.sum(dim=0), None


def classify_and_pool(
    hidden: Tensor, weight: Tensor, bias: Tensor, lengths: list[int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (N, C), and of the first P videos, of these lengths, the features pooled by class and their sums.

    hidden: (N, D), in the compute type. weight: (C, D). Pooled, (P, C, D): sum over the video's snippets of features
    times the softmax of the class's logits. Sums: (P, D).
    """
    result: tuple[Tensor, Tensor, Tensor] = _ClassifyAndPool.apply(hidden, weight, bias, lengths)
    return result


def co_activity_loss(
    pooled: Tensor, total: Tensor, has_class: Tensor, lengths: npt.NDArray[np.int64], margin: float
) -> Tensor:
    """Two videos of a class are alike where it is, and unlike where it is not (W-TALC, section 3.4); a scalar.

    pooled, total: ``classify_and_pool`` of P / 2 pairs. has_class: (V, C), bool, of at least these P videos. Of each
    pair (a, b) and common class, with cosine distances d of the features pooled where the class is (H) and where it
    is not (L): 1/2 [max(0, d(Ha, Hb) - d(Ha, Lb) + margin) + max(0, d(Ha, Hb) - d(Hb, La) + margin)], mean over
    pairs and classes.
    """
    count = len(pooled)
    # The weights of the complement, 1 - softmax, sum to T - 1.
    others = torch.from_numpy(np.maximum(lengths[:count] - 1, 1)).to(pooled)
    low = (total[:, None] - pooled) / others[:, None, None]
    vectors = torch.stack([pooled[::2], pooled[1::2], low[::2], low[1::2]], dim=2)  # (P / 2, C, 4, D)
    products = vectors @ vectors.transpose(2, 3)
    norm = products.diagonal(dim1=2, dim2=3).clamp_min(SMALLEST_SQUARE).sqrt()
    distance = 1 - products / (norm[..., :, None] * norm[..., None, :])
    alike, high_low, low_high = distance[..., 0, 1], distance[..., 0, 3], distance[..., 1, 2]
    loss = (functional.relu(alike - high_low + margin) + functional.relu(alike - low_high + margin)) / 2
    common = (has_class[:count:2] & has_class[1:count:2]).to(loss)
    return (loss * common).sum() / common.sum().clamp_min(1)


def largest_logit(cas: Tensor, among_NC: Tensor) -> Tensor:
    """Largest logit of each snippet among some classes, shape (N,)."""
    return cas.masked_fill(~among_NC, -torch.inf).amax(dim=1)
