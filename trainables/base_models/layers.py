"""Weights and dropout from given random streams (no global seed)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def draw_default_weights(module: nn.Module, rng: torch.Generator) -> None:
    """PyTorch's default for linear layers and convolutions: uniform within 1 / sqrt(inputs), weights and biases."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Conv1d):
            bound = math.prod(layer.weight.shape[1:]) ** -0.5
            with torch.no_grad():
                layer.weight.uniform_(-bound, bound, generator=rng)
                if layer.bias is not None:
                    layer.bias.uniform_(-bound, bound, generator=rng)


def draw_xavier_weights(module: nn.Module, rng: torch.Generator) -> None:
    """Xavier-uniform weights of linear layers, biases 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            with torch.no_grad():
                nn.init.xavier_uniform_(layer.weight, generator=rng)
                layer.bias.zero_()


class RectifiedDropout(nn.Module):
    """(Leaky) ReLU, then dropout whose masks depend on ``rng`` alone; both in place, on the device of the input.

    A mask is 16 random bits per activation, a tenth of the time of as many Bernoulli draws: the share that is
    kept is a multiple of 1 / 65,536, and the kept activations are divided by just that share.
    """

    def __init__(self, share: float, rng: torch.Generator, slope: float = 0.0) -> None:
        super().__init__()
        self.slope, self.kept_of_65536 = slope, max(round((1 - share) * 65536), 1)
        self.seed = int(torch.randint(2**62, (), generator=rng))
        self._masks: torch.Generator | None = None

    def forward(self, values: Tensor) -> Tensor:
        """``values``, of any shape, are overwritten."""
        if not self.training or self.kept_of_65536 == 65536:
            return functional.leaky_relu(values, self.slope, inplace=True)
        return _RectifyAndDrop.apply(values, self._kept(values), self.slope, 65536 / self.kept_of_65536)

    def _kept(self, values: Tensor) -> Tensor:
        """1 where an activation is kept, else 0; shape of ``values``, 16-bit integers."""
        if self._masks is None or self._masks.device != values.device:
            self._masks = torch.Generator(values.device).manual_seed(self.seed)
        words = torch.empty(-(-values.numel() // 4), dtype=torch.int64, device=values.device)
        lanes = words.random_(-(2**63), None, generator=self._masks).view(torch.int16)[: values.numel()]
        lanes = lanes.view(values.shape)
        return torch.lt(lanes, self.kept_of_65536 - 32768, out=lanes)  # in place: its own type is the fast one


class _RectifyAndDrop(torch.autograd.Function):
    """Leaky ReLU, mask and scale in place. The gradient needs the output alone: 0 is what was dropped."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, kept: Tensor, slope: float, scale: float) -> Tensor:
        functional.leaky_relu(values, slope, inplace=True)
        if values.element_size() == kept.element_size():
            values.view(kept.dtype).mul_(kept)  # times 1 or 0 as bits: without a copy of the mask
        else:
            values.mul_(kept.to(values.dtype))
        values.mul_(scale)
        ctx.mark_dirty(values)
        ctx.save_for_backward(values)
        ctx.slope, ctx.scale = slope, scale
        return values

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        (output,) = ctx.saved_tensors
        inward = torch.ops.aten.leaky_relu_backward(gradient, output, ctx.slope, True)
        if ctx.slope:
            inward.mul_(torch.ne(output, 0, out=torch.empty_like(output)))  # of its own type: the fast one
        return inward.mul_(ctx.scale), None, None, None
