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
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.base_models.contract import BaseModel, Losses, register
from trainables.base_models.layers import RectifiedDropout, draw_xavier_weights
from trainables.base_models.losses import pseudo_label_loss
from trainables.batching import Batch, SplitTensors, VideoLayout, softmax_per_video, sum_per_video
from trainables.config import PseudoLabelConfig, RunConfig, WtalcConfig
from trainables.data import Segments, Split
from trainables.errors import UserError
from trainables.labels import SMALLEST_SCORE, Mask, SnippetScores, background_share, foreground_by_class, runs_of

SMALLEST_SQUARE = 1e-16  # of a feature's length: keeps the cosine of a zero vector finite


class WtalcOutputs(NamedTuple):
    """hidden: (N, D), after dropout. foreground: logit of the head (N, 1), None without it."""

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
        # Whether this model has seen pseudo labels; before that its head knows nothing and must not be used.
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


class _ClassifyAndPool(torch.autograd.Function):
    """Logits of all snippets, and the features of the first videos pooled by the softmax of their own logits.

    Both read ``hidden``, and each is a product with few columns: written together, the gradient of ``hidden`` is
    written once, where autograd would add up several matrices of its size.
    """

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, lengths: list[int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        cas = torch.addmm(bias.to(hidden.dtype), hidden, weight.to(hidden.dtype).T).to(bias.dtype)
        used = sum(lengths)
        attention = torch.cat([logits.softmax(dim=0) for logits in cas[:used].split(lengths)]) if lengths else cas[:0]
        pooled = hidden.new_empty((len(lengths), *weight.shape), dtype=bias.dtype)
        total = hidden.new_empty((len(lengths), weight.shape[1]), dtype=bias.dtype)
        for v, (x, attended) in enumerate(
            zip(hidden[:used].split(lengths), attention.split(lengths), strict=True) if lengths else ()
        ):
            both = functional.pad(attended, (0, 1), value=1).to(x.dtype).T @ x
            pooled[v], total[v] = both[:-1], both[-1]
        ctx.save_for_backward(hidden, weight, attention)
        ctx.lengths = lengths
        return cas, pooled, total

    @staticmethod
    def backward(ctx: Any, of_cas: Tensor, of_pooled: Tensor, of_total: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        hidden, weight, attention = ctx.saved_tensors
        dtype, used = hidden.dtype, sum(ctx.lengths)
        of_cas, inward = of_cas.clone(), torch.empty_like(hidden)
        torch.mm(of_cas[used:].to(dtype), weight.to(dtype), out=inward[used:])
        first = 0
        for v, attended in enumerate(attention.split(ctx.lengths)):
            rows = slice(first, first + len(attended))
            of_attended = (hidden[rows] @ of_pooled[v].T.to(dtype)).to(attended.dtype)
            of_cas[rows] += attended * (of_attended - (attended * of_attended).sum(dim=0))
            # As one product: by the logits, by the pooled features, and by their sum over the video.
            left = torch.cat([of_cas[rows], attended, attended.new_ones(len(attended), 1)], dim=1)
            right = torch.cat([weight, of_pooled[v], of_total[v, None]])
            torch.mm(left.to(dtype), right.to(dtype), out=inward[rows])
            first = rows.stop
        of_weight = (of_cas.T.to(dtype) @ hidden).to(weight.dtype)
        return inward, of_weight, of_cas.sum(dim=0), None


def classify_and_pool(
    hidden: Tensor, weight: Tensor, bias: Tensor, lengths: list[int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (N, C), and of the first P videos, of these lengths, the features pooled by class and their sums.

    hidden: (N, D), in the compute type. weight: (C, D). Pooled, (P, C, D): sum over the video's snippets of features
    times the softmax of the class's logits. Sums: (P, D).
    """
    result: tuple[Tensor, Tensor, Tensor] = _ClassifyAndPool.apply(hidden, weight, bias, lengths)
    return result


def co_activity_loss(
    pooled: Tensor, total: Tensor, has_class: Tensor, lengths: npt.NDArray[np.int64], margin: float
) -> Tensor:
    """Two videos of a class are alike where it is, and unlike where it is not (W-TALC, section 3.4); a scalar.

    pooled, total: ``classify_and_pool`` of P / 2 pairs. has_class: (V, C), bool, of at least these P videos. Of each
    pair (a, b) and common class, with cosine distances d of the features pooled where the class is (H) and where it
    is not (L): 1/2 [max(0, d(Ha, Hb) - d(Ha, Lb) + margin) + max(0, d(Ha, Hb) - d(Hb, La) + margin)], mean over
    pairs and classes.
    """
    count = len(pooled)
    # The weights of the complement, 1 - softmax, sum to T - 1.
    others = torch.from_numpy(np.maximum(lengths[:count] - 1, 1)).to(pooled)
    low = (total[:, None] - pooled) / others[:, None, None]
    vectors = torch.stack([pooled[::2], pooled[1::2], low[::2], low[1::2]], dim=2)  # (P / 2, C, 4, D)
    products = vectors @ vectors.transpose(2, 3)
    norm = products.diagonal(dim1=2, dim2=3).clamp_min(SMALLEST_SQUARE).sqrt()
    distance = 1 - products / (norm[..., :, None] * norm[..., None, :])
    alike, high_low, low_high = distance[..., 0, 1], distance[..., 0, 3], distance[..., 1, 2]
    loss = (functional.relu(alike - high_low + margin) + functional.relu(alike - low_high + margin)) / 2
    common = (has_class[:count:2] & has_class[1:count:2]).to(loss)
    return (loss * common).sum() / common.sum().clamp_min(1)


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
    offset = split.offsets[video] + base[label]
    start_s, end_s = (split.seconds(video, bound - offset) for bound in (first, end))
    return Segments(split.names[video], start_s, end_s, label, score.astype(np.float64))
