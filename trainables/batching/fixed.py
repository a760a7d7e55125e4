"""Batches of whole videos in fixed shapes, gathered on the device by the videos' numbers.

A batch holds ``size`` snippets: those of its videos, then padding, which is the snippets of one more video that has no
class and no label and that counts in no mean. The only input of a training step is therefore a vector of video
numbers: a CUDA graph captured for one size serves every batch of that size.

V: videos of a batch, N: its snippets with the padding, K: runs that train together, C: classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import pad

from trainables.batching.layout import VideoLayout
from trainables.batching.videos import Batch, SplitTensors
from trainables.data import HIDDEN

SIZES_PER_OCTAVE = 8  # batch sizes between N and 2 N: at most an eighth of a batch is padding


@dataclass(frozen=True, eq=False)
class DeviceSplit:
    """A split on the device. starts, lengths, offsets: of its videos, (videos,). targets: (videos + 1, C), last the
    padding's zeros. labels: (K, snippets), int8, and background_share: (K,), both overwritten for each training."""

    features: Tensor
    starts: Tensor
    lengths: Tensor
    offsets: Tensor
    targets: Tensor
    labels: Tensor
    background_share: Tensor
    longest: int

    @classmethod
    def of(cls, data: SplitTensors, runs: int) -> DeviceSplit:
        device, split = data.features.device, data.split
        starts, lengths, offsets = (
            torch.from_numpy(column).to(device) for column in (split.starts, split.lengths, split.offsets[:-1])
        )
        return cls(
            features=data.features,
            starts=starts,
            lengths=lengths,
            offsets=offsets,
            targets=pad(data.targets, (0, 0, 0, 1)),
            labels=torch.full((runs, split.num_snippets), HIDDEN, dtype=torch.int8, device=device),
            background_share=torch.zeros(runs, device=device),
            longest=int(split.lengths.max()),
        )

    def batch(self, videos_V: Tensor, size: int) -> Batch:
        """The snippets of these videos and padding, N = ``size`` together, once for each of the K runs.

        Features are (N, D), the same for all runs; everything else counts run after run: (K N,), (K (V + 1), C).
        """
        runs, count = len(self.labels), len(videos_V) + 1
        end_V = self.lengths[videos_V].cumsum(0)
        place_N = torch.arange(size, device=end_V.device)
        video_N = torch.searchsorted(end_V, place_N, right=True)  # the padding's is V
        begin_V = pad(end_V, (1, 0))
        # The padding's snippets share places where it is longer than any video: what they hold counts nowhere.
        time_N = (place_N - begin_V[video_N]) % self.longest
        start_V, offset_V = (pad(column[videos_V], (0, 1)) for column in (self.starts, self.offsets))
        label_KN = self.labels[:, offset_V[video_N] + time_N].masked_fill(video_N == count - 1, HIDDEN)
        run_K = torch.arange(runs, device=end_V.device)
        # -1 is the last row of the targets, the padding's zeros.
        target_VC = self.targets[pad(videos_V, (0, 1), value=-1)]
        return Batch(
            features=self.features.index_select(0, start_V[video_N] + time_N),
            layout=VideoLayout(
                (run_K[:, None] * count + video_N).flatten(), time_N.repeat(runs), runs * count, self.longest
            ),
            target_VC=target_VC.repeat(runs, 1),
            label_N=label_KN.flatten(),
            background_share=self.background_share.repeat_interleave(size, output_size=runs * size),
            lengths=np.empty(0, np.int64),
        )


def fixed_size(snippets: int, typical: int) -> int:
    """The smallest batch size that holds so many snippets, in steps of an eighth of a ``typical`` batch's octave."""
    step = max(1, 2 ** int(np.log2(max(typical, 1))) // SIZES_PER_OCTAVE)
    return -(-snippets // step) * step


def batch_lengths(lengths: npt.NDArray[np.int64], batch_videos: int) -> list[int]:
    """Snippets of each batch of consecutive videos."""
    firsts = np.arange(0, len(lengths), batch_videos)
    return [int(total) for total in np.add.reduceat(lengths, firsts)] if len(lengths) else []
