"""BaS-Net as a base model (Lee, Uh, Byun, AAAI 2020; Pilhyeon/BaSNet-pytorch; basnet.md).

Every video is sampled at the same number of positions. Two branches share a convolutional classifier with a
background class; before one of them a filtering module, the foreground attention, suppresses the background. The
pseudo-label loss supervises that attention (basnet.md, section 6).

B: videos of a batch, V: of a split, L: positions of a video, T: its snippets, C: classes without background.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.base_model_config import BasnetConfig
from trainables.base_models.basnet_detection import detect
from trainables.base_models.contract import BaseModel, Losses, register
from trainables.base_models.layers import SeededDropout, draw_default_weights
from trainables.batches import CHUNK_SNIPPETS, Batch, SplitTensors
from trainables.config import PseudoLabelConfig, RunConfig
from trainables.datasets.contract import Split
from trainables.losses import pseudo_label_loss
from trainables.scores import SMALLEST_SCORE, SnippetScores
from trainables.segments import Segments

Indices = npt.NDArray[np.int64]


class BasnetOutputs(NamedTuple):
    """base, suppressed: class activations (B, L, C + 1), last the background. attention: logits (B L, 1)."""

    base: Tensor
    suppressed: Tensor
    attention: Tensor


@dataclass(frozen=True, eq=False)
class BasnetScores(SnippetScores):
    """curve: normalised activation of the suppression branch (V, L, C). probability: of the classes (V, C)."""

    curve: npt.NDArray[np.float32]
    probability: npt.NDArray[np.float32]


@register("basnet")
class BasNet(BaseModel):
    """Filtering module (two 1x1 convolutions) and classifier (two of width 3, dropout, one 1x1 without bias)."""

    def __init__(self, config: RunConfig, dimensions: int, num_classes: int, rng: torch.Generator) -> None:
        super().__init__(config, dimensions, num_classes, rng)
        settings = self.settings = config.model.basnet or BasnetConfig()
        self.filtering = nn.Sequential(
            nn.Conv1d(dimensions, settings.attention_hidden, 1),
            nn.LeakyReLU(),
            nn.Conv1d(settings.attention_hidden, 1, 1),
        )
        self.classifier = nn.Sequential(
            nn.Conv1d(dimensions, settings.hidden, 3, padding=1),
            nn.LeakyReLU(),
            nn.Conv1d(settings.hidden, settings.hidden, 3, padding=1),
            nn.LeakyReLU(),
            SeededDropout(settings.dropout, rng),
            nn.Conv1d(settings.hidden, num_classes + 1, 1, bias=False),
        )
        draw_default_weights(self, rng)

    def forward(self, features: Tensor) -> BasnetOutputs:
        x, attention = self._filter(features)
        base, suppressed = (self.classifier(branch).transpose(1, 2).float() for branch in (x, attention.sigmoid() * x))
        return BasnetOutputs(base, suppressed, attention.reshape(-1, 1).float())

    def _filter(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, D, L) and foreground logits (B, 1, L) of flat features (B L, D)."""
        x = features.reshape(-1, self.settings.length, features.shape[1]).transpose(1, 2)
        return x, self.filtering(x)

    def losses(self, outputs: BasnetOutputs, batch: Batch) -> Losses:
        has_class = (batch.target_VC > 0).to(outputs.base.dtype)
        base, suppressed = (
            branch_loss(class_scores(activation, self.settings.pool), has_class, background)
            for activation, background in ((outputs.base, 1.0), (outputs.suppressed, 0.0))
        )
        norm = outputs.attention.sigmoid().reshape(len(has_class), -1).sum(dim=1)
        sparsity = self.settings.sparsity if batch.label_N is None else self.settings.sparsity_refine
        video = base + suppressed + sparsity * norm
        if batch.label_N is None:
            return Losses(video, video, torch.zeros_like(video))
        weighted = self.run.loss.pseudo_weighting == "background_share"
        pseudo = pseudo_label_loss(
            # As logits of background and foreground, so that the weights balance both (basnet.md, section 6).
            functional.pad(outputs.attention, (1, 0)),
            batch.label_N,
            batch.layout,
            batch.background_share if weighted else None,
            self.run.loss.pseudo_mean,
        )
        return Losses(video + self.run.loss.beta * pseudo, video, pseudo)

    def training_batches(self, data: SplitTensors, rng: np.random.Generator) -> Iterator[Batch]:
        """Each batch: distinct videos at randomly perturbed positions. Batches are independent of each other, as
        the released iterator makes them from its second pass on (basnet.md, section 4)."""
        videos, size = len(data.split), self.run.training.batch_videos
        for _ in range(self.run.training.batches_per_epoch or -(-videos // size)):
            order = rng.permutation(videos)[:size]
            yield from self._batches(
                data, order, perturbed_positions(data.split.lengths[order], self.settings.length, rng)
            )

    def validation_batches(self, data: SplitTensors) -> Iterator[Batch]:
        order = np.arange(len(data.split))
        return self._batches(data, order, uniform_positions(data.split.lengths, self.settings.length))

    def _batches(self, data: SplitTensors, order: Indices, positions: Indices) -> Iterator[Batch]:
        lengths = np.full(len(order), self.settings.length)
        return data.batches_at(order, lengths, positions.ravel(), self.run.training.batch_videos)

    def scoring_features(self, data: SplitTensors) -> Iterator[Tensor]:
        positions = uniform_positions(data.split.lengths, self.settings.length)
        rows = torch.from_numpy(data.split.starts[:, None] + positions)
        for part in rows.split(max(1, CHUNK_SNIPPETS // self.settings.length)):
            yield data.features.index_select(0, part.reshape(-1).to(data.features.device))

    def readout(self, features: Tensor) -> tuple[Tensor, ...]:
        x, attention = self._filter(features)
        weights = attention.sigmoid()
        return self.classifier(weights * x).transpose(1, 2).float(), weights[:, 0].float()

    def scores(self, *readout: Tensor, split: Split) -> BasnetScores:
        """A class's probability is the normalised activation of the suppression branch, at the nearest position.

        It is 0 for a class that is not predicted; without any predicted class the likeliest one counts as
        predicted, for the pseudo labels' sake. Foreground: the weights of the filtering module.
        """
        activation, weight_VL = readout
        classes = activation.shape[2] - 1
        probability = class_scores(activation, self.settings.pool)[:, :classes]
        curve = normalised(activation[:, :, :classes])
        predicted = probability >= self.settings.min_video_score
        predicted |= ~predicted.any(dim=1, keepdim=True) & (probability == probability.amax(dim=1, keepdim=True))
        at = torch.from_numpy(nearest_positions(split.lengths, self.settings.length)).to(curve.device)
        video = torch.from_numpy(split.video_of_snippet).to(curve.device)
        foreground = weight_VL[video, at].clamp_min(SMALLEST_SCORE)
        total = torch.zeros(len(split), device=curve.device).index_add(0, video, foreground)
        return BasnetScores(
            class_probability=(curve[video, at].clamp(SMALLEST_SCORE, 1) * predicted[video]).cpu().numpy(),
            foreground=foreground.cpu().numpy(),
            temporal_weight=(foreground / total[video]).cpu().numpy(),
            video_score=probability.cpu().numpy(),
            mean_score=activation.mean(dim=1).softmax(dim=1)[:, :classes].cpu().numpy(),
            offsets=split.offsets,
            curve=curve.cpu().numpy(),
            probability=probability.cpu().numpy(),
        )

    def label(
        self, scores: SnippetScores, split: Split, config: PseudoLabelConfig, rng: np.random.Generator
    ) -> npt.NDArray[np.bool_]:
        """With ``label_source: proposals``, segment prediction marks the surest of BaS-Net's own detections."""
        if config.generator != "segment_prediction" or self.settings.label_source == "thresholds":
            return super().label(scores, split, config, rng)
        detections = self.predict(scores, split)
        if not len(detections):
            return np.zeros(split.num_snippets, dtype=bool)
        least = np.quantile(detections.score, self.settings.label_quantile)
        return split.truth_of(detections[detections.score >= least])

    def predict(self, scores: SnippetScores, split: Split) -> Segments:
        """BaS-Net's own detection (basnet.md, section 5)."""
        assert isinstance(scores, BasnetScores)
        return detect(scores.curve, scores.probability, split, self.settings)


def class_scores(activation: Tensor, pool: int) -> Tensor:
    """Softmax over classes and background of the mean of the L // pool largest activations, shape (B, C + 1)."""
    count = max(activation.shape[1] // pool, 1)
    return activation.topk(count, dim=1).values.mean(dim=1).softmax(dim=1)


def branch_loss(scores: Tensor, has_class: Tensor, background: float) -> Tensor:
    """Binary cross entropy of class scores (B, C + 1) with the labels and the background, normalised; shape (B,)."""
    target = functional.pad(has_class, (0, 1), value=background)
    target = target / target.sum(dim=1, keepdim=True)
    return functional.binary_cross_entropy(scores, target, reduction="none").mean(dim=1)


def normalised(activation: Tensor) -> Tensor:
    """(a - min) / (max - min) over the positions, of min and max not below 0; a range of 0 counts as 1.

    Values are below 0 where the minimum is (basnet.md, section 5).
    """
    low, high = (extreme.clamp_min(0) for extreme in activation.aminmax(dim=1, keepdim=True))
    width = high - low
    return (activation - low) / torch.where(width > 0, width, 1)


def uniform_positions(lengths: Indices, count: int) -> Indices:
    """Snippet floor(i T / L) for each position i, shape (V, L)."""
    return np.arange(count)[None] * lengths[:, None] // count


def perturbed_positions(lengths: Indices, count: int, rng: np.random.Generator) -> Indices:
    """A random snippet between each position's and the next one's (both included), shape (V, L).

    The last position goes up to the last snippet; a video of L snippets is taken as it is.
    """
    low = uniform_positions(lengths, count)
    high = np.concatenate([low[:, 1:], lengths[:, None] - 1], axis=1)
    high = np.where((lengths == count)[:, None], low, high)
    return low + np.floor(rng.random(low.shape) * (high - low + 1)).astype(np.int64)


def nearest_positions(lengths: Indices, count: int) -> Indices:
    """The position that shows each snippet, or is closest to it where videos are sub-sampled; shape (sum of T,)."""
    length = np.repeat(lengths, lengths)
    snippet = np.arange(len(length)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    first = -(-snippet * count // np.maximum(length, 1))  # the first position whose floor is the snippet
    closest = np.rint(snippet * count / np.maximum(length, 1)).astype(np.int64)
    return np.minimum(np.where(length <= count, first, closest), count - 1)
