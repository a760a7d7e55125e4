"""torchvision's video networks as backbones."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from trainables.videos.checkpoints import load_into, read_weights
from trainables.videos.contract import Backbone
from trainables.videos.frames import Preparation
from trainables.videos.torchvision_networks import TorchvisionNetwork, load_torchvision


class TorchvisionBackbone(Backbone):
    """A network of torchvision's, with its own transforms; features are what its last layer sees."""

    def __init__(self, network: TorchvisionNetwork, weights: tuple[Path, ...]) -> None:
        self.name, self.weights, self.dimensions = network.name, weights, network.dimensions
        self.preparation = Preparation("rgb", network.resize, network.crop, antialias=False)
        self.values = f"(x / 255 - {list(network.mean)}) / {list(network.std)}"
        self.least_frames = network.least_frames
        self.exact = (network.frames, network.crop) if network.frames else None
        self._mean, self._std = (torch.tensor(v).view(1, 3, 1, 1, 1) for v in (network.mean, network.std))
        state = read_weights(weights[0])
        self._body, self._head = load_torchvision(network.name, lambda module: load_into(module, state, weights[0]))
        self._precision = torch.float32

    def place(self, device: torch.device, precision: torch.dtype) -> None:
        self._precision = precision
        self._mean, self._std = self._mean.to(device), self._std.to(device)
        for module in (self._body, self._head):
            module.to(device, precision)

    def features(self, clips: Tensor) -> Tensor:
        return self._seen(clips).float()[:, None]

    def class_scores(self, clips: Tensor) -> Tensor:
        seen = self._seen(clips)
        scores = self._head(seen[..., None, None, None] if self.name == "s3d" else seen)
        return scores.flatten(1).float()

    def _seen(self, clips: Tensor) -> Tensor:
        values = (clips.to(self._mean.device).float() / 255 - self._mean) / self._std
        rows: Tensor = self._body(values.to(self._precision))
        return rows
