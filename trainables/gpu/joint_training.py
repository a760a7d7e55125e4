"""Training several runs together, in steps of fixed shapes: the path of the GPU, and of runs that share a process.

All runs train on the same batches (their replicate seed and iteration are the same) with labels, beta and learning
rate of their own; each has its own optimizer, schedule and choice of the epoch, as alone. Numbers differ from those
of ``training.train`` by rounding only.

K: runs, V: videos of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainables.base_models import RefineLoc, snippet_losses
from trainables.batching import ResidentSplit, SplitTensors, batch_lengths, fixed_size
from trainables.gpu.cuda_graph import Replayed, recording_pool, to_device
from trainables.gpu.refineloc_stack import RefineLocStack
from trainables.labels import HIDDEN
from trainables.report import LossValues
from trainables.training import (
    Course,
    Measure,
    NonFiniteLoss,
    Trained,
    Weights,
    adam,
    autocast,
    step_if_finite,
)

Order = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Share:
    """What one run brings to a joint training: initial weights, beta, and the splits with its labels (or without)."""

    weights: Weights
    beta: float
    train: SplitTensors
    valid: SplitTensors
    measure: Measure | None = None


class JointTrainer:
    """Trains K models of one architecture on one pair of splits; recordings stay valid from training to training."""

    def __init__(
        self, models: Sequence[RefineLoc], train: SplitTensors, valid: SplitTensors, dtype: torch.dtype, fixed: bool
    ) -> None:
        """models: one for each place, on the device; their weights are overwritten. fixed: batches of few sizes, as
        recordings need them; else each has the size of its videos."""
        self.models, self.dtype, self.fixed = list(models), dtype, fixed
        self.run = self.models[0].run
        self.lengths = train.split.lengths
        self.device = train.features.device
        self.train_split, self.valid_split = (ResidentSplit.of(data, len(self.models)) for data in (train, valid))
        self.stack = RefineLocStack(self.models)
        self.optimizers = [adam(model, self.run.training, fixed) for model in self.models]
        self.beta_K = torch.zeros(len(self.models), device=self.device)
        self.losses = {name: torch.zeros((3, len(self.models)), dtype=torch.float64, device=self.device)
                       for name in ("train", "valid")}  # fmt: skip
        self._valid_videos = torch.arange(len(valid.split), device=self.device)
        self._valid_sizes = batch_lengths(valid.split.lengths, self.run.training.batch_videos)
        self._pool = recording_pool(self.device) if fixed else None
        self._steps: dict[tuple[int, int], tuple[Tensor, Replayed]] = {}
        self._validate = Replayed(self._validation, self._pool)

    def holds(self, runs: int) -> bool:
        """Whether so many runs are to train here: recordings are worth keeping while fewer than half of their places
        stay empty, and without them an empty place only costs."""
        places = len(self.models)
        return runs <= places < 2 * runs if self.fixed else runs == places

    def train(self, shares: Sequence[Share], order_of_epoch: Callable[[], Order]) -> list[Trained | NonFiniteLoss]:
        """Train from the shares' weights; in place of the result of a run whose loss is not finite, the error.

        shares: for as many places as there are, or for the first ones. order_of_epoch: the videos' numbers in the
        next epoch's order.
        """
        self._take(shares)
        courses = [
            Course(model, self.run.training, share.measure, optimizer)
            for model, share, optimizer in zip(self.models, shares, self.optimizers, strict=False)
        ]
        results: list[Trained | NonFiniteLoss | None] = [None] * len(courses)
        while not all(course.ended for course in courses):
            self._epoch(order_of_epoch())
            self._validate()
            # The one look at the device in an epoch.
            trained, validated = torch.stack([self.losses["train"], self.losses["valid"]]).tolist()
            for k, course in enumerate(courses):
                if course.ended:
                    continue  # it is computed along with the others, and thrown away
                try:
                    course.end_epoch(*(LossValues(*(part[k] for part in values)) for values in (trained, validated)))
                except NonFiniteLoss as error:
                    results[k] = error
        return [result or course.result() for result, course in zip(results, courses, strict=True)]

    def _take(self, shares: Sequence[Share]) -> None:
        """Overwrite in place, as recordings know the places only."""
        for k, (share, model, optimizer) in enumerate(zip(shares, self.models, self.optimizers, strict=False)):
            model.load_state_dict(share.weights)
            renew(optimizer, self.run.training.lr)
            self.beta_K[k] = share.beta
            for resident, data in ((self.train_split, share.train), (self.valid_split, share.valid)):
                resident.background_share[k] = data.background_share
                if data.labels is None:
                    resident.labels[k] = HIDDEN
                else:
                    resident.labels[k].copy_(data.labels)

    def _epoch(self, order: Order) -> None:
        self.losses["train"].zero_()
        size = self.run.training.batch_videos
        videos = to_device(torch.from_numpy(order), self.device)
        totals = batch_lengths(self.lengths[order], size)
        typical = int(self.lengths.mean() * size)
        for batch, total in enumerate(totals):
            part = videos[batch * size : (batch + 1) * size]
            known, step = self._step(len(part), fixed_size(total, typical) if self.fixed else total)
            known.copy_(part)
            step()
        self.losses["train"] /= len(totals)

    def _step(self, videos: int, size: int) -> tuple[Tensor, Replayed]:
        """The training step of batches of this shape, and where it reads the numbers of its videos."""
        if (videos, size) not in self._steps:
            known = torch.zeros(videos, dtype=torch.int64, device=self.device)
            step = Replayed(lambda: self._descend(known, size), self._pool)
            self._steps[videos, size] = known, step
        return self._steps[videos, size]

    def _descend(self, videos_V: Tensor, size: int) -> None:
        self.stack.clear_gradients()
        losses = self._losses(self.train_split, videos_V, size)
        losses[0].sum().backward()
        self.stack.share_gradients()
        for optimizer, loss in zip(self.optimizers, losses[0].detach(), strict=True):
            step_if_finite(optimizer, loss)
        self.losses["train"] += losses.detach()

    @torch.no_grad()
    def _validation(self) -> None:
        """Batched as in training, since the mean of batch means depends on it."""
        self.losses["valid"].zero_()
        videos = self._valid_videos.split(self.run.training.batch_videos)
        for part, size in zip(videos, self._valid_sizes, strict=True):
            self.losses["valid"] += self._losses(self.valid_split, part, size)
        self.losses["valid"] /= len(videos)

    def _losses(self, data: ResidentSplit, videos_V: Tensor, size: int) -> Tensor:
        """Total, video and pseudo-label loss of each run, means over the videos; (3, K)."""
        batch = data.batch(videos_V, size)
        with autocast(self.device, self.dtype):
            logits = self.stack.forward(batch.features)
        runs, count = len(self.models), len(videos_V) + 1
        beta_V = self.beta_K.repeat_interleave(count, output_size=runs * count)
        parts = torch.stack(list(snippet_losses(logits, batch, self.run.loss, beta_V)))
        return parts.view(3, runs, count)[:, :, :-1].mean(dim=2)


def renew(optimizer: torch.optim.Adam, lr: float) -> None:
    """As if it were new, in place."""
    for state in optimizer.state.values():
        for value in state.values():
            value.zero_()
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr
