"""Batches of whole videos of unequal length: no padding, no loop over videos.

``SplitTensors`` is a split on a device; on the CPU its features share memory with the split's array. An epoch is
planned at once in numpy (which rows, whose video), so that a training step is a few gathers.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainables.attention import VideoLayout
from trainables.datasets.contract import Split

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Batch:
    """N snippets of V whole videos.

    features: (N, D). layout: whose each snippet is. target_VC: rows sum to 1. label_N: int8 pseudo labels, None
    where a model trains without. background_share: phi of the split's pseudo labels.
    """

    features: Tensor
    layout: VideoLayout
    target_VC: Tensor
    label_N: Tensor | None
    background_share: float


class FeatureStore:
    """Feature arrays as tensors of one device and dtype, converted once and kept across trials of a process."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        self._tensors: dict[int, tuple[npt.NDArray[np.float32], Tensor]] = {}

    def tensor(self, features: npt.NDArray[np.float32]) -> Tensor:
        """``features`` on the device; on the CPU in float32 the same memory, never a copy."""
        if id(features) not in self._tensors:
            with warnings.catch_warnings():
                # Arrays from Ray's object store are read-only; nothing here writes to them.
                warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
                shared = torch.from_numpy(features)
            # The array is kept beside its tensor: its id stays taken while the entry lives.
            self._tensors[id(features)] = features, shared.to(self.device, self.dtype)
        return self._tensors[id(features)][1]


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
        cls, split: Split, num_classes: int, multi_label: Literal["first", "multi_hot"], store: FeatureStore
    ) -> SplitTensors:
        """Without pseudo labels, as iteration 0 trains. Videos without snippets or labels are left out."""
        usable = np.flatnonzero((split.lengths > 0) & np.array([bool(v.labels) for v in split.videos]))
        if len(usable) < len(split):
            split = split.subset(usable, split.name)
        targets = torch.from_numpy(video_targets(split, num_classes, multi_label))
        return cls(split, store.tensor(split.features), targets.to(store.device))

    def with_labels(self, labels: npt.NDArray[np.int8], background_share: float) -> SplitTensors:
        """The same videos with pseudo labels of their N snippets."""
        return replace(
            self, labels=torch.from_numpy(labels).to(self.features.device), background_share=background_share
        )

    def batches(self, order: Indices, batch_videos: int) -> Iterator[Batch]:
        """Batches of the videos ``order``; the last one may be smaller."""
        lengths, starts = self.split.lengths[order], self.split.starts[order]
        device = self.features.device
        rows = torch.from_numpy(_ranges(starts, lengths)).to(device)
        snippets = torch.from_numpy(_ranges(self.split.offsets[order], lengths)).to(device)
        whole = VideoLayout.of(lengths, device)
        targets = self.targets[torch.from_numpy(order).to(device)]
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        for begin in range(0, len(order), batch_videos):
            end = min(begin + batch_videos, len(order))
            window = slice(int(bounds[begin]), int(bounds[end]))
            if np.array_equal(starts[begin + 1 : end], starts[begin : end - 1] + lengths[begin : end - 1]):
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
            )


def video_targets(
    split: Split, num_classes: int, multi_label: Literal["first", "multi_hot"]
) -> npt.NDArray[np.float32]:
    """Target distribution of each video, shape (V, C): its first class (released), or equal shares (D24)."""
    targets = np.zeros((len(split), num_classes), dtype=np.float32)
    for v, video in enumerate(split.videos):
        labels = list(video.labels[:1] if multi_label == "first" else video.labels)
        targets[v, labels] = 1 / max(len(labels), 1)
    return targets


def _ranges(starts: Indices, lengths: Indices) -> Indices:
    """start, start + 1, ... of each range, one after another, shape (sum of lengths,)."""
    before = np.cumsum(lengths) - lengths
    return np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths)
