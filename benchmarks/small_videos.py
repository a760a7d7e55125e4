"""An epoch of small data sets against the same steps on one tensor: ``python -m benchmarks.small_videos``.

Real data: spoken-digits, utkinect (where its files are), each with its preset and pseudo labels. The rival knows
nothing of videos: as many steps, of as many snippets each, on slices of one concatenated tensor, with the same network,
Adam, and a cross entropy per snippet for classes and foreground; then the same without gradients for validation.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.timing import Work, in_turn, ratio_table
from trainables.base_models import BaseModel, build_base_model
from trainables.batching import SplitTensors
from trainables.config import RunConfig, preset
from trainables.data import Dataset
from trainables.datasets import load_dataset
from trainables.errors import UserError
from trainables.gpu.device_cache import feature_store
from trainables.labels import background_share, sample
from trainables.refinement.selection import selection_splits
from trainables.training.loop import train_epoch, validation_losses


def fresh(run: RunConfig, data: Dataset) -> tuple[BaseModel, torch.optim.Optimizer]:
    model = build_base_model(run, data.dimensions, len(data.classes), torch.Generator().manual_seed(0))
    return model, torch.optim.Adam(model.parameters(), lr=run.training.lr)


def ours(run: RunConfig, data: Dataset) -> Work:
    """An epoch of training with pseudo labels, and its validation."""
    model, optimizer = fresh(run, data)
    splits, store, rng = selection_splits(run, data), feature_store(run), np.random.default_rng(0)
    train, valid = (
        SplitTensors.of(split, len(data.classes), run.dataset.multi_label, store).with_labels(
            sample(split.snippet_truth, split, 0.8, rng), background_share(split.snippet_truth)
        )
        for split in (splits.train, splits.valid)
    )

    def epoch() -> object:
        trained = train_epoch(model, model.training_batches(train, rng), optimizer, torch.float32)
        return trained, validation_losses(model, valid, torch.float32)

    return epoch


def one_tensor(run: RunConfig, data: Dataset) -> Work:
    """The rival."""
    model, optimizer = fresh(run, data)
    splits, batch = selection_splits(run, data), run.training.batch_videos
    parts = []
    for split in (splits.train, splits.valid):
        rows = torch.from_numpy(split.features[: split.num_snippets])
        labels = torch.zeros(split.num_snippets, dtype=torch.int64)
        foreground = torch.from_numpy(split.snippet_truth)
        steps = math.ceil(len(split) / batch)
        parts.append([part.tensor_split(steps) for part in (rows, labels, foreground)])

    def loss(rows: Tensor, labels: Tensor, foreground: Tensor) -> Tensor:
        cas, attention = model(rows)
        if attention.shape[1] == 2:
            return functional.cross_entropy(cas, labels) + functional.cross_entropy(attention, foreground.long())
        logit = attention[:, 0]
        return functional.cross_entropy(cas, labels) + functional.binary_cross_entropy_with_logits(
            logit, foreground.float()
        )

    def epoch() -> object:
        model.train()
        for step in zip(*parts[0], strict=True):
            optimizer.zero_grad(set_to_none=True)
            loss(*step).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            return [loss(*step) for step in zip(*parts[1], strict=True)]

    return epoch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    for name in ("spoken-digits", "utkinect"):
        run = preset(name).updated({"compute.device": "cpu"}, "benchmark")
        try:
            data = load_dataset(run.dataset, given.data_dir)
        except UserError as error:
            print(f"{name}: left out ({error})\n")
            continue
        splits = selection_splits(run, data)
        sizes = " + ".join(f"{len(split)} videos, {split.num_snippets:,} snippets" for split in (splits[0], splits[1]))
        print(f"{name}: {sizes} x {data.dimensions}, batches of {run.training.batch_videos}")
        work = {"one tensor": one_tensor(run, data), "our epoch": ours(run, data)}
        print(ratio_table(in_turn(work, given.runs), "one tensor"), end="\n\n")


if __name__ == "__main__":
    main()
