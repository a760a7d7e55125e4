"""Convolutions of width 3 as matrix products: no transposed copy of the features, no unfolded one.

Curves of B videos with L positions and H channels are the rows of one matrix, a row of zeros before, between and
after the videos: (B (L + 1) + 1, H), a "spaced" matrix. The neighbours of a position then are the rows beside it,
and a convolution is three products with shifted views, whose surplus rows (one of each L + 1) are set to zero.

Both branches of BaS-Net share their first convolution, of the features x and of the weighted features m x. As m is
one number per position, W_k (m x) = m (W_k x): the products with x serve both, forward and backward, and the
gradient of m is a scalar product of what is already there. So a branch costs a third of what it would alone.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# Of each tap k: positions that read it, and positions that it is read from (x at t + k - 1 for the output at t).
_TAPS = ((slice(1, None), slice(None, -1)), (slice(None), slice(None)), (slice(None, -1), slice(1, None)))


def taps(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """Weights (H, D, 3) of a convolution as three matrices (3, H, D) of the compute type."""
    return weight.permute(2, 0, 1).to(dtype).contiguous()


def positions_of(spaced: Tensor, length: int) -> Tensor:
    """View of a spaced matrix (B (L + 1) + 1, H) without its rows of zeros: (B, L, H)."""
    return spaced[:-1].view(-1, length + 1, spaced.shape[1])[:, 1:]


def branches(products: Tensor, weights: Tensor, bias: Tensor, with_base: bool = True) -> Tensor:
    """A convolution of x (with_base) and of the weighted x, one after the other; a spaced matrix of 2 B or B videos.

    products: (B, L, 3, H), W_k x for each tap. weights: (B, L). bias: (H,).
    """
    result: Tensor = _Branches.apply(products, weights, bias, with_base)
    return result


def convolve(spaced: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolution of a spaced matrix with the taps ``weight`` (3, H', H) and ``bias`` (H',); spaced.

    The rows between the videos hold no zeros but what the products left there; their gradient must be zero.
    """
    result: Tensor = _Convolution.apply(spaced, weight, bias)
    return result


class _Branches(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, products: Tensor, weights: Tensor, bias: Tensor, with_base: bool) -> Tensor:
        videos, length, _, channels = products.shape
        spaced = products.new_empty(((1 + with_base) * videos * (length + 1) + 1, channels))
        spaced[:: length + 1] = 0
        branch = list(positions_of(spaced, length).split(videos))
        suppressed = branch[-1]
        weight = weights.to(products.dtype)[..., None]
        own_bias = bias.to(products.dtype)  # mixed types would cost ten times the addition
        torch.mul(products[:, :, 1], weight, out=suppressed)
        suppressed += own_bias
        if with_base:
            torch.add(products[:, :, 1], own_bias, out=branch[0])
        for k in (0, 2):
            to, of = _TAPS[k]
            suppressed[:, to].addcmul_(products[:, of, k], weight[:, of])
            if with_base:
                branch[0][:, to] += products[:, of, k]
        ctx.save_for_backward(products, weight)
        ctx.dtypes = weights.dtype, bias.dtype
        return spaced

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        products, weight = ctx.saved_tensors
        videos, length = products.shape[:2]
        at_positions = positions_of(gradient, length)
        suppressed = at_positions[-videos:]
        inward, of_weights = torch.empty_like(products), products.new_zeros((videos, length), dtype=ctx.dtypes[0])
        for k, (to, of) in enumerate(_TAPS):
            torch.mul(suppressed[:, to], weight[:, of], out=inward[:, of, k])
            if len(at_positions) > videos:
                inward[:, of, k] += at_positions[:videos, to]
            of_weights[:, of] += torch.linalg.vecdot(products[:, of, k], suppressed[:, to])
        inward[:, -1, 0], inward[:, 0, 2] = 0, 0  # taps that nothing reads
        return inward, of_weights, _sum_of_rows(at_positions).to(ctx.dtypes[1]), None


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, spaced: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        out = spaced.new_empty((len(spaced), weight.shape[1]))
        out[0], out[-1] = 0, 0
        inner, own_bias = out[1:-1], bias.to(spaced.dtype)
        if _is_wide(spaced):
            before, at, after = (spaced @ weight.flatten(0, 1).T).split(weight.shape[1], dim=1)
            torch.add(before[:-2], own_bias, out=inner).add_(at[1:-1]).add_(after[2:])
        else:
            torch.addmm(own_bias, spaced[:-2], weight[0].T, out=inner)
            inner.addmm_(spaced[1:-1], weight[1].T).addmm_(spaced[2:], weight[2].T)
        ctx.save_for_backward(spaced, weight)
        ctx.dtype = bias.dtype
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        spaced, weight = ctx.saved_tensors
        rows = (spaced[:-2], spaced[1:-1], spaced[2:])
        inner = gradient[1:-1]
        of_weight = torch.stack([inner.T @ row for row in rows])
        inward = torch.empty_like(spaced)
        inward[0], inward[-1] = 0, 0
        # The row t is read by tap k for the output at t + 1 - k; gradients of the rows between videos are zero.
        if _is_wide(spaced):
            after, at, before = (gradient @ torch.cat(weight.unbind(), dim=1)).split(spaced.shape[1], dim=1)
            torch.add(after[2:], at[1:-1], out=inward[1:-1]).add_(before[:-2])
        else:
            torch.mm(gradient[2:], weight[0], out=inward[1:-1])
            inward[1:-1].addmm_(gradient[1:-1], weight[1]).addmm_(gradient[:-2], weight[2])
        return inward, of_weight, inner.sum(dim=0).to(ctx.dtype)


def _is_wide(spaced: Tensor) -> bool:
    """Whether one product by all taps, then a sum of shifted views, is faster than a product for each tap.

    It is in bfloat16 on the CPU, by a quarter, and takes three times the memory of ``spaced`` for a moment.
    """
    return spaced.dtype == torch.bfloat16 and spaced.device.type == "cpu"


def _sum_of_rows(values: Tensor) -> Tensor:
    """Sum over videos and positions (B, L, H), each video first in bfloat16, whose sum over both is slow."""
    return values.sum(dim=1).sum(dim=0) if values.dtype == torch.bfloat16 else values.sum(dim=(0, 1))
