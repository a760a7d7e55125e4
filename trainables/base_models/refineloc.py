"""RefineLoc's own base model: two MLPs per snippet, one for classes, one for attention (paper, section 3.1)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.attention import foreground_probability, sum_per_video, temporal_weights
from trainables.base_models.contract import BaseModel, Losses, SnippetLogits, register
from trainables.batches import Batch
from trainables.config import RunConfig
from trainables.losses import pseudo_label_loss, video_loss
from trainables.scores import SnippetScores


@register("refineloc")
class RefineLoc(BaseModel):
    """Classification MLP D -> ... -> C and attention MLP D -> ... -> 2 (or 1), ReLU between, no context.

    Both MLPs read the same features, so their first layers are one matrix: ``first`` holds the rows of the
    classification MLP, then those of the attention MLP. ``class_layers`` and ``attention_layers`` are the rest.
    """

    def __init__(self, config: RunConfig, dimensions: int, num_classes: int, rng: torch.Generator) -> None:
        super().__init__(config, dimensions, num_classes, rng)
        self.config = config.loss
        outputs = 2 if config.model.attention == "two_value" else 1
        floor = config.model.hidden_floor == "output_width"
        class_widths = layer_widths(dimensions, num_classes, config.model.layers, floor)
        attention_widths = layer_widths(dimensions, outputs, config.model.layers, floor)
        self.split = class_widths[1], attention_widths[1]
        self.first = nn.Linear(dimensions, sum(self.split))
        self.class_layers = _linear_layers(class_widths[1:])
        self.attention_layers = _linear_layers(attention_widths[1:])
        self._draw_weights(rng)

    def _draw_weights(self, rng: torch.Generator) -> None:
        """PyTorch's default for linear layers: uniform within 1 / sqrt(inputs), weights and biases."""
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                bound = layer.in_features**-0.5
                with torch.no_grad():
                    layer.weight.uniform_(-bound, bound, generator=rng)
                    layer.bias.uniform_(-bound, bound, generator=rng)

    def forward(self, features: Tensor) -> SnippetLogits:
        cas, attention = self.first(features).split(self.split, dim=1)
        for layer in self.class_layers:
            cas = layer(functional.relu(cas))
        for layer in self.attention_layers:
            attention = layer(functional.relu(attention))
        return SnippetLogits(cas.float(), attention.float())

    def losses(self, logits: SnippetLogits, batch: Batch) -> Losses:
        weights = temporal_weights(logits.attention, batch.video_N, batch.num_videos)
        video = video_loss(logits.cas, weights, batch.target_VC, batch.video_N, self.config.video)
        if batch.label_N is None:
            return Losses(video, video, torch.zeros_like(video))
        weighted = self.config.pseudo_weighting == "background_share"
        pseudo = pseudo_label_loss(
            logits.attention,
            batch.label_N,
            batch.video_N,
            batch.num_videos,
            batch.background_share if weighted else None,
            self.config.pseudo_mean,
        )
        return Losses(video + self.config.beta * pseudo, video, pseudo)

    def scores(self, logits: SnippetLogits, offsets: np.ndarray) -> SnippetScores:
        num_videos = len(offsets) - 1
        lengths = torch.from_numpy(np.diff(offsets)).to(logits.cas.device)
        video_N = torch.repeat_interleave(torch.arange(num_videos, device=lengths.device), lengths)
        probability = logits.cas.softmax(dim=1)
        weights = temporal_weights(logits.attention, video_N, num_videos)
        pooled = sum_per_video(weights[:, None] * probability, video_N, num_videos)
        mean = sum_per_video(probability, video_N, num_videos) / lengths.clamp_min(1)[:, None]
        foreground = foreground_probability(logits.attention)
        arrays = [t.cpu().numpy() for t in (probability, foreground, weights, pooled, mean)]
        return SnippetScores(*arrays, offsets=offsets)


def layer_widths(dimensions: int, outputs: int, layers: int, floor: bool) -> list[int]:
    """Widths D, D/2, D/4, ..., outputs. Released: a hidden layer is never narrower than the output (D26)."""
    widths = [dimensions]
    for _ in range(layers - 1):
        widths.append(max(widths[-1] // 2, outputs if floor else 1))
    return [*widths, outputs]


def _linear_layers(widths: list[int]) -> nn.ModuleList:
    return nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths[:-1], widths[1:], strict=True))
