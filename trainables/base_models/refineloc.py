"""RefineLoc's own base model: two MLPs per snippet, one for classes, one for attention (paper, section 3.1)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.attention import VideoLayout, foreground_probability, sum_per_video, temporal_weights
from trainables.base_models.contract import BaseModel, Losses, SnippetLogits, register
from trainables.batches import Batch
from trainables.config import RunConfig
from trainables.losses import pseudo_label_loss, video_loss
from trainables.scores import SnippetScores


@register("refineloc")
class RefineLoc(BaseModel):
    """Classification MLP D -> ... -> C and attention MLP D -> ... -> 2 (or 1), ReLU between, no context.

    Both MLPs read the same features, so their first hidden layers are one matrix product: ``hidden`` holds the
    rows of the classification MLP, then those of the attention MLP. Without a hidden layer (L = 1) it is None.
    """

    def __init__(self, config: RunConfig, dimensions: int, num_classes: int, rng: torch.Generator) -> None:
        super().__init__(config, dimensions, num_classes, rng)
        self.config = config.loss
        outputs = 2 if config.model.attention == "two_value" else 1
        floor = config.model.hidden_floor == "output_width"
        class_widths = layer_widths(dimensions, num_classes, config.model.layers, floor)
        attention_widths = layer_widths(dimensions, outputs, config.model.layers, floor)
        self.hidden: nn.Linear | None = None
        if config.model.layers > 1:
            self.hidden_widths = class_widths[1], attention_widths[1]
            self.hidden = nn.Linear(dimensions, sum(self.hidden_widths))
            class_widths, attention_widths = class_widths[1:], attention_widths[1:]
        self.class_layers = mlp(class_widths)
        self.attention_layers = mlp(attention_widths)
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
        cas = attention = features
        if self.hidden is not None:
            cas, attention = functional.relu(self.hidden(features), inplace=True).split(self.hidden_widths, dim=1)
        return SnippetLogits(self.class_layers(cas).float(), self.attention_layers(attention).float())

    def losses(self, logits: SnippetLogits, batch: Batch) -> Losses:
        weights = temporal_weights(logits.attention, batch.layout)
        video = video_loss(logits.cas, weights, batch.target_VC, batch.layout, self.config.video)
        if batch.label_N is None:
            return Losses(video, video, torch.zeros_like(video))
        weighted = self.config.pseudo_weighting == "background_share"
        pseudo = pseudo_label_loss(
            logits.attention,
            batch.label_N,
            batch.layout,
            batch.background_share if weighted else None,
            self.config.pseudo_mean,
        )
        return Losses(video + self.config.beta * pseudo, video, pseudo)

    def scores(self, logits: SnippetLogits, offsets: np.ndarray) -> SnippetScores:
        lengths = np.diff(offsets)
        layout = VideoLayout.of(lengths, logits.cas.device)
        probability = logits.cas.softmax(dim=1)
        weights = temporal_weights(logits.attention, layout)
        pooled = sum_per_video(weights[:, None] * probability, layout)
        mean = sum_per_video(probability, layout) / torch.from_numpy(lengths).to(pooled)[:, None]
        return SnippetScores(
            class_probability=probability.cpu().numpy(),
            foreground=foreground_probability(logits.attention).cpu().numpy(),
            temporal_weight=weights.cpu().numpy(),
            video_score=pooled.cpu().numpy(),
            mean_score=mean.cpu().numpy(),
            offsets=offsets,
        )


def layer_widths(dimensions: int, outputs: int, layers: int, floor: bool) -> list[int]:
    """Widths D, D/2, D/4, ..., outputs. Released: a hidden layer is never narrower than the output (D26)."""
    widths = [dimensions]
    for _ in range(layers - 1):
        widths.append(max(widths[-1] // 2, outputs if floor else 1))
    return [*widths, outputs]


def mlp(widths: list[int]) -> nn.Sequential:
    """Linear layers of these widths with ReLU between."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.ReLU(inplace=True), nn.Linear(inputs, outputs)]
    return nn.Sequential(*layers[1:])
