"""Several RefineLoc networks of one architecture as one wide network over the same snippets.

All of them read the same features, so their first layers are one matrix product, of which each network has its rows;
the later layers are one batched product each. To the losses, K networks on V videos are K V videos.

K: networks, N: snippets, D: feature dimensions, H: hidden units, C: outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.base_models import RefineLoc, SnippetLogits


class RefineLocStack:
    """Forward pass of K models. Their parameters become views of the stack's parameters, so both always hold the same
    values; ``share_gradients`` does the same for the gradients."""

    def __init__(self, models: Sequence[RefineLoc]) -> None:
        self.models = list(models)
        self._stacked: dict[str, Tensor] = {}
        self._own: dict[str, list[nn.Parameter]] = {}
        for name, _ in self.models[0].named_parameters():
            own = [model.get_parameter(name) for model in self.models]
            leaf = torch.stack([parameter.detach() for parameter in own]).requires_grad_()
            for parameter, view in zip(own, leaf.detach(), strict=True):
                # Only the memory changes: the model and its optimizer go on holding the same Parameter.
                parameter.data = view
            self._stacked[name], self._own[name] = leaf, own

    def forward(self, features: Tensor) -> SnippetLogits:
        """Logits of all models from features (N, D), model after model: (K N, C) and (K N, 1 or 2)."""
        first = self.models[0]
        if first.hidden is None:
            cas, attention = (self._wide(f"{name}.0", features) for name in ("class_layers", "attention_layers"))
        else:
            hidden = functional.relu(self._wide("hidden", features), inplace=True)
            cas, attention = hidden.split(first.hidden_widths, dim=2)
            cas = self._deep("class_layers", first.class_layers, cas)
            attention = self._deep("attention_layers", first.attention_layers, attention)
        return SnippetLogits(cas.flatten(0, 1).float(), attention.flatten(0, 1).float())

    def clear_gradients(self) -> None:
        for leaf in self._stacked.values():
            leaf.grad = None

    def share_gradients(self) -> None:
        """Each model's parameters get their part of the gradients of the last backward pass."""
        for name, leaf in self._stacked.items():
            assert leaf.grad is not None, "a backward pass comes first"
            for parameter, gradient in zip(self._own[name], leaf.grad, strict=True):
                parameter.grad = gradient

    def _wide(self, layer: str, features: Tensor) -> Tensor:
        """A layer that reads the features, of all models at once: (N, D) -> (K, N, H)."""
        weight, bias = self._stacked[f"{layer}.weight"], self._stacked[f"{layer}.bias"]
        wide = functional.linear(features, weight.flatten(0, 1), bias.flatten())
        return wide.unflatten(1, weight.shape[:2]).transpose(0, 1)

    def _deep(self, name: str, layers: nn.Sequential, values: Tensor) -> Tensor:
        """The layers behind the first one: (K, N, H) -> (K, N, C)."""
        for place, layer in enumerate(layers):
            if isinstance(layer, nn.ReLU):
                values = functional.relu(values, inplace=True)
            else:
                weight, bias = self._stacked[f"{name}.{place}.weight"], self._stacked[f"{name}.{place}.bias"]
                values = torch.baddbmm(bias[:, None], values, weight.transpose(1, 2))
        return values
