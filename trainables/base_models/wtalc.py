"""W-TALC as a base model (Paul, Roy, Roy-Chowdhury, ECCV 2018; sujoyp/wtalc-pytorch; wtalc.md).

One hidden layer per snippet and class logits; trained by multiple-instance learning and by the likeness of videos
that share a class. It has no attention. What the pseudo-label loss supervises instead is ``model.wtalc.supervision``
(wtalc.md, section 7): the largest logit of the video's classes, of which zero already is the meaningful level
(``class_logit``, proposal A, the default); each of these logits by the labels of its own class (``class_labels``,
A2); or a head of its own (``head``, B). A single foreground logit a is the two-value form (0, a), so Eq. 4 applies.

Training labels of whole videos are the authors' own list, which differs from the instances in 8 of 200 videos
(``dataset.video_labels: published``, as in the preset). A video of fewer than 8 snippets has k = 1 here; the released
code takes the mean of no logits and so never detects anything there.

Quirks of the released code, all off by default: the number of steps chosen on the test split (``training.choice:
best_map``, with as many epochs as tests); detections in ambiguous intervals and in videos without instances removed,
first match, a class without detections that makes the mAP 0 (``evaluation.protocol: wtalc``). Not kept: rows of zeros
counted as padding, batches that no seed repeats, windows that never reach the last snippet, the unused second layer.

N: snippets, V: videos, C: classes, D: hidden width.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.base_models.contract import BaseModel, Losses, register
from trainables.base_models.layers import RectifiedDropout, draw_xavier_weights
from trainables.base_models.losses import pseudo_label_loss
from trainables.base_models.wtalc_detection import WtalcScores, detect
from trainables.base_models.wtalc_losses import (
    classify_and_pool,
    co_activity_loss,
    largest_logit,
    mean_of_largest,
    mil_loss,
)
from trainables.batching import Batch, SplitTensors, VideoLayout, softmax_per_video, sum_per_video
from trainables.config import PseudoLabelConfig, RunConfig, WtalcConfig
from trainables.data import Segments, Split
from trainables.errors import UserError
from trainables.labels import SMALLEST_SCORE, Mask, SnippetScores, background_share, foreground_by_class


class WtalcOutputs(NamedTuple):
    """hidden: (N, D), after dropout. foreground: logit of the head (N, 1), None without it."""

    hidden: Tensor
    foreground: Tensor | None


@register("wtalc")
class Wtalc(BaseModel):
    """ReLU layer, dropout, linear classifier; ``supervision: head`` adds a foreground logit beside the classes.

    The classifier is applied in ``losses``, where it shares a pass with the co-activity loss.
    """

    supervised: Tensor

    def __init__(self, config: RunConfig, dimensions: int, num_classes: int, rng: torch.Generator) -> None:
        super().__init__(config, dimensions, num_classes, rng)
        self.settings = config.model.wtalc or WtalcConfig()
        if config.training.batch_videos < 2 * self.settings.pairs:
            raise UserError(
                f"training.batch_videos: must hold the {self.settings.pairs} pairs of model.wtalc.pairs, "
                f"got {config.training.batch_videos}"
            )
        self.hidden = nn.Linear(dimensions, self.settings.hidden)
        self.classify = nn.Linear(self.settings.hidden, num_classes)
        draw_xavier_weights(self, rng)
        self.dropout = RectifiedDropout(self.settings.dropout, rng)
        self.head: nn.Module | None = None
        if self.settings.supervision == "head":
            self.head = nn.Linear(self.settings.hidden, 1)
            if self.settings.head_input == "features":
                self.head = nn.Sequential(nn.Linear(dimensions, self.settings.hidden), nn.ReLU(inplace=True), self.head)
            draw_xavier_weights(self.head, rng)
        # Whether this model has seen pseudo labels; before that its head is untrained and must not be used.
        self.register_buffer("supervised", torch.zeros((), dtype=torch.bool))

    def forward(self, features: Tensor) -> WtalcOutputs:
        hidden = self.dropout(self.hidden(features))
        if self.head is None:
            return WtalcOutputs(hidden, None)
        return WtalcOutputs(hidden, self.head(hidden if self.settings.head_input == "hidden" else features).float())

    def losses(self, outputs: WtalcOutputs, batch: Batch) -> Losses:
        share, has_class, layout = self.settings.mil_share, batch.target_VC > 0, batch.layout
        paired = batch.lengths[: 2 * batch.num_pairs]
        cas, pooled, total = classify_and_pool(
            outputs.hidden, self.classify.weight, self.classify.bias, paired.tolist()
        )
        weighted_cas = cas
        if outputs.foreground is not None and self.settings.head_use == "pooling" and batch.label_N is not None:
            weighted_cas = cas * outputs.foreground.detach().sigmoid()  # the labels alone train the head
        video = share * mil_loss(weighted_cas, batch.target_VC, layout, batch.lengths, self.settings.pool)
        if batch.num_pairs:
            # One number of the batch; added to every video it is the batch's mean.
            video = video + (1 - share) * co_activity_loss(pooled, total, has_class, paired, self.settings.margin)
        if batch.label_N is None:
            return Losses(video, video, torch.zeros_like(video))
        self.supervised.fill_(True)
        pseudo = self._pseudo_loss(cas, outputs.foreground, has_class, batch)
        return Losses(video + self.run.loss.beta * pseudo, video, pseudo)

    def _pseudo_loss(self, cas: Tensor, foreground: Tensor | None, has_class: Tensor, batch: Batch) -> Tensor:
        layout, label = batch.layout, batch.label_N
        assert label is not None
        own = has_class[layout.video_N]
        if foreground is not None:
            logit = foreground[:, 0]
        elif self.settings.supervision == "class_logit":
            logit = largest_logit(cas, own)
        else:
            # One row for each snippet and class of its video; the mean is over both.
            row = own.nonzero()[:, 0]
            logit, label, layout = cas[own], label[own], layout._replace(video_N=layout.video_N[row])
        weighted = self.run.loss.pseudo_weighting == "background_share"
        return pseudo_label_loss(
            # As logits of background and foreground, so that the weights balance both (wtalc.md, section 7).
            functional.pad(logit[:, None], (1, 0)),
            label,
            layout,
            batch.background_share if weighted else None,
            self.run.loss.pseudo_mean,
        )

    def label(self, scores: SnippetScores, split: Split, config: PseudoLabelConfig, rng: np.random.Generator) -> Mask:
        """With ``supervision: class_labels`` one label for each snippet and class, (N, C)."""
        if self.settings.supervision != "class_labels":
            return super().label(scores, split, config, rng)
        return foreground_by_class(scores, split, config, rng)

    def background_share(self, foreground: Mask, split: Split) -> float:
        """Of the snippets, or of the snippets and the classes of their video."""
        if foreground.ndim == 1:
            return super().background_share(foreground, split)
        own = np.zeros((len(split), foreground.shape[1]), dtype=bool)
        for v, video in enumerate(split.videos):
            own[v, list(video.labels)] = True
        return background_share(foreground[own[split.video_of_snippet]])

    def training_batches(self, data: SplitTensors, rng: np.random.Generator) -> Iterator[Batch]:
        """Pairs of videos that share a class, then any videos; of a long video a random window."""
        training, window = self.run.training, self.settings.window
        videos_of_class = [np.flatnonzero(column) for column in (data.targets > 0).T.cpu().numpy()]
        candidates = [videos for videos in videos_of_class if len(videos)]
        lengths = np.minimum(data.split.lengths, window)
        for _ in range(training.batches_per_epoch or -(-len(lengths) // training.batch_videos)):
            order = draw_videos(candidates, len(lengths), self.settings.pairs, training.batch_videos, rng)
            first = rng.integers(0, data.split.lengths[order] - lengths[order] + 1)
            places = np.concatenate([np.arange(f, f + n) for f, n in zip(first, lengths[order], strict=True)])
            for batch in data.batches_at(order, lengths[order], places, training.batch_videos):
                yield replace(batch, num_pairs=self.settings.pairs)

    def readout(self, features: Tensor) -> tuple[Tensor, ...]:
        hidden, foreground = self.forward(features)
        cas = self.classify(hidden).float()
        return (cas,) if foreground is None else (cas, foreground)

    def scores(self, *readout: Tensor, split: Split) -> WtalcScores:
        """A class's probability is its logit between the smallest (0) and the largest (1) of the video.

        So 1/2 is W-TALC's threshold. It is 0 for a class whose video logit is not positive: such a class is not
        predicted. Foreground: sigmoid of the largest predicted logit, or of the head.
        """
        cas = readout[0]
        head = readout[1][:, 0] if len(readout) > 1 and self.supervised else None
        weighted = head is not None and self.settings.head_use == "pooling"
        pooled_cas = cas * head.sigmoid()[:, None] if head is not None and weighted else cas
        layout = VideoLayout.of(split.lengths, cas.device)
        class_logit = mean_of_largest(pooled_cas, layout, np.maximum(split.lengths // self.settings.pool, 1))
        predicted = class_logit > 0
        low, high = extremes(cas, layout)
        probability = ((cas - low[layout.video_N]) / (high - low)[layout.video_N].clamp_min(SMALLEST_SCORE)).clamp(
            SMALLEST_SCORE, 1
        ) * predicted[layout.video_N]
        among = predicted | ~predicted.any(dim=1, keepdim=True)
        logit_N = largest_logit(cas, among[layout.video_N])
        weight = softmax_per_video(logit_N, layout)
        gate = torch.ones_like(logit_N, dtype=torch.bool)
        if head is not None:
            logit_N = head
            gate = gate if weighted else head > 0
        mean = sum_per_video(cas, layout) / torch.from_numpy(split.lengths).to(cas)[:, None]
        return WtalcScores(
            class_probability=probability.cpu().numpy(),
            foreground=logit_N.sigmoid().clamp_min(SMALLEST_SCORE).cpu().numpy(),
            temporal_weight=weight.cpu().numpy(),
            video_score=class_logit.softmax(dim=1).cpu().numpy(),
            mean_score=mean.softmax(dim=1).cpu().numpy(),
            offsets=split.offsets,
            cas=cas.cpu().numpy(),
            class_logit=class_logit.cpu().numpy(),
            gate=gate.cpu().numpy(),
        )

    def predict(self, scores: SnippetScores, split: Split) -> Segments:
        """W-TALC's own detection (wtalc.md, section 5): runs above the midpoint of a predicted class's logits."""
        assert isinstance(scores, WtalcScores)
        return detect(scores, split, self.settings)


def extremes(cas: Tensor, layout: VideoLayout) -> tuple[Tensor, Tensor]:
    """Smallest and largest logit of each class in each video, both of shape (V, C)."""
    index = layout.video_N[:, None].expand_as(cas)
    empty = cas.new_zeros((layout.num_videos, cas.shape[1]))
    low, high = (empty.scatter_reduce(0, index, cas, kind, include_self=False) for kind in ("amin", "amax"))
    return low, high


def draw_videos(
    videos_of_class: list[npt.NDArray[np.int64]], num_videos: int, pairs: int, count: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """``pairs`` times two videos of a random class, then others, all drawn with replacement; shape (count,)."""
    classes = rng.integers(0, len(videos_of_class), size=pairs)
    paired = [rng.choice(videos_of_class[label], size=2) for label in classes]
    return np.concatenate([*paired, rng.integers(0, num_videos, size=count - 2 * pairs)]).astype(np.int64)
