"""From a user's HDF5 to features that trials read: ``python -m benchmarks.loading``.

A simulated data set is written as a user's files (deleted at the end) and read as a study's launch does: streamed into
the folder that all trials map. The floors are of the same bytes: one plain read of the HDF5, and one plain copy of it
that is flushed to the disk. Before each, the page cache lets go of the files. ``own`` is how much memory of its own
the process has more at the peak than before. Then one pass over the features in shuffled batches of videos, mapped
against private, in turn: what an epoch gathers. ``--snippets 1400000 --dimensions 2048`` is ActivityNet's size: 11 GB,
twice that on the disk. Linux only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from tabulate import tabulate

from benchmarks.feature_files import flush, forget, write_data_set
from benchmarks.process_memory import Watch, process_memory
from trainables.batching import FeatureStore, SplitTensors
from trainables.data import Split
from trainables.datasets import Dataset, FeatureFolder, load_dataset

BLOCK = 8 * 2**20


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and by how many MiB the process's own memory grew at the peak."""
    before = process_memory(os.getpid()).anonymous
    watch = Watch(lambda: process_memory(os.getpid()), 0.1)
    watch.start()
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    return seconds, watch.stop().anonymous - before


def plain_read(path: Path) -> None:
    buffer = memoryview(bytearray(BLOCK))
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def plain_copy(path: Path, target: Path) -> None:
    with path.open("rb") as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy, BLOCK)
    flush(target)


def gather(split: Split, num_classes: int, store: FeatureStore) -> Callable[[], None]:
    """One shuffled pass over the batches of a split, each row read once."""
    tensors = SplitTensors.of(split, num_classes, "first", store)
    order = np.random.default_rng(0).permutation(len(split))

    def run() -> None:
        for batch in tensors.batches(order, 32):
            batch.features.sum()

    return run


def alternately(first: Callable[[], None], second: Callable[[], None], runs: int) -> list[float]:
    """Seconds of the first over seconds of the second, pair by pair; both are run once before."""
    first()
    second()
    return [timed(first)[0] / timed(second)[0] for _ in range(runs)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snippets", type=int, default=160_000, help="of both splits together (default %(default)s)")
    parser.add_argument("--dimensions", type=int, default=1024)
    parser.add_argument("--work-dir", type=Path, help="for the files (default: the system's temporary folder)")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(dir=given.work_dir) as aside:
        work = Path(aside)
        config = write_data_set(work, given.snippets, given.dimensions, videos=max(given.snippets // 200, 300))
        hdf5, kept = work / "features.hdf5", FeatureFolder(work / "kept")
        rows: list[tuple[str, float, float]] = []

        def measure(name: str, action: Callable[[], object]) -> None:
            forget(hdf5)
            rows.append((name, *timed(action)))

        measure("one plain read", lambda: plain_read(hdf5))
        measure("one plain copy, flushed", lambda: plain_copy(hdf5, work / "copy"))
        (work / "copy").unlink()
        loaded: list[Dataset] = []
        measure("first launch: streamed into the folder", lambda: loaded.append(load_dataset(config, work, kept)))
        measure("next launch: mapped", lambda: load_dataset(config, work, kept))
        data = loaded[0]
        snippets, size = (sum(getattr(s.features, n) for s in (data.train, data.test)) for n in ("size", "nbytes"))
        print(f"simulated: {snippets // given.dimensions:,} snippets x {given.dimensions}, {size / 1e9:.2f} GB")
        table = [[name, s, s / rows[0][1], size / 1e6 / s, own] for name, s, own in rows]
        print(tabulate(table, ["", "s", "reads", "MB/s", "own MiB"], floatfmt=["", ".1f", ".2f", ".0f", ".0f"]))
        epochs(data)


def epochs(data: Dataset) -> None:
    """A part of the train split that fits twice: mapped against private, and bfloat16 likewise."""
    features = data.train.features[:160_000]
    usable = np.flatnonzero(data.train.starts + data.train.lengths <= len(features))
    mapped = data.train.subset(usable, "train")
    private = Split("train", mapped.videos, np.array(features), mapped.starts, mapped.ground_truth)
    for dtype in (torch.float32, torch.bfloat16):
        stores = [FeatureStore(torch.device("cpu"), dtype) for _ in range(2)]
        ratios = alternately(gather(mapped, 100, stores[0]), gather(private, 100, stores[1]), runs=7)
        name = str(dtype).removeprefix("torch.")
        low, high = min(ratios), max(ratios)
        print(f"a pass over mapped / private {name}: {statistics.median(ratios):.2f} ({low:.2f}-{high:.2f})")


if __name__ == "__main__":
    main()
