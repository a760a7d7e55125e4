"""The device time and memory of one trial, measured by a run of two iterations of one epoch each. No Ray.

Two iterations go through everything that a trial does: features on the device, training without and with pseudo
labels, scores of all splits, predictions. What epochs beyond the first add to the peak is the order of their batches.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

import torch

from trainables.config import RunConfig
from trainables.data import Dataset
from trainables.gpu import resolve_device
from trainables.refinement.iteration import IterationResult
from trainables.refinement.refine import refine_together

EPOCHS = 1


@dataclass(frozen=True)
class TrialProbe:
    """device: its name, ``cpu`` without one. epoch_s: seconds of training per epoch. rest_s: seconds of an
    iteration beside that. peak_bytes: of torch's allocator. context_bytes: what the device held beside it, which is
    the CUDA context, and whatever else runs there. device_bytes: of the device in all. None on the CPU."""

    host: str
    device: str
    epoch_s: float
    rest_s: float
    peak_bytes: int | None = None
    context_bytes: int | None = None
    device_bytes: int | None = None

    @property
    def trial_bytes(self) -> int | None:
        """GPU memory of one trial in a process of its own."""
        return None if self.peak_bytes is None or self.context_bytes is None else self.peak_bytes + self.context_bytes

    def iteration_s(self, epochs: int) -> float:
        """Seconds of an iteration of so many epochs."""
        return epochs * self.epoch_s + self.rest_s


def probe_trial(config: RunConfig, data: Dataset, together: int = 1) -> TrialProbe:
    """Run a shortened trial, or some together, on the configured device; raises what a trial would, out of memory
    among it."""
    device = resolve_device(config)
    short = config.updated(
        {"training.epochs": EPOCHS, "refinement.iterations": 2, "refinement.patience": None}, source="probe"
    )
    context_before = _beside_allocator(device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    *_, ended = refine_together([short] * together, data)
    if not isinstance(ended[0], IterationResult):
        raise ended[0] or ValueError("the probe ended early")
    last = ended[0].report  # the first one pays for what is imported and compiled on the way
    training_s = last.training_s or 0.0
    epoch_s, rest_s = training_s / EPOCHS, max(last.seconds - training_s, 0.0)
    if device.type != "cuda":
        return TrialProbe(socket.gethostname(), "cpu", epoch_s, rest_s)
    return TrialProbe(
        socket.gethostname(),
        torch.cuda.get_device_name(device),
        epoch_s,
        rest_s,
        peak_bytes=torch.cuda.max_memory_reserved(device),
        context_bytes=max(context_before, _beside_allocator(device)),
        device_bytes=torch.cuda.mem_get_info(device)[1],
    )


def _beside_allocator(device: torch.device) -> int:
    """Bytes of the device that are taken, but not by torch's allocator in this process; 0 for the CPU."""
    if device.type != "cuda":
        return 0
    free, total = torch.cuda.mem_get_info(device)  # opens the context
    return max(total - free - torch.cuda.memory_reserved(device), 0)
