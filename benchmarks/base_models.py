"""Training steps of W-TALC and BaS-Net against their matrix products: ``python -m benchmarks.base_models``.

Simulated videos as long on average as THUMOS14's, batches and (by default) widths as published, with pseudo labels.
The floor, timed in turn with the steps, is the matrix products that a step cannot avoid, each as one plain product:
forward, weight gradients, and gradients of what has weights before it. No convolution, losses, pooling, dropout,
optimizer, or batch construction. BaS-Net's first convolution counts once for both branches, as the branches' weights
are one number per position (``trainables/base_models/convolution.py``). ``--width`` is that of the hidden layers.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from benchmarks.epoch import simulated
from benchmarks.epoch import timed as elapsed
from trainables.base_models import build_base_model
from trainables.batching import Batch, SplitTensors
from trainables.config import RunConfig, preset
from trainables.data import Dataset
from trainables.gpu.device_cache import feature_store
from trainables.labels import sample
from trainables.training.loop import train_epoch

WIDTHS = {"wtalc": "model.wtalc.hidden", "basnet": "model.basnet.hidden"}


class Steps:
    """``training.batches_per_epoch`` steps with pseudo labels, on the same batches at every call.

    rows: snippets of each batch.
    """

    def __init__(self, config: RunConfig, data: Dataset) -> None:
        store = feature_store(config)
        self.model = build_base_model(config, data.dimensions, len(data.classes), torch.Generator().manual_seed(0))
        self.model.to(store.device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-4, weight_decay=5e-4, fused=True)
        tensors = SplitTensors.of(data.train, len(data.classes), "multi_hot", store)
        labels = sample(data.train.snippet_truth, data.train, 0.8, np.random.default_rng(0))
        self.tensors, self.dtype = tensors.with_labels(labels, 0.7), getattr(torch, config.compute.dtype)
        self.rows = [len(batch.features) for batch in self.batches()]

    def batches(self) -> Iterator[Batch]:
        return self.model.training_batches(self.tensors, np.random.default_rng(0))

    def __call__(self) -> object:
        return train_epoch(self.model, self.batches(), self.optimizer, self.dtype)


def products(config: RunConfig, data: Dataset, rows: int) -> list[tuple[int, int, int, bool]]:
    """Rows, inputs, outputs of each layer of a step, and whether its inputs have a gradient."""
    classes, width = len(data.classes), data.dimensions
    if config.model.name == "wtalc":
        assert config.model.wtalc is not None
        hidden = config.model.wtalc.hidden
        return [(rows, width, hidden, False), (rows, hidden, classes, True)]
    settings = config.model.basnet
    assert settings is not None
    hidden, attention = settings.hidden, settings.attention_hidden
    return [
        (rows, width, attention, False),
        (rows, attention, 1, True),
        (rows, width, 3 * hidden, False),
        (2 * rows, hidden, 3 * hidden, True),
        (2 * rows, hidden, classes + 1, True),
    ]


def floor(config: RunConfig, data: Dataset, rows_of_steps: list[int]) -> Callable[[], object]:
    """The products of steps on so many snippets each."""
    device, dtype = feature_store(config).device, getattr(torch, config.compute.dtype)
    work: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor, bool]] = []
    for rows in rows_of_steps:
        for count, inputs, outputs, has_gradient in products(config, data, rows):
            shapes = (count, inputs), (outputs, inputs), (count, outputs)
            x, w, g = (torch.randn(shape, device=device).to(dtype) for shape in shapes)
            work.append((x, w, g, has_gradient))

    def run() -> object:
        for x, w, g, has_gradient in work:
            x @ w.T
            g.T @ x
            if has_gradient:
                g @ w
        return None

    return run


def timed(work: Callable[[], object], device: torch.device) -> float:
    """Seconds; on the CPU those that this process computed, whatever else the machine was doing."""
    if device.type == "cuda":
        return elapsed(work, device)
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=WIDTHS, default=list(WIDTHS))
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--dimensions", type=int, default=2048)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    data = simulated(given.dimensions, 76_000, 84_000)
    for name in given.models:
        changes = {
            WIDTHS[name]: given.width,
            "training.batches_per_epoch": given.steps,
            "compute.threads": given.threads,
            "compute.dtype": given.dtype,
        }
        config = preset("thumos14", base_model=name).updated(changes, "benchmark")
        ours = Steps(config, data)
        least = floor(config, data, ours.rows)
        device = feature_store(config).device
        timed(ours, device), timed(least, device)
        pairs = [(timed(ours, device), timed(least, device)) for _ in range(given.runs)]
        ours_s, least_s = (statistics.median(column) / given.steps for column in zip(*pairs, strict=True))
        rates = [100 * floor_s / step_s for step_s, floor_s in pairs]
        print(
            f"{name}, {given.dimensions} -> {given.width}, {given.dtype}, {device}: step {1e3 * ours_s:.0f} ms, "
            f"floor {1e3 * least_s:.0f} ms; rate {statistics.median(rates):.0f} % ({min(rates):.0f}-{max(rates):.0f})"
        )


if __name__ == "__main__":
    main()
