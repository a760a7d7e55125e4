"""W-TALC as a base model (Paul, Roy, Roy-Chowdhury, ECCV 2018; sujoyp/wtalc-pytorch; wtalc.md).

One hidden layer per snippet and class logits; trained by multiple-instance learning and by the likeness of videos
that share a class. It has no attention: the pseudo-label loss supervises, by default, the largest logit of the
video's classes, of which zero already is the meaningful level (wtalc.md, section 7, proposal A).

N: snippets, V: videos, C: classes, D: hidden width.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.attention import VideoLayout, softmax_per_video, sum_per_video
from trainables.base_model_config import WtalcConfig
from trainables.base_models.contract import BaseModel, Losses, register
from trainables.base_models.layers import SeededDropout, draw_xavier_weights
from trainables.batches import Batch, SplitTensors
from trainables.config import ConfigError, RunConfig
from trainables.datasets.contract import Split
from trainables.losses import pseudo_label_loss
from trainables.prediction import runs_of
from trainables.scores import SMALLEST_SCORE, SnippetScores
from trainables.segments import Segments


class WtalcOutputs(NamedTuple):
    """cas: logits (N, C). hidden: (N, D), after dropout. foreground: logit of the head (N, 1), None without it."""

    cas: Tensor
    hidden: Tensor
    foreground: Tensor | None


@dataclass(frozen=True, eq=False)
class WtalcScores(SnippetScores):
    """cas: logits (N, C). class_logit: (V, C), mean of the largest. gate: (N,), where detections may lie."""

    cas: npt.NDArray[np.float32]
    class_logit: npt.NDArray[np.float32]
    gate: npt.NDArray[np.bool_]


@register("wtalc")
class Wtalc(BaseModel):
    """ReLU layer, dropout, linear classifier; ``supervision: head`` adds a foreground logit beside the classes."""

    supervised: Tensor

    def __init__(self, config: RunConfig, dimensions: int, num_classes: int, rng: torch.Generator) -> None:
        super().__init__(config, dimensions, num_classes, rng)
        self.settings = config.model.wtalc or WtalcConfig()
        if config.training.batch_videos < 2 * self.settings.pairs:
            raise ConfigError(
                f"training.batch_videos: must hold the {self.settings.pairs} pairs of model.wtalc.pairs, "
                f"got {config.training.batch_videos}"
            )
        self.hidden = nn.Linear(dimensions, self.settings.hidden)
        self.classify = nn.Linear(self.settings.hidden, num_classes)
        draw_xavier_weights(self, rng)
        self.dropout = SeededDropout(self.settings.dropout, rng)
        self.head: nn.Linear | None = None
        if self.settings.supervision == "head":
            self.head = nn.Linear(self.settings.hidden, 1)
            draw_xavier_weights(self.head, rng)
        # Whether this model has seen pseudo labels; before that its head knows nothing and must not gate.
        self.register_buffer("supervised", torch.zeros((), dtype=torch.bool))

    def forward(self, features: Tensor) -> WtalcOutputs:
        hidden = self.dropout(functional.relu(self.hidden(features)))
        head = self.head(hidden).float() if self.head is not None else None
        return WtalcOutputs(self.classify(hidden).float(), hidden.float(), head)

    def losses(self, outputs: WtalcOutputs, batch: Batch) -> Losses:
        share = self.settings.mil_share
        video = share * mil_loss(outputs.cas, batch.target_VC, batch.layout, batch.lengths, self.settings.pool)
        if batch.num_pairs:
            # One number of the batch; added to every video it is the batch's mean.
            video = video + (1 - share) * co_activity_loss(
                outputs.hidden, outputs.cas, batch.target_VC > 0, batch.lengths, batch.num_pairs, self.settings.margin
            )
        if batch.label_N is None:
            return Losses(video, video, torch.zeros_like(video))
        self.supervised.fill_(True)
        foreground = outputs.foreground
        if foreground is None:
            foreground = largest_logit(outputs.cas, batch.target_VC[batch.layout.video_N] > 0)[:, None]
        weighted = self.run.loss.pseudo_weighting == "background_share"
        pseudo = pseudo_label_loss(
            # As logits of background and foreground, so that the weights balance both (wtalc.md, section 7).
            functional.pad(foreground, (1, 0)),
            batch.label_N,
            batch.layout,
            batch.background_share if weighted else None,
            self.run.loss.pseudo_mean,
        )
        return Losses(video + self.run.loss.beta * pseudo, video, pseudo)

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
        outputs = self.forward(features)
        return (outputs.cas,) if outputs.foreground is None else (outputs.cas, outputs.foreground)

    def scores(self, *readout: Tensor, split: Split) -> WtalcScores:
        """A class's probability is its logit between the smallest (0) and the largest (1) of the video.

        So 1/2 is W-TALC's threshold. It is 0 for a class whose video logit is not positive: such a class is not
        predicted. Foreground: sigmoid of the largest predicted logit, or of the head.
        """
        cas = readout[0]
        layout = VideoLayout.of(split.lengths, cas.device)
        class_logit = mean_of_largest(cas, layout, np.maximum(split.lengths // self.settings.pool, 1))
        predicted = class_logit > 0
        low, high = extremes(cas, layout)
        probability = ((cas - low[layout.video_N]) / (high - low)[layout.video_N].clamp_min(SMALLEST_SCORE)).clamp(
            SMALLEST_SCORE, 1
        ) * predicted[layout.video_N]
        among = predicted | ~predicted.any(dim=1, keepdim=True)
        logit_N = largest_logit(cas, among[layout.video_N])
        weight = softmax_per_video(logit_N, layout)
        gate = torch.ones_like(logit_N, dtype=torch.bool)
        if len(readout) > 1 and self.supervised:
            logit_N = readout[1][:, 0]
            gate = logit_N > 0
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


def mean_of_largest(cas: Tensor, layout: VideoLayout, count_V: npt.NDArray[np.int64]) -> Tensor:
    """Mean of the ``count_V`` largest logits of each class over a video's snippets, shape (V, C)."""
    grid = cas.new_full((layout.num_videos, layout.longest, cas.shape[1]), -torch.inf)
    grid = grid.index_put((layout.video_N, layout.time_N), cas)
    largest = grid.topk(int(count_V.max()), dim=1).values
    count = torch.from_numpy(count_V).to(cas.device)
    counted = torch.arange(largest.shape[1], device=cas.device)[None] < count[:, None]
    return torch.where(counted[:, :, None], largest, 0).sum(dim=1) / count[:, None]


