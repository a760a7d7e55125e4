"""One epoch against the matrix products that it cannot avoid: ``python -m benchmarks.epoch``.

THUMOS14-sized simulated data (200 + 212 videos, 76,000 + 84,000 snippets x 1024), batches of 32 videos: train and
validate. The floor is timed in the same run, in turn with the epochs: forward of all layers on both splits and the
two gradients of each layer on the training split, but for the gradient of the input. No Ray: a bare machine with
torch, numpy, pandas and pydantic runs it.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from trainables.base_models import build_base_model
from trainables.base_models.refineloc import layer_widths
from trainables.batching import SplitTensors
from trainables.config import DatasetConfig, RunConfig, SimulationConfig, parse_config
from trainables.data import Dataset
from trainables.datasets import load_dataset
from trainables.gpu.device_cache import feature_store
from trainables.labels import sample
from trainables.training.loop import train_epoch, validation_losses


def released_run(**changes: object) -> RunConfig:
    """The preset of THUMOS14 with I3D, as the authors released it, without the YAML file that holds it."""
    released = {
        "protocol": "released",
        "dataset": {"name": "thumos14", "features": "i3d", "stream": "last_half"},
        "model": {"attention": "scalar"},
        "loss": {"beta": 2.0, "pseudo_weighting": "background_share"},
        "training": {"epochs": 100, "validation_order": "shuffled"},
        "prediction": {"min_class_score": 0.35},
        "pseudo_labels": {"segments": {"min_attention": 0.92}, "sampled_share": 0.7, "randomness": "fixed"},
        "evaluation": {"tiou": (0.3, 0.4, 0.5, 0.6, 0.7)},
        "refinement": {"iterations": 50},
        "selection": {"rule": "paper"},
    }
    return parse_config(released, "benchmark").updated(changes, "benchmark")


def simulated(dimensions: int, train_snippets: int, test_snippets: int) -> Dataset:
    """Videos as long on average as THUMOS14's."""
    size = SimulationConfig(
        train_videos=200,
        test_videos=212,
        classes=20,
        dimensions=dimensions,
        mean_snippets=(train_snippets + test_snippets) // 412,
    )
    return load_dataset(DatasetConfig(name="simulated", simulation=size), Path("data"))


def epoch(config: RunConfig, data: Dataset) -> Callable[[], object]:
    """One epoch of training with pseudo labels, and its validation."""
    store = feature_store(config)
    model = build_base_model(config, data.dimensions, len(data.classes), torch.Generator().manual_seed(0))
    model.to(store.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.training.lr, fused=store.device.type == "cuda")
    rng = np.random.default_rng(0)
    splits = []
    for split in (data.train, data.test):
        tensors = SplitTensors.of(split, len(data.classes), "first", store)
        labels = sample(split.snippet_truth, split, 0.8, rng)
        splits.append(tensors.with_labels(labels, 0.7))
    batch, dtype = config.training.batch_videos, getattr(torch, config.compute.dtype)

    def run() -> object:
        order = rng.permutation(len(splits[0].split))
        trained = train_epoch(model, splits[0].batches(order, batch), optimizer, dtype)
        return trained, validation_losses(model, splits[1], dtype)

    return run


def floor(config: RunConfig, data: Dataset) -> Callable[[], object]:
    """The matrix products of that epoch alone, on batches of the mean size, layers of both MLPs side by side."""
    store = feature_store(config)
    layers = config.model.layers
    widths = [layer_widths(data.dimensions, outputs, layers, True) for outputs in (len(data.classes), 1)]
    dtype = getattr(torch, config.compute.dtype)
    shapes = [(data.dimensions, widths[0][1] + widths[1][1])]
    shapes += [(w[n], w[n + 1]) for w in widths for n in range(1, layers)]
    batch = config.training.batch_videos
    work = []
    for split, trains in ((data.train, True), (data.test, False)):
        batches = math.ceil(len(split) / batch)
        rows = split.num_snippets // batches
        inputs = [torch.randn(rows, a, device=store.device).to(dtype) for a, _ in shapes]
        weights = [torch.randn(b, a, device=store.device).to(dtype) for a, b in shapes]
        gradients = [torch.randn(rows, b, device=store.device).to(dtype) for _, b in shapes]
        work.append((batches, inputs, weights, gradients, trains))

    def run() -> object:
        for batches, inputs, weights, gradients, trains in work:
            for _ in range(batches):
                for n, (x, w, g) in enumerate(zip(inputs, weights, gradients, strict=True)):
                    x @ w.T
                    if trains:
                        g.T @ x
                        if n:
                            g @ w
        return None

    return run


def timed(work: Callable[[], object], device: torch.device) -> float:
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--dimensions", type=int, default=1024)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    run = released_run(**{"compute.threads": given.threads, "compute.dtype": given.dtype})
    data = simulated(given.dimensions, 76_000, 84_000)
    print(
        f"simulated: {data.train.num_snippets:,} + {data.test.num_snippets:,} snippets x {data.dimensions}, "
        f"{given.dtype}, {given.threads} thread(s), {feature_store(run).device}"
    )
    ours, least = epoch(run, data), floor(run, data)
    device = feature_store(run).device
    timed(ours, device), timed(least, device)
    pairs = [(timed(ours, device), timed(least, device)) for _ in range(given.runs)]
    ratios = [100 * least_s / ours_s for ours_s, least_s in pairs]
    print("epoch {:.2f} s, floor {:.2f} s".format(*(statistics.median(column) for column in zip(*pairs, strict=True))))
    print(f"rate: {statistics.median(ratios):.0f} % of the floor's ({min(ratios):.0f}-{max(ratios):.0f})")


if __name__ == "__main__":
    main()
