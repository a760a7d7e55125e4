"""RefineLoc's own base model: two MLPs per snippet, one for classes, one for attention (paper, section 3.1)."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.base_models.attention import foreground_probability, temporal_weights
from trainables.base_models.contract import BaseModel, Losses, register
from trainables.base_models.layers import draw_default_weights
from trainables.base_models.losses import pseudo_label_loss, video_loss
from trainables.batching import Batch, VideoLayout, sum_per_video
from trainables.config import LossConfig, RunConfig
from trainables.data import Split
from trainables.labels import SnippetScores


class SnippetLogits(NamedTuple):
    """cas: class logits (N, C). attention: background and foreground logits (N, 2), or foreground (N, 1)."""

    cas: Tensor
    attention: Tensor


@register("refineloc")
class RefineLoc(BaseModel):
    """Classification MLP D -> ... -> C and attention MLP D -> ... -> 2 (or 1), ReLU between, no context.

    Both MLPs read the same features, so their first hidden layers are one matrix product: ``hidden`` holds the
    rows of the classification MLP, then those of the attention MLP. Without a hidden layer (L = 1) it is None.
    """

    # The fused kernel rounds differently: on the CPU this model follows the reference implementation to the last bit.
    fused_optimizer = False

    def __init__(self, config: RunConfig, dimensions: int, num_classes: int, rng: torch.Generator) -> None:
        super().__init__(config, dimensions, num_classes, rng)
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
        draw_default_weights(self, rng)

    def forward(self, features: Tensor) -> SnippetLogits:
        cas = attention = features
        if self.hidden is not None:
            cas, attention = functional.relu(self.hidden(features), inplace=True).split(self.hidden_widths, dim=1)
        # float32 again: under autocast the layers give bfloat16, and what follows are softmax and logarithms.
        return SnippetLogits(self.class_layers(cas).float(), self.attention_layers(attention).float())

    def readout(self, features: Tensor) -> SnippetLogits:
        return self.forward(features)

    def losses(self, outputs: SnippetLogits, batch: Batch) -> Losses:
        return snippet_losses(outputs, batch, self.run.loss, self.run.loss.beta)

    def scores(self, *readout: Tensor, split: Split) -> SnippetScores:
        cas, attention = readout
        layout = VideoLayout.of(split.lengths, cas.device)
        probability = cas.softmax(dim=1)
        weights = temporal_weights(attention, layout)
        pooled = sum_per_video(weights[:, None] * probability, layout)
        mean = sum_per_video(probability, layout) / torch.from_numpy(split.lengths).to(pooled)[:, None]
        return SnippetScores(
            class_probability=probability.cpu().numpy(),
            foreground=foreground_probability(attention).cpu().numpy(),
            temporal_weight=weights.cpu().numpy(),
            video_score=pooled.cpu().numpy(),
            mean_score=mean.cpu().numpy(),
            offsets=split.offsets,
        )


def snippet_losses(outputs: SnippetLogits, batch: Batch, config: LossConfig, beta: float | Tensor) -> Losses:
    """Video loss + beta x pseudo-label loss of each video (section 3.3); beta: one, or of each video (V,)."""
    weights = temporal_weights(outputs.attention, batch.layout)
    video = video_loss(outputs.cas, weights, batch.target_VC, batch.layout, config.video)
    if batch.label_N is None:
        return Losses(video, video, torch.zeros_like(video))
    weighted = config.pseudo_weighting == "background_share"
    pseudo = pseudo_label_loss(
        outputs.attention,
        batch.label_N,
        batch.layout,
        batch.background_share if weighted else None,
        config.pseudo_mean,
    )
    return Losses(video + beta * pseudo, video, pseudo)


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
