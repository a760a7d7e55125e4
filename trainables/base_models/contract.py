"""What refinement asks of a base model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from trainables.batches import Batch
from trainables.config import ConfigError, RunConfig, nearest
from trainables.scores import SnippetScores


class SnippetLogits(NamedTuple):
    """cas: class logits (N, C). attention: background and foreground logits (N, 2), or foreground (N, 1)."""

    cas: Tensor
    attention: Tensor


class Losses(NamedTuple):
    """Losses of each video of a batch, shape (V,); the total is what training descends."""

    total: Tensor
    video: Tensor
    pseudo: Tensor


class BaseModel(nn.Module, ABC):
    """A network over the snippets of whole videos, its losses, and how its output reads as scores."""

    @abstractmethod
    def __init__(self, config: RunConfig, dimensions: int, num_classes: int, rng: torch.Generator) -> None:
        """All initial weights are drawn from ``rng``, on the CPU."""
        super().__init__()

    @abstractmethod
    def forward(self, features: Tensor) -> SnippetLogits:
        """Logits of N snippets from their features (N, D)."""

    @abstractmethod
    def losses(self, logits: SnippetLogits, batch: Batch) -> Losses:
        """Video and pseudo-label loss of each video of the batch."""

    @abstractmethod
    def scores(self, logits: SnippetLogits, offsets: np.ndarray) -> SnippetScores:
        """Scores of a whole split from its logits."""


BASE_MODELS: dict[str, type[BaseModel]] = {}
ModelT = TypeVar("ModelT", bound=type[BaseModel])


def register(name: str) -> Callable[[ModelT], ModelT]:
    """Class decorator: make a base model available to ``model.name``."""

    def add(model: ModelT) -> ModelT:
        if name in BASE_MODELS:
            raise ValueError(f"base model {name} is registered twice")
        BASE_MODELS[name] = model
        return model

    return add


def build_base_model(config: RunConfig, dimensions: int, num_classes: int, rng: torch.Generator) -> BaseModel:
    """The configured base model with fresh weights, or ConfigError with the nearest known name."""
    if config.model.name not in BASE_MODELS:
        raise ConfigError(f"model.name: no base model '{config.model.name}'. {nearest(config.model.name, BASE_MODELS)}")
    return BASE_MODELS[config.model.name](config, dimensions, num_classes, rng)