def mil_loss(cas: Tensor, target_VC: Tensor, layout: VideoLayout, lengths: npt.NDArray[np.int64], pool: int) -> Tensor:
    """Cross entropy of the pooled logits, k = ceil(T / pool), with the video's labels; shape (V,)."""
    pooled = mean_of_largest(cas, layout, -(-lengths // pool))
    return -(target_VC * pooled.log_softmax(dim=1)).sum(dim=1)


def co_activity_loss(
    hidden: Tensor, cas: Tensor, has_class: Tensor, lengths: npt.NDArray[np.int64], pairs: int, margin: float
) -> Tensor:
    """Two videos of a class are alike where it is, and unlike where it is not (W-TALC, section 3.4); a scalar.

    hidden: (N, D). cas: (N, C). has_class: (V, C), bool. Of each pair (a, b) and common class, with cosine
    distances d of the features pooled where the class is (H) and where it is not (L):
    1/2 [max(0, d(Ha, Hb) - d(Ha, Lb) + margin) + max(0, d(Ha, Hb) - d(Hb, La) + margin)], mean over pairs and classes.
    """
    paired = 2 * pairs
    parts = lengths[:paired].tolist()
    used = sum(parts)
    high, low = [], []
    for x, s in zip(hidden[:used].split(parts), cas[:used].split(parts), strict=True):
        weight = s.softmax(dim=0)
        high.append(x.T @ weight)
        low.append(x.T @ (1 - weight) / max(len(x) - 1, 1))
    high_a, high_b, low_a, low_b = (torch.stack(side[i::2]) for side in (high, low) for i in (0, 1))  # (P, D, C)
    alike = _cosine_distance(high_a, high_b)
    loss = functional.relu(alike - _cosine_distance(high_a, low_b) + margin)
    loss = (loss + functional.relu(alike - _cosine_distance(high_b, low_a) + margin)) / 2
    common = (has_class[:paired:2] & has_class[1:paired:2]).to(loss)
    return (loss * common).sum() / common.sum().clamp_min(1)


def _cosine_distance(a: Tensor, b: Tensor) -> Tensor:
    return 1 - functional.cosine_similarity(a, b, dim=1)


def largest_logit(cas: Tensor, among_NC: Tensor) -> Tensor:
    """Largest logit of each snippet among some classes, shape (N,)."""
    return cas.masked_fill(~among_NC, -torch.inf).amax(dim=1)


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


def detect(scores: WtalcScores, split: Split, settings: WtalcConfig) -> Segments:
    """Runs of logits above (max + min) / 2 in classes of positive video logit; score: highest logit in the run plus
    the weighted video logit (wtalc.md, section 5). Runs of a class are disjoint, so none is suppressed."""
    video_N, num_classes = scores.video_of_snippet, scores.num_classes
    low, high = (np.zeros_like(scores.class_logit) for _ in range(2))
    inside = np.flatnonzero(split.lengths > 0)
    if inside.size:
        starts = split.offsets[:-1][inside]
        low[inside], high[inside] = (extreme.reduceat(scores.cas, starts) for extreme in (np.minimum, np.maximum))
    threshold = high - (high - low) * np.float32(0.5)
    kept = (scores.cas > threshold[video_N]) & (scores.class_logit > 0)[video_N] & scores.gate[:, None]

    base = np.arange(num_classes) * scores.num_snippets
    starts, ends = ((bound[None] + base[:, None]).ravel() for bound in (split.offsets[:-1], split.offsets[1:]))
    first, end = runs_of(kept.T.ravel(), starts, ends)
    long_enough = end - first >= settings.min_snippets
    first, end = first[long_enough], end[long_enough]
    label = first // max(scores.num_snippets, 1)
    video = video_N[first - base[label]]
    logits = np.append(scores.cas.T.ravel(), -np.inf)
    peak = np.maximum.reduceat(logits, np.stack([first, end], axis=1).ravel())[::2] if first.size else first
    score = peak + settings.video_score_weight * scores.class_logit[video, label]
    offset, step = split.offsets[video] + base[label], split.snippet_s[video]
    return Segments(split.names[video], (first - offset) * step, (end - offset) * step, label, score.astype(np.float64))
