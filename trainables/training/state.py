"""A training between two epochs: its learning rate, its curve, and the epoch that it chooses."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from trainables.base_models import BaseModel
from trainables.config import TrainingConfig
from trainables.report import LossValues
from trainables.training.optimizer import adam, keep_in_place, lr_schedule

Weights = dict[str, Tensor]
Measure = Callable[[BaseModel], float]


class NonFiniteLoss(ArithmeticError):
    """An epoch's loss is NaN or infinite: the run cannot go on."""


@dataclass(frozen=True)
class EpochRecord:
    """lr: the rate of its steps. map: of the validation split, percent; None unless it chooses the epoch."""

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


class TrainingState:
    """The state of one training: optimizer, learning rate, curve, and the chosen epoch.

    The learning rate follows the validation loss; the epoch that ``config.choice`` prefers is chosen, ties go to the
    later one, as released. measure: mAP of the model as it is, for the choice ``best_map``. optimizer: one in the
    state of a new one; None makes one.
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
        # The object itself: captured steps read this tensor, while the schedule may put another one in its place.
        self._rate = self.optimizer.param_groups[0]["lr"]
        self._schedule = lr_schedule(self.optimizer, config)
        self._curve: list[EpochRecord] = []
        # A copy, not model.state_dict(): that shares memory with the model, and the released code's "best" weights
        # therefore are those of the last epoch (D20).
        self._best, self._chosen, self._highest = snapshot(model), 0, -math.inf
        self._last: Weights = {}

    def end_epoch(self, trained: LossValues, validated: LossValues) -> None:
        """Record an epoch: decay the learning rate, choose the epoch, decide whether to stop. Raises NonFiniteLoss."""
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
            keep_in_place(self.optimizer, self._rate)
        worth = _worth(self._curve[-1], config)
        if worth >= self._highest:
            self._best, self._chosen, self._highest = snapshot(self.model), epoch, worth
        elif config.early_stopping is not None and epoch - self._chosen >= config.early_stopping:
            self.ended = True
        self.ended |= epoch + 1 == config.epochs
        if self.ended:
            self._last = snapshot(self.model)

    def result(self) -> Trained:
        """The chosen and the last weights of a training that has ended."""
        return Trained(self._best, self._last, self._chosen, self._curve)


def _worth(record: EpochRecord, config: TrainingConfig) -> float:
    """What the choice of the epoch maximises."""
    if config.choice == "lowest_loss":
        return -record.valid.total
    if config.choice == "last":
        return record.epoch
    assert record.map is not None, "best_map needs a measure"
    return record.map


def snapshot(model: BaseModel) -> Weights:
    """A copy of the weights."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
