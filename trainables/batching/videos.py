"""Batches of videos of unequal length, whole or sampled: no padding, no loop over videos.

``SplitTensors`` is a split on a device; on the CPU its features share memory with the split's array. An epoch of
whole videos is planned at once in numpy (which rows, whose video), so that a training step is a few gathers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainables.batching.device_features import FeatureStore
from trainables.batching.layout import VideoLayout
from trainables.data import Split

Indices = npt.NDArray[np.int64]

# Snippets per forward pass when scoring: bounds the memory of the hidden layer, large enough to fill a device.
CHUNK_SNIPPETS = 16_384


@dataclass(frozen=True, eq=False)
class Batch:
    """N snippets of V videos.

    features: (N, D). layout: whose each snippet is. target_VC: rows sum to 1. label_N: int8 pseudo labels, (N,) or
    (N, C), None where a model trains without. background_share: phi of the split's pseudo labels; one, or of each
    snippet (N,). lengths: snippets of each video, on the host. num_pairs: videos 2p and 2p + 1 were drawn to share a
    class, for p below it.
    """

    features: Tensor
    layout: VideoLayout
    target_VC: Tensor
    label_N: Tensor | None
    background_share: float | Tensor
    lengths: Indices
    num_pairs: int = 0


@dataclass(frozen=True, eq=False)
class SplitTensors:
    """A split ready for training: features (rows, D), targets (V, C), pseudo labels (N,) or None."""

    split: Split
    features: Tensor
    targets: Tensor
    labels: Tensor | None = None
    background_share: float = 0.0

    @classmethod
    def of(
        cls,
        split: Split,
        num_classes: int,
        multi_label: Literal["first", "multi_hot"],
        store: FeatureStore,
        unlabelled: bool = False,
    ) -> SplitTensors:
        """Without pseudo labels. Videos without snippets are left out, and those without labels unless ``unlabelled``:
        their target is no class."""
        usable = np.flatnonzero((split.lengths > 0) & (unlabelled | _labelled(split)))
        if len(usable) < len(split):
            split = split.subset(usable, split.name)
        targets = torch.from_numpy(video_targets(split, num_classes, multi_label))
        return cls(split, store.tensor(split.features), targets.to(store.device))

    def with_video_labels(self) -> SplitTensors:
        """The videos that show a class, without pseudo labels, as iteration 0 trains."""
        labelled = np.flatnonzero(_labelled(self.split))
        if len(labelled) == len(self.split):
            return self
        rows = torch.from_numpy(labelled).to(self.targets.device)
        return replace(self, split=self.split.subset(labelled, self.split.name), targets=self.targets[rows])

    def with_labels(self, labels: npt.NDArray[np.int8], background_share: float) -> SplitTensors:
        """The same videos with pseudo labels of their N snippets."""
        return replace(
            self, labels=torch.from_numpy(labels).to(self.features.device), background_share=background_share
        )

    def batches(self, order: Indices, batch_videos: int) -> Iterator[Batch]:
        """Batches of the whole videos ``order``; the last one may be smaller."""
        lengths, starts = self.split.lengths[order], self.split.starts[order]
        rows, snippets = _ranges(starts, lengths), _ranges(self.split.offsets[order], lengths)
        return self._cut(order, lengths, rows, snippets, batch_videos, starts)

    def batches_at(self, order: Indices, lengths: Indices, positions: Indices, batch_videos: int) -> Iterator[Batch]:
        """Batches of ``lengths`` snippets of the videos ``order``; ``positions``: their places within their video."""
        rows, snippets = (
            np.repeat(first[order], lengths) + positions for first in (self.split.starts, self.split.offsets[:-1])
        )
        return self._cut(order, lengths, rows, snippets, batch_videos)

    def chunks(self) -> Iterator[Tensor]:
        """Features of all snippets of the split in order, whole videos of about CHUNK_SNIPPETS snippets at a time."""
        starts, lengths = self.split.starts, self.split.lengths
        for first, end in whole_video_chunks(lengths):
            rows = [slice(int(starts[v]), int(starts[v] + lengths[v])) for v in range(first, end)]
            if all(a.stop == b.start for a, b in pairwise(rows)):
                yield self.features[rows[0].start : rows[-1].stop]
            else:
                yield torch.cat([self.features[row] for row in rows])

    def _cut(
        self,
        order: Indices,
        lengths: Indices,
        rows_N: Indices,
        snippets_N: Indices,
        batch_videos: int,
        starts: Indices | None = None,
    ) -> Iterator[Batch]:
        """starts: first row of each video where the videos are whole, None where snippets were picked."""
        device = self.features.device
        rows, snippets = (torch.from_numpy(index).to(device) for index in (rows_N, snippets_N))
        whole = VideoLayout.of(lengths, device)
        targets = self.targets[torch.from_numpy(order).to(device)]
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        for begin in range(0, len(order), batch_videos):
            end = min(begin + batch_videos, len(order))
            window = slice(int(bounds[begin]), int(bounds[end]))
            if starts is not None and np.array_equal(
                starts[begin + 1 : end], starts[begin : end - 1] + lengths[begin : end - 1]
            ):
                first = int(starts[begin])
                features = self.features[first : first + window.stop - window.start]  # neighbours: no copy
            else:
                features = self.features.index_select(0, rows[window])
            yield Batch(
                features=features,
                layout=VideoLayout(
                    whole.video_N[window] - begin, whole.time_N[window], end - begin, int(lengths[begin:end].max())
                ),
                target_VC=targets[begin:end],
                label_N=None if self.labels is None else self.labels.index_select(0, snippets[window]),
                background_share=self.background_share,
                lengths=lengths[begin:end],
            )


def epoch_order(videos: int, rng: np.random.Generator | None) -> Indices:
    """Numbers of all videos, shuffled where there is a generator."""
    return np.arange(videos) if rng is None else rng.permutation(videos)


def video_targets(
    split: Split, num_classes: int, multi_label: Literal["first", "multi_hot"]
) -> npt.NDArray[np.float32]:
    """Target distribution of each video, shape (V, C): its first class (released), or equal shares (D24)."""
    targets = np.zeros((len(split), num_classes), dtype=np.float32)
    for v, video in enumerate(split.videos):
        labels = list(video.labels[:1] if multi_label == "first" else video.labels)
        # A video without labels keeps a row of zeros: its target is no class.
        targets[v, labels] = 1 / max(len(labels), 1)
    return targets


def _labelled(split: Split) -> npt.NDArray[np.bool_]:
    """Whether each video shows a class, (V,)."""
    return np.array([bool(video.labels) for video in split.videos], dtype=bool)


def _ranges(starts: Indices, lengths: Indices) -> Indices:
    """start, start + 1, ... of each range, one after another, shape (sum of lengths,)."""
    before = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths)


def whole_video_chunks(lengths: Indices) -> list[tuple[int, int]]:
    """Ranges of whole videos of about CHUNK_SNIPPETS snippets."""
    chunk = np.cumsum(lengths) // CHUNK_SNIPPETS
    firsts = np.flatnonzero(np.diff(chunk, prepend=-1))
    return list(zip(firsts.tolist(), [*firsts[1:].tolist(), len(lengths)], strict=True))
