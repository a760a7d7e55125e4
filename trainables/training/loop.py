"""One training: epochs of steps, validation losses, and scores of the trained model (paper, section 4.1; refineloc.md,
section 6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from trainables.base_models import BaseModel, Losses
from trainables.batching import Batch, SplitTensors
from trainables.config import TrainingConfig
from trainables.data import Split
from trainables.labels import SnippetScores
from trainables.report import LossValues
from trainables.training.optimizer import step_if_finite
from trainables.training.state import Measure, Trained, TrainingState

EpochBatches = Callable[[int], Iterable[Batch]]


def train(
    model: BaseModel,
    batches: EpochBatches,
    valid: SplitTensors,
    config: TrainingConfig,
    dtype: torch.dtype = torch.float32,
    measure: Measure | None = None,
    valid_shuffling: np.random.Generator | None = None,
) -> Trained:
    """Train ``model`` in place and return its chosen and last weights; batches: epoch -> its batches.

    valid_shuffling: shuffles the validation videos anew in each epoch (D39, released); None: their order is fixed.

    Raises NonFiniteLoss.
    """
    state = TrainingState(model, config, measure)
    epoch = 0
    while not state.ended:
        trained = train_epoch(model, batches(epoch), state.optimizer, dtype)
        state.end_epoch(trained, validation_losses(model, valid, dtype, valid_shuffling))
        epoch += 1
    return state.result()


def train_epoch(
    model: BaseModel, batches: Iterable[Batch], optimizer: torch.optim.Optimizer, dtype: torch.dtype
) -> LossValues:
    """A step for each batch. The device is read once, at the end."""
    model.train()
    totals: list[Tensor] = []
    for batch in batches:
        optimizer.zero_grad(set_to_none=True)
        with autocast(batch.features.device, dtype):
            logits = model(batch.features)
        # Outside of autocast: softmax and logarithms of bfloat16 are too coarse.
        losses = model.losses(logits, batch)
        loss = losses.total.mean()
        loss.backward()
        step_if_finite(optimizer, loss.detach())
        totals.append(torch.stack([part.detach().mean() for part in losses]))
    # float64, as the joint trainer sums: the mean of many batches keeps the digits of each. One copy to the host.
    return LossValues(*torch.stack(totals).double().mean(dim=0).tolist())


@torch.no_grad()
def validation_losses(
    model: BaseModel, data: SplitTensors, dtype: torch.dtype, shuffling: np.random.Generator | None = None
) -> LossValues:
    """Losses of a split, batched as in training since the mean of batch means depends on it.

    The released code shuffles these videos in every epoch (``shuffling``); the noise of that mean then drives the
    learning rate and the choice of the epoch (D39). None: the split's own order.
    """
    model.eval()
    totals: list[Tensor] = []
    for batch in model.validation_batches(data, shuffling):
        with autocast(batch.features.device, dtype):
            logits = model(batch.features)
        losses: Losses = model.losses(logits, batch)
        totals.append(torch.stack([part.mean() for part in losses]))
    return LossValues(*torch.stack(totals).double().mean(dim=0).tolist())


def score_split(model: BaseModel, data: SplitTensors, dtype: torch.dtype = torch.float32) -> SnippetScores:
    """Scores of all snippets of a split."""
    return score_features(model, model.scoring_features(data), data.split, dtype)


@torch.no_grad()
def score_features(
    model: BaseModel, chunks: Iterable[Tensor], split: Split, dtype: torch.dtype = torch.float32
) -> SnippetScores:
    """Scores of all snippets of a split, whose features come a few whole videos at a time."""
    model.eval()
    parts: list[tuple[Tensor, ...]] = []
    for features in chunks:
        with autocast(features.device, dtype):
            parts.append(model.readout(features))
    columns = [torch.cat(column) for column in zip(*parts, strict=True)]
    parts.clear()  # class scores of every snippet: the largest thing that a trial has for itself
    return model.scores(*columns, split=split)


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Matrix products in ``dtype``; weights and losses stay in float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16)
