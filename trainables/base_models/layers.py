"""Weights and dropout from given random streams: no global seed."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


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


class SeededDropout(nn.Module):
    """Dropout whose masks depend on ``rng`` alone, drawn on the device of its input."""

    def __init__(self, share: float, rng: torch.Generator) -> None:
        super().__init__()
        self.share = share
        self.seed = int(torch.randint(2**62, (), generator=rng))
        self._masks: torch.Generator | None = None

    def forward(self, values: Tensor) -> Tensor:
        if not self.training or self.share == 0:
            return values
        if self._masks is None or self._masks.device != values.device:
            self._masks = torch.Generator(values.device).manual_seed(self.seed)
        kept = torch.empty_like(values).bernoulli_(1 - self.share, generator=self._masks)
        return values * kept / (1 - self.share)
