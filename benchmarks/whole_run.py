"""A whole refinement run against its matrix products: ``python -m benchmarks.whole_run --data-dir DIR``.

Real data, the preset, one thread: 4 iterations of 30 epochs of utkinect, evaluation and pseudo labels included. The
floor, in turn with the run: the products of as many epochs, on batches of the mean size. Seconds of the processor.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.epoch import floor
from benchmarks.timing import Work, in_turn, ratio_table
from trainables.config import RunConfig, preset
from trainables.data import Dataset
from trainables.datasets import load_dataset
from trainables.refinement.refine import refine
from trainables.refinement.selection import selection_splits


def products(run: RunConfig, data: Dataset, iterations: int) -> Work:
    """Of the epochs alone; scores of all snippets are some passes more in an iteration of 30 epochs."""
    splits = selection_splits(run, data)
    epoch = floor(run, replace(data, train=splits.train, test=splits.valid))

    def work() -> None:
        for _ in range(iterations * run.training.epochs):
            epoch()

    return work


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--dataset", default="utkinect")
    parser.add_argument("--iterations", type=int, default=4)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(1)
    changes = {"compute.device": "cpu", "compute.threads": 1, "refinement.iterations": given.iterations}
    run = preset(given.dataset).updated({**changes, "refinement.patience": None}, "benchmark")
    data = load_dataset(run.dataset, given.data_dir)
    splits = selection_splits(run, data)
    print(
        f"{given.dataset}: {given.iterations} trainings x {run.training.epochs} epochs, "
        f"{splits.train.num_snippets:,} + {splits.valid.num_snippets:,} snippets x {data.dimensions}"
    )
    work = {
        "its matrix products": products(run, data, given.iterations),
        "the run": lambda: list(refine(run, data)),
    }
    print(ratio_table(in_turn(work, given.runs), "its matrix products"))


if __name__ == "__main__":
    main()
