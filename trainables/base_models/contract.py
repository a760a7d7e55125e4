"""What refinement asks of a base model.

A base model says how its batches are drawn, what its network puts out, what it descends, how its output reads as
snippet scores (which the pseudo-label generators see) and how it detects. All but the network, the losses and the
scores has a default: whole videos in random order, the shared generators, and the segment prediction of RefineLoc.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from trainables.batching import Batch, SplitTensors, epoch_order
from trainables.config import PseudoLabelConfig, RunConfig
from trainables.data import Segments, Split
from trainables.errors import UserError, nearest
from trainables.labels import Mask, SnippetScores, background_share, generator_named, predict_segments


class Losses(NamedTuple):
    """Losses of each video of a batch, shape (V,); the mean of the total is what training descends."""

    total: Tensor
    video: Tensor
    pseudo: Tensor


class BaseModel(nn.Module, ABC):
    """A network over snippets, its batches and losses, and how its output reads as scores and segments."""

    # Whether Adam may be one fused kernel on the CPU too: a quarter of the time, rounded differently. RefineLoc's own
    # model follows recorded numbers and may not.
    fused_optimizer: ClassVar[bool] = True

    # Whether the readout of a video is the same, to the last bit, whatever videos are read with it. Where it has one
    # row per snippet instead, the readouts of chunks, one after another, are that of the split.
    reads_each_video_alone: ClassVar[bool] = False

    @abstractmethod
    def __init__(self, config: RunConfig, dimensions: int, num_classes: int, rng: torch.Generator) -> None:
        """All initial weights (and the seed of any dropout) are drawn from ``rng``, on the CPU."""
        super().__init__()
        self.run = config

    @abstractmethod
    def forward(self, features: Tensor) -> Any:
        """What ``losses`` needs to know of a batch's N snippets, from their features (N, D)."""

    @abstractmethod
    def losses(self, outputs: Any, batch: Batch) -> Losses:
        """Video and pseudo-label loss of each video of the batch; without labels (None) the latter is 0."""

    @abstractmethod
    def readout(self, features: Tensor) -> tuple[Tensor, ...]:
        """What ``scores`` needs to know of some whole videos, from ``scoring_features``."""

    @abstractmethod
    def scores(self, *readout: Tensor, split: Split) -> SnippetScores:
        """Scores of a whole split; ``readout``: its parts, concatenated along the first axis."""

    def training_batches(self, data: SplitTensors, rng: np.random.Generator) -> Iterator[Batch]:
        """The batches of one epoch."""
        return data.batches(rng.permutation(len(data.split)), self.run.training.batch_videos)

    def validation_batches(self, data: SplitTensors, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """All videos once, in the split's order or in one drawn from ``rng``."""
        return data.batches(epoch_order(len(data.split), rng), self.run.training.batch_videos)

    def scoring_features(self, data: SplitTensors) -> Iterator[Tensor]:
        """All videos in the split's order, a few at a time."""
        return data.chunks()

    def label(self, scores: SnippetScores, split: Split, config: PseudoLabelConfig, rng: np.random.Generator) -> Mask:
        """Whether each of the N snippets of a split is pseudo foreground, by the configured generator.

        Shape (N,), or (N, C) for a model that supervises each class by itself.
        """
        return generator_named(config.generator)(scores, split, config, rng)

    def background_share(self, foreground: Mask, split: Split) -> float:
        """phi of ``label``'s answer: the share of background that balances the pseudo-label loss."""
        return background_share(foreground)

    def predict(self, scores: SnippetScores, split: Split) -> Segments:
        """Detections in all videos of a split, seconds, from this model's ``scores``."""
        return predict_segments(scores, split, self.run.prediction)


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
    """The configured base model with fresh weights, or UserError with the nearest known name."""
    if config.model.name not in BASE_MODELS:
        raise UserError(f"model.name: no base model '{config.model.name}'. {nearest(config.model.name, BASE_MODELS)}")
    return BASE_MODELS[config.model.name](config, dimensions, num_classes, rng)
