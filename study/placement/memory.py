"""GPU memory of a process that runs a trial, or some together: by arithmetic, and measured by a probe where a device
can be had. No torch, no Ray."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from trainables.config import BasnetConfig, RunConfig, WtalcConfig

if TYPE_CHECKING:
    from trainables.data import Dataset
    from trainables.worker.probe import TrialProbe

GIGABYTE = 2**30
CUDA_CONTEXT_BYTES = int(0.6 * GIGABYTE)
ARITHMETIC_MARGIN = 1.3  # caching allocator, fragmentation and temporary tensors: part of what it estimates
PROBE_MARGIN = 1.2  # on what was measured: batches of other epochs, fragmentation over a long run
AGREES = 2.0  # arithmetic within this factor of the measurement is said to agree


@dataclass(frozen=True)
class TrialMemory:
    """estimated_bytes: by arithmetic, margin included. measured_bytes: by a probe, without a margin. device: its name.
    device_bytes: of the (smallest) GPU. note: why nothing was measured."""

    estimated_bytes: int
    device_bytes: int | None = None
    measured_bytes: int | None = None
    device: str | None = None
    note: str | None = None

    @property
    def needed_bytes(self) -> int:
        """What a trial's share must hold: the measurement with its margin, the arithmetic where there is none."""
        return self.estimated_bytes if self.measured_bytes is None else int(PROBE_MARGIN * self.measured_bytes)

    def __str__(self) -> str:
        estimated = f"{_gib(self.estimated_bytes)} by arithmetic"
        if self.measured_bytes is None:
            return f"{estimated}; not measured: {self.note or 'no probe was made'}"
        ratio = self.estimated_bytes / self.measured_bytes
        verdict = "which agrees" if 1 / AGREES <= ratio <= AGREES else f"which is {ratio:.1f} x that"
        total = f" of {_gib(self.device_bytes)}" if self.device_bytes else ""
        return (
            f"{_gib(self.measured_bytes)}{total} measured on {self.device}, x {PROBE_MARGIN:g} margin; "
            f"{estimated}, {verdict}"
        )


def estimated_memory(
    run: RunConfig, data: Dataset, device_bytes: int | None, trials_per_process: int = 1
) -> TrialMemory:
    """What arithmetic alone says of a trial, or of some that share a process."""
    snippets = data.train.num_snippets + data.test.num_snippets
    estimate = estimate_trial_bytes(run, snippets, len(data.train), data.dimensions, trials_per_process)
    return TrialMemory(estimate, device_bytes)


def probed_memory(estimated: TrialMemory, probe: TrialProbe | str) -> TrialMemory:
    """With what a probe found; a text says why it found nothing, and leaves the arithmetic."""
    if isinstance(probe, str):
        note = probe
    elif probe.trial_bytes is None:
        note = f"the probe found no CUDA device on {probe.host}"
    else:
        return TrialMemory(estimated.estimated_bytes, probe.device_bytes, probe.trial_bytes, probe.device)
    return TrialMemory(estimated.estimated_bytes, estimated.device_bytes, note=note)


def estimate_trial_bytes(run: RunConfig, snippets: int, videos: int, dimensions: int, together: int = 1) -> int:
    """GPU memory of one process, from arithmetic: context + (features + a batch's activations + models) x margin.

    snippets: rows of both splits together. videos: of the training split; its mean length makes the batch. together:
    trials that share the process, and its features.
    """
    element = 2 if run.compute.dtype == "bfloat16" else 4
    features = snippets * dimensions * element
    batch_rows = math.ceil(snippets / max(videos, 1)) * run.training.batch_videos
    hidden = sum(dimensions // 2 ** (layer + 1) for layer in range(run.model.layers))
    # Values, gradients, ReLU masks and temporaries.
    activations = batch_rows * (dimensions + 2 * hidden * together) * 4 * 3
    widths = [dimensions // 2**layer for layer in range(run.model.layers + 1)]
    weights = 2 * sum(a * b for a, b in pairwise(widths)) * 4 * 4  # two heads; Adam holds four
    return CUDA_CONTEXT_BYTES + int(ARITHMETIC_MARGIN * (features + activations + together * weights))


def weight_bytes(run: RunConfig, dimensions: int, classes: int) -> int | None:
    """Bytes of a model's weights, by arithmetic; None for a base model that is not known here."""
    if run.model.name == "refineloc":
        outputs = (classes, 2 if run.model.attention == "two_value" else 1)
        return 4 * sum(_mlp_size(dimensions, out, run) for out in outputs)
    if run.model.name == "wtalc":
        wtalc = run.model.wtalc or WtalcConfig()
        return 4 * (_linear(dimensions, wtalc.hidden) + _linear(wtalc.hidden, classes))
    if run.model.name == "basnet":
        basnet = run.model.basnet or BasnetConfig()
        filtering = _linear(dimensions, basnet.attention_hidden) + _linear(basnet.attention_hidden, 1)
        convolutions = _linear(3 * dimensions, basnet.hidden) + _linear(3 * basnet.hidden, basnet.hidden)
        return 4 * (filtering + convolutions + basnet.hidden * (classes + 1))
    return None


def _mlp_size(dimensions: int, outputs: int, run: RunConfig) -> int:
    floor = outputs if run.model.hidden_floor == "output_width" else 1
    widths = [dimensions]
    for _ in range(run.model.layers - 1):
        widths.append(max(widths[-1] // 2, floor))
    return sum(_linear(a, b) for a, b in pairwise([*widths, outputs]))


def _linear(inputs: int, outputs: int) -> int:
    return (inputs + 1) * outputs


def _gib(size: int) -> str:
    return f"{size / GIGABYTE:.2f} GiB"
