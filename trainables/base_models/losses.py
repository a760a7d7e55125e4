"""Losses of RefineLoc, one function per formula (WACV 2021, sections 3.1 and 3.3; refineloc.md, section 2).

N: snippets of a batch, V: videos, C: classes; ``layout`` tells whose a snippet is. Every function returns one loss per
video, shape (V,); the batch loss is their mean.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from trainables.batching import VideoLayout, sum_per_video
from trainables.labels import FOREGROUND, HIDDEN

SMALLEST_PROBABILITY = 1e-30  # keeps the logarithm of an underflown float32 probability finite


def video_loss(
    cas: Tensor,
    weights_N: Tensor,
    target_VC: Tensor,
    layout: VideoLayout,
    form: Literal["log_inside", "log_outside"] = "log_inside",
) -> Tensor:
    """Cross entropy of the attention-pooled class distribution with the video's labels, shape (V,).

    cas: class logits (N, C). weights_N: temporal attention, sums to 1 per video. target_VC: rows sum to 1.
    ``log_outside``: -sum_c y_c log sum_t w_t softmax(cas)_tc, the paper's y-hat (section 3.1).
    ``log_inside``: -sum_t w_t sum_c y_c log softmax(cas)_tc, the released code, an upper bound by Jensen (D1).
    """
    if form == "log_inside":
        log_target_N = (cas.log_softmax(dim=1) * target_VC.index_select(0, layout.video_N)).sum(dim=1)
        return -sum_per_video(weights_N * log_target_N, layout)
    pooled_VC = sum_per_video(weights_N[:, None] * cas.softmax(dim=1), layout)
    return -(target_VC * pooled_VC.clamp_min(SMALLEST_PROBABILITY).log()).sum(dim=1)


def pseudo_label_loss(
    attention: Tensor,
    label_N: Tensor,
    layout: VideoLayout,
    background_share: float | Tensor | None = None,
    mean_over: Literal["sampled", "all_snippets"] = "sampled",
) -> Tensor:
    """Cross entropy of the foreground attention with pseudo labels (Eq. 4), shape (V,); 0 without labels.

    attention: logits (N, 2) or (N, 1). label_N: HIDDEN, BACKGROUND or FOREGROUND; hidden snippets do not count.
    background_share: phi, share of pseudo background over the split before sampling, one or (N,); None: unweighted.
    Weighted, as released (D14): two-value, background 1 - phi and foreground phi, divided by the sum of weights;
    scalar, foreground sqrt(phi), divided by the number of snippets.
    mean_over: the snippets with a label (released), or all T of the video (paper's 1/T; D15).
    """
    logit_N = attention[:, 1] - attention[:, 0] if attention.shape[1] == 2 else attention[:, 0]
    sampled_N = label_N != HIDDEN
    foreground_N = label_N == FOREGROUND
    loss_N = functional.binary_cross_entropy_with_logits(logit_N, foreground_N.to(logit_N.dtype), reduction="none")
    count_N = sampled_N.to(logit_N.dtype)
    if background_share is not None and attention.shape[1] == 2:
        weight_N = torch.where(foreground_N, background_share, 1 - background_share) * count_N
        loss_N, count_N = loss_N * weight_N, weight_N
    elif background_share is not None:
        # BCE's pos_weight: it scales the foreground term but does not enter the divisor.
        loss_N = loss_N * torch.where(foreground_N, background_share**0.5, torch.ones_like(loss_N))
    loss_V = sum_per_video(loss_N.masked_fill(~sampled_N, 0.0), layout)
    divisor_N = count_N if mean_over == "sampled" else torch.ones_like(count_N)
    divisor_V = sum_per_video(divisor_N, layout)
    # A video without labels (or whose labels all weigh nothing) has loss 0, not 0 / 0.
    return (loss_V / divisor_V.clamp_min(torch.finfo(loss_V.dtype).tiny)).masked_fill(divisor_V <= 0, 0.0)
