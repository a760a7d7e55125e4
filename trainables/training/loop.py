"""One training: epochs, learning-rate decay, choice of the epoch (paper, section 4.1; refineloc.md, section 6)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from trainables.base_models import BaseModel, Losses
from trainables.batching import Batch, SplitTensors
from trainables.config import TrainingConfig
from trainables.data import Split
from trainables.labels import SnippetScores
from trainables.report import LossValues

Weights = dict[str, Tensor]
EpochBatches = Callable[[int], Iterable[Batch]]
Measure = Callable[[BaseModel], float]


class NonFiniteLoss(ArithmeticError):
    """An epoch's loss is NaN or infinite: the run cannot go on."""


@dataclass(frozen=True)
class EpochRecord:
    """lr: the rate that this epoch's steps used. map: of the validation split, percent, where it was asked for."""

    epoch: int
    train: LossValues
    valid: LossValues
    lr: float
    map: float | None = None


@dataclass(frozen=True)
class Trained:
    """best: copy of the weights at ``chosen_epoch`` (``training.choice``). last: of the last epoch."""

    best: Weights
    last: Weights
    chosen_epoch: int
    curve: list[EpochRecord] = field(default_factory=list)


class Course:
    """A model on its way through the epochs: its optimizer, its learning rate, and the epoch that it chooses.

    The learning rate follows the validation loss; the epoch that ``config.choice`` prefers is chosen, ties go to the
    later one, as released. measure: mAP of the model as it is, for the choice ``best_map``. optimizer: one that was
    used before and is as new again; None makes one.
    """

    def __init__(
        self,
        model: BaseModel,
        config: TrainingConfig,
        measure: Measure | None = None,
        optimizer: torch.optim.Adam | None = None,
    ) -> None:
        self.model, self.config, self.measure = model, config, measure
        self.optimizer = optimizer or adam(model, config)
        self.ended = False
        self._rate = self.optimizer.param_groups[0]["lr"]
        self._schedule = _lr_schedule(self.optimizer, config)
        self._curve: list[EpochRecord] = []
        # A copy, not model.state_dict(): that shares memory with the model, and the released code's "best" weights
        # therefore are those of the last epoch (D20).
        self._best, self._chosen, self._highest = snapshot(model), 0, -math.inf
        self._last: Weights = {}

    def end_epoch(self, trained: LossValues, validated: LossValues) -> None:
        """Take in an epoch; raises NonFiniteLoss."""
        config, epoch, lr = self.config, len(self._curve), float(self.optimizer.param_groups[0]["lr"])
        measured = self.measure(self.model) if self.measure and config.choice == "best_map" else None
        self._curve.append(EpochRecord(epoch, trained, validated, lr, measured))
        if not (math.isfinite(trained.total) and math.isfinite(validated.total)):
            self.ended = True
            raise NonFiniteLoss(
                f"epoch {epoch}: loss is not finite (train {trained.total}, validation {validated.total}); "
                f"lower training.lr (now {lr:g}) or loss.beta"
            )
        if self._schedule:
            self._schedule.step(validated.total)
            keep_place(self.optimizer, self._rate)
        worth = _worth(self._curve[-1], config)
        if worth >= self._highest:
            self._best, self._chosen, self._highest = snapshot(self.model), epoch, worth
        elif config.early_stopping is not None and epoch - self._chosen >= config.early_stopping:
            self.ended = True
        self.ended |= epoch + 1 == config.epochs
        if self.ended:
            self._last = snapshot(self.model)

    def result(self) -> Trained:
        """The chosen and the last weights of a course that has ended."""
        return Trained(self._best, self._last, self._chosen, self._curve)


def train(
    model: BaseModel,
    batches: EpochBatches,
    valid: SplitTensors,
    config: TrainingConfig,
    dtype: torch.dtype = torch.float32,
    measure: Measure | None = None,
) -> Trained:
    """Train ``model`` in place and return its chosen and last weights; batches: epoch -> its batches.

    Raises NonFiniteLoss.
    """
    course = Course(model, config, measure)
    epoch = 0
    while not course.ended:
        trained = train_epoch(model, batches(epoch), course.optimizer, dtype)
        course.end_epoch(trained, validation_losses(model, valid, dtype))
        epoch += 1
    return course.result()


def adam(model: BaseModel, config: TrainingConfig, recordable: bool = False) -> torch.optim.Adam:
    """Adam as configured. recordable: steps that a GPU can replay; nothing of them depends on the host."""
    parameters = list(model.parameters())
    device = parameters[0].device
    # On the CPU not fused where it need not be: the fused kernel rounds differently from the reference implementation.
    return torch.optim.Adam(
        parameters,
        lr=torch.tensor(config.lr, dtype=torch.float32, device=device) if recordable else config.lr,
        weight_decay=config.weight_decay,
        fused=recordable or device.type == "cuda" or model.fused_optimizer,
        capturable=recordable and device.type == "cuda",
    )


def keep_place(optimizer: torch.optim.Optimizer, rate: float | Tensor) -> None:
    """Put the learning rate back where recorded steps read it; schedules of older torch replace the tensor."""
    if isinstance(rate, Tensor):
        rate.fill_(float(optimizer.param_groups[0]["lr"]))
        optimizer.param_groups[0]["lr"] = rate


def _lr_schedule(
    optimizer: torch.optim.Optimizer, config: TrainingConfig
) -> torch.optim.lr_scheduler.ReduceLROnPlateau | None:
    if config.lr_decay == 1:
        return None
    return torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="min", factor=config.lr_decay, patience=config.lr_patience, threshold=1e-4
    )


def _worth(record: EpochRecord, config: TrainingConfig) -> float:
    """What the choice of the epoch maximises."""
    if config.choice == "lowest_loss":
        return -record.valid.total
    if config.choice == "last":
        return record.epoch
    assert record.map is not None, "best_map needs a measure"
    return record.map


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
        losses = model.losses(logits, batch)
        loss = losses.total.mean()
        loss.backward()
        step_if_finite(optimizer, loss.detach())
        totals.append(torch.stack([part.detach().mean() for part in losses]))
    return LossValues(*torch.stack(totals).double().mean(dim=0).tolist())


def step_if_finite(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """A step, skipped where the loss is NaN or infinite (released code: NaN)."""
    if optimizer.defaults["fused"]:
        # It skips the step by itself; looking at the loss here would wait for the device.
        optimizer.found_inf = (~torch.isfinite(loss)).float()  # type: ignore[attr-defined]
        optimizer.step()
    elif torch.isfinite(loss):
        optimizer.step()


@torch.no_grad()
def validation_losses(model: BaseModel, data: SplitTensors, dtype: torch.dtype) -> LossValues:
    """Losses of a split in its own order, batched as in training since the mean of batch means depends on it."""
    model.eval()
    totals: list[Tensor] = []
    for batch in model.validation_batches(data):
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


def snapshot(model: BaseModel) -> Weights:
    """A copy of the weights."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Matrix products in ``dtype``; weights and losses stay in float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16)
