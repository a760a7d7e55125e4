"""BaS-Net as a base model (Lee, Uh, Byun, AAAI 2020; Pilhyeon/BaSNet-pytorch; basnet.md).

Every video is sampled at the same number of positions. Two branches share a convolutional classifier with a
background class; before one of them a filtering module, the foreground attention, suppresses the background. The
pseudo-label loss supervises that attention (basnet.md, section 6).

Quirks of the released code, all off by default: ``model.basnet.released_empty_check`` (class 0 alone, or position 0
alone, counts as none), ``released_nms_overlap`` (one second added to lengths and overlaps), ``video_score: binarised``
(so that it adds a constant), and ``training.choice: best_map`` with ``training.batches_per_epoch: 1`` (the step chosen
by a test after every one). Not kept: the first pass over the videos, whose batches alone are not independent.

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

from trainables.base_models.basnet_detection import detect
from trainables.base_models.contract import BaseModel, Losses, register
from trainables.base_models.convolution import branches, convolve, positions_of, taps
from trainables.base_models.layers import RectifiedDropout, draw_default_weights
from trainables.base_models.losses import pseudo_label_loss
from trainables.batching import CHUNK_SNIPPETS, Batch, SplitTensors, epoch_order
from trainables.config import BasnetConfig, PseudoLabelConfig, RunConfig
from trainables.data import Segments, Split
from trainables.labels import SMALLEST_SCORE, SnippetScores

Indices = npt.NDArray[np.int64]

LEAKY_SLOPE = 0.01


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
    """Filtering module (two 1x1 convolutions) and classifier (two of width 3, dropout, one 1x1 without bias).

    The layers hold the weights; products of matrices apply them (``convolution.py``).
    """

    reads_each_video_alone = True  # the same number of positions of each

    def __init__(self, config: RunConfig, dimensions: int, num_classes: int, rng: torch.Generator) -> None:
        super().__init__(config, dimensions, num_classes, rng)
        settings = self.settings = config.model.basnet or BasnetConfig()
        self.filtering = nn.Conv1d(dimensions, settings.attention_hidden, 1)
        self.attend = nn.Conv1d(settings.attention_hidden, 1, 1)
        self.dropout = RectifiedDropout(settings.dropout, rng, LEAKY_SLOPE)
        self.first = nn.Conv1d(dimensions, settings.hidden, 3, padding=1)
        self.second = nn.Conv1d(settings.hidden, settings.hidden, 3, padding=1)
        self.classify = nn.Conv1d(settings.hidden, num_classes + 1, 1, bias=False)
        draw_default_weights(self, rng)

    def forward(self, features: Tensor) -> BasnetOutputs:
        attention = self._filter(features)
        base, suppressed = self._classify(features, attention, self.settings.length, with_base=True).chunk(2)
        return BasnetOutputs(base, suppressed, attention.float())

    def _filter(self, features: Tensor) -> Tensor:
        """Foreground logits (B L, 1) of flat features (B L, D)."""
        hidden = functional.linear(features, self.filtering.weight[:, :, 0], self.filtering.bias)
        hidden = functional.leaky_relu_(hidden, LEAKY_SLOPE)
        return functional.linear(hidden, self.attend.weight[:, :, 0], self.attend.bias)

    def _classify(self, features: Tensor, attention: Tensor, length: int, with_base: bool) -> Tensor:
        """Class activations of the base branch (with_base) and of the suppression branch, (2 B or B, L, C + 1)."""
        dtype = features.dtype
        assert self.first.bias is not None
        assert self.second.bias is not None
        products = functional.linear(features, taps(self.first.weight, dtype).flatten(0, 1))
        products = products.view(-1, length, 3, self.settings.hidden)
        hidden = branches(products, attention.float().sigmoid().view(-1, length), self.first.bias, with_base)
        hidden = functional.leaky_relu_(hidden, LEAKY_SLOPE)
        hidden = self.dropout(convolve(hidden, taps(self.second.weight, dtype), self.second.bias))
        return positions_of(functional.linear(hidden, self.classify.weight[:, :, 0]).float(), length)

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

    def validation_batches(self, data: SplitTensors, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        order = epoch_order(len(data.split), rng)
        return self._batches(data, order, uniform_positions(data.split.lengths[order], self.settings.length))

    def _batches(self, data: SplitTensors, order: Indices, positions: Indices) -> Iterator[Batch]:
        lengths = np.full(len(order), self.settings.length)
        return data.batches_at(order, lengths, positions.ravel(), self.run.training.batch_videos)

    def scoring_features(self, data: SplitTensors) -> Iterator[Tensor]:
        """Videos (B, L, D) at their positions; then, for ``every_snippet``, each video as it is, (1, T, D)."""
        length, starts = self.settings.length, data.split.starts
        rows = torch.from_numpy(starts[:, None] + uniform_positions(data.split.lengths, length))
        for part in rows.split(max(1, CHUNK_SNIPPETS // length)):
            features = data.features.index_select(0, part.reshape(-1).to(data.features.device))
            yield features.view(len(part), length, -1)
        if self.settings.label_resolution == "every_snippet":
            for start, end in zip(starts, starts + data.split.lengths, strict=True):
                yield data.features[start:end][None]

    def readout(self, features: Tensor) -> tuple[Tensor, ...]:
        """Activations of the suppression branch (B L, C + 1) and foreground logits (B L,)."""
        flat = features.flatten(0, 1)
        attention = self._filter(flat)
        activation = self._classify(flat, attention, features.shape[1], with_base=False)
        return activation.flatten(0, 1), attention[:, 0].float()

    def scores(self, *readout: Tensor, split: Split) -> BasnetScores:
        """A class's probability is the normalised activation of the suppression branch (``label_resolution``).

        It is 0 for a class that is not predicted; without any predicted class the likeliest one counts as
        predicted, for the pseudo labels' sake. Foreground: the weights of the filtering module.
        """
        length, videos = self.settings.length, len(split)
        activation_N, weight_N = readout[0][:, :-1], readout[1].sigmoid()
        whole = readout[0][: videos * length].view(videos, length, -1)
        activation = whole[:, :, :-1]
        probability = class_scores(whole, self.settings.pool)[:, :-1]
        curve = normalised(activation)
        predicted = probability >= self.settings.min_video_score
        predicted |= ~predicted.any(dim=1, keepdim=True) & (probability == probability.amax(dim=1, keepdim=True))
        video = torch.from_numpy(split.video_of_snippet).to(curve.device)
        if self.settings.label_resolution == "every_snippet":
            own = activation_N[videos * length :].split(split.lengths.tolist())
            curve_N = torch.cat([normalised(part[None])[0] for part in own])
            foreground = weight_N[videos * length :]
        else:
            at = torch.from_numpy(nearest_positions(split.lengths, length)).to(curve.device)
            curve_N, foreground = curve[video, at], weight_N.view(videos, length)[video, at]
        foreground = foreground.clamp_min(SMALLEST_SCORE)
        total = torch.zeros(videos, device=curve.device).index_add(0, video, foreground)
        return BasnetScores(
            class_probability=(curve_N.clamp(SMALLEST_SCORE, 1) * predicted[video]).cpu().numpy(),
            foreground=foreground.cpu().numpy(),
            temporal_weight=(foreground / total[video]).cpu().numpy(),
            video_score=probability.cpu().numpy(),
            mean_score=whole.mean(dim=1).softmax(dim=1)[:, :-1].cpu().numpy(),
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
