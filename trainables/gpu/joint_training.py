"""Joint training: several runs in steps of fixed shapes, for a GPU and for runs that share a process.

All runs train on the same batches (replicate seed and iteration are the same) with their own labels, beta and learning
rate; each has its own optimizer, schedule and choice of the epoch, as when it trains alone. Numbers differ from those
of ``training.train`` by rounding only. On a GPU each step is captured as a CUDA graph.

K: runs, V: videos of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from trainables.base_models import RefineLoc, snippet_losses
from trainables.batching import DeviceSplit, SplitTensors, batch_lengths, epoch_order, fixed_size
from trainables.gpu.cuda_graph import CapturedGraph, graph_pool, to_device
from trainables.gpu.refineloc_stack import RefineLocStack
from trainables.labels import HIDDEN
from trainables.report import LossValues
from trainables.training import (
    Measure,
    NonFiniteLoss,
    Trained,
    TrainingState,
    Weights,
    adam,
    autocast,
    step_if_finite,
)

Part = Literal["train", "valid"]


@dataclass(frozen=True, eq=False)
class JointRun:
    """One run of a joint training: initial weights, beta, and the splits with its pseudo labels (or without)."""

    weights: Weights
    beta: float
    train: SplitTensors
    valid: SplitTensors
    measure: Measure | None = None


class JointTrainer:
    """Trains K models of one architecture on one pair of splits; its CUDA graphs serve training after training."""

    def __init__(
        self, models: Sequence[RefineLoc], train: SplitTensors, valid: SplitTensors, dtype: torch.dtype, captures: bool
    ) -> None:
        """models: one for each run, on the device; their weights are overwritten. captures: steps as CUDA graphs,
        which need batches of few sizes; else a batch has the size of its videos."""
        self.models, self.dtype, self.captures = list(models), dtype, captures
        self.run = self.models[0].run
        self.lengths = {"train": train.split.lengths, "valid": valid.split.lengths}
        self.device = train.features.device
        self.train_split, self.valid_split = (DeviceSplit.of(data, len(self.models)) for data in (train, valid))
        self.stack = RefineLocStack(self.models)
        self.optimizers = [adam(model, self.run.training, captures, moves=False) for model in self.models]
        self.beta_K = torch.zeros(len(self.models), device=self.device)
        self.losses = {name: torch.zeros((3, len(self.models)), dtype=torch.float64, device=self.device)
                       for name in ("train", "valid")}  # fmt: skip
        self._pool = graph_pool(self.device) if captures else None
        self._steps: dict[tuple[Part, int, int], tuple[Tensor, CapturedGraph]] = {}

    def holds(self, runs: int) -> bool:
        """Whether so many runs are to train here. Graphs are worth keeping while more than half of the models are
        used; without graphs an unused model only costs time."""
        models = len(self.models)
        return runs <= models < 2 * runs if self.captures else runs == models

    def train(
        self,
        runs: Sequence[JointRun],
        shuffling: np.random.Generator,
        valid_shuffling: np.random.Generator | None = None,
    ) -> list[Trained | NonFiniteLoss]:
        """Train from the runs' weights; in place of the result of a run whose loss is not finite, the error.

        runs: as many as there are models, or fewer. shuffling, valid_shuffling: of the training and the validation
        videos in every epoch; the latter None where their order is fixed.
        """
        self._load(runs)
        states = [
            TrainingState(model, self.run.training, run.measure, optimizer)
            for model, run, optimizer in zip(self.models, runs, self.optimizers, strict=False)
        ]
        results: list[Trained | NonFiniteLoss | None] = [None] * len(states)
        while not all(state.ended for state in states):
            self._epoch("train", shuffling)
            self._epoch("valid", valid_shuffling)
            # The only host-device synchronisation of an epoch.
            trained, validated = torch.stack([self.losses["train"], self.losses["valid"]]).tolist()
            for k, state in enumerate(states):
                if state.ended:
                    continue  # its model is still part of every step, but the numbers are dropped
                try:
                    state.end_epoch(*(LossValues(*(part[k] for part in values)) for values in (trained, validated)))
                except NonFiniteLoss as error:
                    results[k] = error
        return [result or state.result() for result, state in zip(results, states, strict=True)]

    def _load(self, runs: Sequence[JointRun]) -> None:
        """Overwrite weights, labels and beta in place: a captured graph reads fixed addresses."""
        # There may be fewer runs than models: those left over take part in every step, and their numbers are dropped.
        for k, (run, model, optimizer) in enumerate(zip(runs, self.models, self.optimizers, strict=False)):
            model.load_state_dict(run.weights)
            reset(optimizer, self.run.training.lr)
            self.beta_K[k] = run.beta
            for split, data in ((self.train_split, run.train), (self.valid_split, run.valid)):
                split.background_share[k] = data.background_share
                if data.labels is None:
                    split.labels[k] = HIDDEN
                else:
                    split.labels[k].copy_(data.labels)

    def _epoch(self, part: Part, shuffling: np.random.Generator | None) -> None:
        """All videos once: a step of training for each batch, or its losses. Validation is batched as training is,
        since the mean of batch means depends on it."""
        self.losses[part].zero_()
        size, lengths = self.run.training.batch_videos, self.lengths[part]
        order = epoch_order(len(lengths), shuffling)
        videos = to_device(torch.from_numpy(order), self.device)
        totals = batch_lengths(lengths[order], size)
        typical = int(lengths.mean() * size)
        for batch, total in enumerate(totals):
            chosen = videos[batch * size : (batch + 1) * size]
            numbers, step = self._step(part, len(chosen), fixed_size(total, typical) if self.captures else total)
            numbers.copy_(chosen)
            step()
        self.losses[part] /= len(totals)

    def _step(self, part: Part, videos: int, size: int) -> tuple[Tensor, CapturedGraph]:
        """The step for batches of this shape, and the tensor from which it reads its videos' numbers."""
        if (part, videos, size) not in self._steps:
            numbers = torch.zeros(videos, dtype=torch.int64, device=self.device)
            body = self._descend if part == "train" else self._validate
            step = CapturedGraph(lambda: body(numbers, size), self._pool)
            self._steps[part, videos, size] = numbers, step
        return self._steps[part, videos, size]

    def _descend(self, videos_V: Tensor, size: int) -> None:
        self.stack.clear_gradients()
        losses = self._losses(self.train_split, videos_V, size)
        # The runs share no weight, so the gradient of the sum holds each run's own.
        losses[0].sum().backward()
        self.stack.share_gradients()
        for optimizer, loss in zip(self.optimizers, losses[0].detach(), strict=True):
            step_if_finite(optimizer, loss)
        self.losses["train"] += losses.detach()

    @torch.no_grad()
    def _validate(self, videos_V: Tensor, size: int) -> None:
        self.losses["valid"] += self._losses(self.valid_split, videos_V, size)

    def _losses(self, data: DeviceSplit, videos_V: Tensor, size: int) -> Tensor:
        """Total, video and pseudo-label loss of each run, means over the videos; (3, K)."""
        batch = data.batch(videos_V, size)
        with autocast(self.device, self.dtype):
            logits = self.stack.forward(batch.features)
        runs, count = len(self.models), len(videos_V) + 1
        # output_size: torch need not read the length back from the device, which a capture does not allow.
        beta_V = self.beta_K.repeat_interleave(count, output_size=runs * count)
        parts = torch.stack(list(snippet_losses(logits, batch, self.run.loss, beta_V)))
        # Without the last video of each run, which is the padding.
        return parts.view(3, runs, count)[:, :, :-1].mean(dim=2)


def reset(optimizer: torch.optim.Adam, lr: float) -> None:
    """Back to the state of a new optimizer, in place."""
    for state in optimizer.state.values():
        for value in state.values():
            value.zero_()
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr
