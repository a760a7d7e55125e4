"""The optimizer of a training: Adam, its learning rate, and steps that a loss which is not finite skips."""

from __future__ import annotations

import torch
from torch import Tensor

from trainables.base_models import BaseModel
from trainables.config import TrainingConfig


def adam(model: BaseModel, config: TrainingConfig, capturable: bool = False) -> torch.optim.Adam:
    """Adam as configured. capturable: its steps need no host-device synchronisation; a CUDA graph can hold them."""
    parameters = list(model.parameters())
    device = parameters[0].device
    # The fused kernel rounds differently. On the CPU RefineLoc follows the reference implementation to the last bit, so
    # it is off there unless a model says that it may be used; on CUDA bits differ anyway, and one launch is faster.
    return torch.optim.Adam(
        parameters,
        # A captured step repeats the numbers that it was launched with; a rate that changes must be read from memory.
        lr=torch.tensor(config.lr, dtype=torch.float32, device=device) if capturable else config.lr,
        weight_decay=config.weight_decay,
        fused=capturable or device.type == "cuda" or model.fused_optimizer,
        capturable=capturable and device.type == "cuda",
    )


def keep_in_place(optimizer: torch.optim.Optimizer, rate: float | Tensor) -> None:
    """Write the learning rate into the tensor that captured steps read; schedules of older torch replace it."""
    if isinstance(rate, Tensor):
        rate.fill_(float(optimizer.param_groups[0]["lr"]))
        optimizer.param_groups[0]["lr"] = rate


def lr_schedule(
    optimizer: torch.optim.Optimizer, config: TrainingConfig
) -> torch.optim.lr_scheduler.ReduceLROnPlateau | None:
    if config.lr_decay == 1:
        return None
    return torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="min", factor=config.lr_decay, patience=config.lr_patience, threshold=1e-4
    )


def step_if_finite(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """A step, skipped where the loss is NaN or infinite (released code: NaN)."""
    if optimizer.defaults["fused"]:
        # The fused kernel skips the step where found_inf is 1 (the attribute that torch's GradScaler sets); testing
        # the loss in Python would be a host-device synchronisation.
        optimizer.found_inf = (~torch.isfinite(loss)).float()  # type: ignore[attr-defined]
        optimizer.step()
    elif torch.isfinite(loss):
        optimizer.step()
