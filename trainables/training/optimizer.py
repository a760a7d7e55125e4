"""The optimizer of a training: Adam, its learning rate, and steps that a loss which is not finite skips."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import unwrap
from typing import Any

import torch
from torch import Tensor

from trainables.base_models import BaseModel
from trainables.config import TrainingConfig

ALIGNED = 16  # float32 numbers in 64 bytes: matrix products may round by the alignment of what they read


class FlatAdam(torch.optim.Adam):
    """Adam of all parameters as one vector: the same numbers, to the last bit, in a sixth of the calls.

    A small model's step is mostly the cost of calling an operation on each parameter. The parameters become views of
    the vector, so both always hold the same values.

    Torch's own methods are called without what it wraps around them for ``torch.compile``: at the first call that
    imports torch's compiler and sympy, nearly a second of each worker's start.
    """

    def __init__(self, parameters: Sequence[torch.nn.Parameter], **options: Any) -> None:
        """options: of torch's Adam. parameters: float32, on one device; each takes part in every loss."""
        self._parameters = list(parameters)
        sizes = [-(-parameter.numel() // ALIGNED) * ALIGNED for parameter in self._parameters]
        values = torch.zeros(sum(sizes), device=self._parameters[0].device)
        gradients = torch.zeros_like(values)
        self._gradients: list[Tensor] = []
        for parameter, value, gradient in zip(
            self._parameters, values.split(sizes), gradients.split(sizes), strict=True
        ):
            view = value[: parameter.numel()].view_as(parameter)
            view.copy_(parameter.detach())
            parameter.data = view
            self._gradients.append(gradient[: parameter.numel()].view_as(parameter))
        vector = torch.nn.Parameter(values)
        vector.grad = gradients
        super().__init__([vector], foreach=False, **options)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Those of the model's parameters; the vector's are overwritten by each step."""
        for parameter in self._parameters:
            parameter.grad = None

    def step(self, closure: Any = None) -> Any:
        for parameter, gradient in zip(self._parameters, self._gradients, strict=True):
            assert parameter.grad is not None, "a backward pass comes first"
            gradient.copy_(parameter.grad)
        with torch.no_grad():
            return unwrap(torch.optim.Adam.step)(self, closure)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        unwrap(torch.optim.Adam.add_param_group)(self, param_group)


def adam(model: BaseModel, config: TrainingConfig, capturable: bool = False, moves: bool = True) -> torch.optim.Adam:
    """Adam as configured. capturable: its steps need no host-device synchronisation; a CUDA graph can hold them.
    moves: the parameters may become views of one vector; not where they are views of something else."""
    parameters = list(model.parameters())
    device = parameters[0].device
    # The fused kernel rounds differently. On the CPU RefineLoc follows the reference implementation to the last bit, so
    # it is off there unless a model says that it may be used; on CUDA bits differ anyway, and one launch is faster.
    fused = capturable or device.type == "cuda" or model.fused_optimizer
    if moves and not fused:
        return FlatAdam(parameters, lr=config.lr, weight_decay=config.weight_decay)
    return torch.optim.Adam(
        parameters,
        # A captured step repeats the numbers that it was launched with; a rate that changes must be read from memory.
        lr=torch.tensor(config.lr, dtype=torch.float32, device=device) if capturable else config.lr,
        weight_decay=config.weight_decay,
        fused=fused,
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
