"""One training: epochs, learning-rate decay, choice of the epoch (paper, section 4.1; refineloc.md, section 6)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainables.base_models.contract import BaseModel, Losses, SnippetLogits
from trainables.batches import SplitTensors
from trainables.config import TrainingConfig
from trainables.scores import SnippetScores

Weights = dict[str, Tensor]
EpochOrder = Callable[[int], npt.NDArray[np.int64]]

# Snippets per forward pass when scoring: bounds the memory of the hidden layer, large enough to fill a device.
CHUNK_SNIPPETS = 16_384


class NonFiniteLoss(ArithmeticError):
    """An epoch's loss is NaN or infinite: the run cannot go on."""


class LossValues(NamedTuple):
    """Mean over batches of the mean over videos: total, video part, pseudo-label part (unweighted by beta)."""

    total: float
    video: float
    pseudo: float


@dataclass(frozen=True)
class EpochRecord:
    """lr: the rate that this epoch's steps used."""

    epoch: int
    train: LossValues
    valid: LossValues
    lr: float


@dataclass(frozen=True)
class Trained:
    """best: copy of the weights at ``chosen_epoch``, the one of lowest validation loss. last: of the last epoch."""

    best: Weights
    last: Weights
    chosen_epoch: int
    curve: list[EpochRecord] = field(default_factory=list)


def train(
    model: BaseModel,
    train: SplitTensors,
    valid: SplitTensors,
    config: TrainingConfig,
    order: EpochOrder,
    dtype: torch.dtype = torch.float32,
) -> Trained:
    """Train ``model`` in place and return its best and last weights.

    order: epoch -> permutation of the training videos. The learning rate follows the validation loss; the epoch
    of the lowest validation loss is chosen, ties go to the later one, as released. Raises NonFiniteLoss.
    """
    # A copy, not model.state_dict(): that shares memory with the model, and the released code's "best" weights
    # therefore are those of the last epoch (D20).
    best, chosen, lowest = snapshot(model), 0, math.inf
    # On the CPU not fused: the fused kernel rounds differently from the reference implementation.
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr, fused=train.features.is_cuda)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="min", factor=config.lr_decay, patience=config.lr_patience, threshold=1e-4
    )
    curve: list[EpochRecord] = []
    for epoch in range(config.epochs):
        lr = float(optimizer.param_groups[0]["lr"])
        trained = train_epoch(model, train, optimizer, order(epoch), config.batch_videos, dtype)
        validated = validation_losses(model, valid, config.batch_videos, dtype)
        curve.append(EpochRecord(epoch, trained, validated, lr))
        if not (math.isfinite(trained.total) and math.isfinite(validated.total)):
            raise NonFiniteLoss(
                f"epoch {epoch}: loss is not finite (train {trained.total}, validation {validated.total}); "
                f"lower training.lr (now {lr:g}) or loss.beta"
            )
        schedule.step(validated.total)
        if validated.total <= lowest:
            best, chosen, lowest = snapshot(model), epoch, validated.total
        elif config.early_stopping is not None and epoch - chosen >= config.early_stopping:
            break
    return Trained(best, snapshot(model), chosen, curve)


def train_epoch(
    model: BaseModel,
    data: SplitTensors,
    optimizer: torch.optim.Optimizer,
    order: npt.NDArray[np.int64],
    batch_videos: int,
    dtype: torch.dtype,
) -> LossValues:
    """One pass over the training videos. The device is read once, at the end."""
    model.train()
    totals: list[Tensor] = []
    for batch in data.batches(order, batch_videos):
        optimizer.zero_grad(set_to_none=True)
        with autocast(batch.features.device, dtype):
            logits = model(batch.features)
        losses = model.losses(logits, batch)
        loss = losses.total.mean()
        loss.backward()
        step_if_finite(optimizer, loss.detach())
        totals.append(torch.stack([part.detach().mean() for part in losses]))
    return LossValues(*torch.stack(totals).double().mean(dim=0).tolist())


def step_if_finite(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """A step, skipped where the loss is NaN or infinite (released code: NaN)."""
    if loss.is_cuda:
        # The fused optimizer skips the step by itself; looking at the loss here would wait for the device.
        optimizer.found_inf = (~torch.isfinite(loss)).float()  # type: ignore[attr-defined]
        optimizer.step()
    elif torch.isfinite(loss):
        optimizer.step()


@torch.no_grad()
def validation_losses(model: BaseModel, data: SplitTensors, batch_videos: int, dtype: torch.dtype) -> LossValues:
    """Losses of a split in its own order, batched as in training since the mean of batch means depends on it."""
    model.eval()
    totals: list[Tensor] = []
    for batch in data.batches(np.arange(len(data.split)), batch_videos):
        with autocast(batch.features.device, dtype):
            logits = model(batch.features)
        losses: Losses = model.losses(logits, batch)
        totals.append(torch.stack([part.mean() for part in losses]))
    return LossValues(*torch.stack(totals).double().mean(dim=0).tolist())


@torch.no_grad()
def score_split(model: BaseModel, data: SplitTensors, dtype: torch.dtype = torch.float32) -> SnippetScores:
    """Scores of all snippets of a split."""
    model.eval()
    starts, lengths = data.split.starts, data.split.lengths
    parts: list[SnippetLogits] = []
    for first, end in _chunks(lengths):
        rows = [slice(int(starts[v]), int(starts[v] + lengths[v])) for v in range(first, end)]
        if all(a.stop == b.start for a, b in pairwise(rows)):
            features = data.features[rows[0].start : rows[-1].stop]
        else:
            features = torch.cat([data.features[row] for row in rows])
        with autocast(features.device, dtype):
            parts.append(model(features))
    logits = SnippetLogits(*(torch.cat(columns) for columns in zip(*parts, strict=True)))
    return model.scores(logits, data.split.offsets)


def _chunks(lengths: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Ranges of whole videos of about CHUNK_SNIPPETS snippets."""
    chunk = np.cumsum(lengths) // CHUNK_SNIPPETS
    firsts = np.flatnonzero(np.diff(chunk, prepend=-1))
    return list(zip(firsts.tolist(), [*firsts[1:].tolist(), len(lengths)], strict=True))


def snapshot(model: BaseModel) -> Weights:
    """A copy of the weights."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Matrix products in ``dtype``; weights and losses stay in float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16)
