"""One training step of W-TALC and BaS-Net against their matrix products: ``python -m benchmarks.base_models``.

Simulated videos as long on average as THUMOS14's, batches as published. The floor, timed in turn with the steps, is
the linear layers and convolutions alone, forward and backward, on inputs of the batch's size: no losses, no
pooling, no dropout, no optimizer, no batch construction. ``--width`` is that of the hidden layers.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from benchmarks.epoch import simulated, timed
from trainables.base_models import build_base_model
from trainables.batches import SplitTensors
from trainables.config import RunConfig
from trainables.datasets.contract import Dataset
from trainables.presets import preset
from trainables.pseudo_labels import sample
from trainables.resident import feature_store
from trainables.training import train_epoch


def steps(config: RunConfig, data: Dataset) -> Callable[[], object]:
    """An epoch of ``training.batches_per_epoch`` steps with pseudo labels."""
    store = feature_store(config)
    model = build_base_model(config, data.dimensions, len(data.classes), torch.Generator().manual_seed(0))
    model.to(store.device)
    cuda = store.device.type == "cuda"
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=5e-4, fused=cuda)
    rng = np.random.default_rng(0)
    tensors = SplitTensors.of(data.train, len(data.classes), "multi_hot", store)
    tensors = tensors.with_labels(sample(data.train.snippet_truth, data.train, 0.8, rng), 0.7)
    dtype = getattr(torch, config.compute.dtype)
    return lambda: train_epoch(model, model.training_batches(tensors, rng), optimizer, dtype)


def floor(config: RunConfig, data: Dataset, snippets: int) -> Callable[[], object]:
    """The products of as many steps; ``snippets``: of a batch."""
    device, classes, width = feature_store(config).device, len(data.classes), data.dimensions
    networks: list[tuple[nn.Module, torch.Tensor]] = []
    if config.model.name == "wtalc":
        assert config.model.wtalc is not None
        hidden = config.model.wtalc.hidden
        layers = nn.Sequential(nn.Linear(width, hidden), nn.Linear(hidden, classes))
        networks.append((layers, torch.randn(snippets, width)))
    else:
        settings = config.model.basnet
        assert settings is not None
        size = config.training.batch_videos, width, settings.length
        convolutions = nn.Sequential(
            nn.Conv1d(width, settings.hidden, 3, padding=1),
            nn.Conv1d(settings.hidden, settings.hidden, 3, padding=1),
            nn.Conv1d(settings.hidden, classes + 1, 1, bias=False),
        )
        attention = settings.attention_hidden
        filtering = nn.Sequential(nn.Conv1d(width, attention, 1), nn.Conv1d(attention, 1, 1))
        networks += [(filtering, torch.randn(size)), (convolutions, torch.randn(size))]
        networks.append((convolutions, torch.randn(size, requires_grad=True)))  # behind the filtering module
    on_device = [(network.to(device), x.detach().to(device).requires_grad_(x.requires_grad)) for network, x in networks]

    def run() -> object:
        for _ in range(config.training.batches_per_epoch or 1):
            for network, x in on_device:
                out = network(x)
                out.backward(torch.ones_like(out))
        return None

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--dimensions", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    data = simulated(given.dimensions, 76_000, 84_000)
    for name, width in (("wtalc", "model.wtalc.hidden"), ("basnet", "model.basnet.hidden")):
        changes = {width: given.width, "training.batches_per_epoch": given.steps, "compute.threads": given.threads}
        config = preset("thumos14", base_model=name).updated(changes, "benchmark")
        per_batch = int(np.minimum(data.train.lengths, 750).mean() * config.training.batch_videos)
        ours, least = steps(config, data), floor(config, data, per_batch)
        device = feature_store(config).device
        timed(ours, device), timed(least, device)
        pairs = [(timed(ours, device), timed(least, device)) for _ in range(given.runs)]
        ours_s, least_s = (statistics.median(column) / given.steps for column in zip(*pairs, strict=True))
        rates = [100 * floor_s / step_s for step_s, floor_s in pairs]
        print(f"{name}: step {1e3 * ours_s:.0f} ms, floor {1e3 * least_s:.0f} ms on {device}; rate "
              f"{statistics.median(rates):.0f} % ({min(rates):.0f}-{max(rates):.0f})")  # fmt: skip


if __name__ == "__main__":
    main()
