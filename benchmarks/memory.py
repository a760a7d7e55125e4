"""Memory of a whole study, in copies of its features: ``python -m benchmarks.memory``.

A simulated data set is written as a user's files (HDF5, CSV; deleted at the end); the real session runs trials on it
under Ray: one iteration of one epoch, batches of 32 videos. Every row is a process of its own that reads the files,
either into memory, from where Ray's object store takes its copy, or mapped, as studies do. The driver, Ray and the
trials are sampled twice a second, of which the instant of the largest total is shown; pages that several processes
share are counted once. ``copies`` is how many MiB are needed more than with an eighth of the snippets, per MiB of
features more, so that interpreters, torch and a batch's activations fall out: of the features, i.e. all but what the
trials have for themselves, and with that (class scores of every snippet, mostly). ``--snippets 1400000 --dimensions
2048 --mapped-only`` is ActivityNet's size: 11 GiB, twice that on the disk. Linux only.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tabulate import tabulate

from benchmarks.feature_files import write_data_set
from benchmarks.process_memory import MIB, Memory, Watch, cached_mib, process_memory, tree_memory
from study.config import parse_study
from study.driver import Driver
from study.execution.cluster import start_ray, stop_ray
from study.execution.session import run_trials
from study.ledger import StudySettings, create_folder
from study.placement import place
from trainables.config import DatasetConfig, preset
from trainables.datasets import Dataset, FeatureFolder, load_dataset

POLL_S = 0.5
ITEM_BYTES = {"float32": 4, "bfloat16": 2}


class Case(NamedTuple):
    """mapped: features come from files that all processes map, else through Ray's object store."""

    mapped: bool
    trials: int
    dtype: str


class Measured(NamedTuple):
    """MiB. features: in the compute type. loading: of the driver alone while it reads the files. whole: driver, Ray
    and, apart, the trials. cached: pages of the kept files in the page cache."""

    features: float
    loading: float
    whole: Memory
    cached: float
    seconds: float


def measure(config: DatasetConfig, case: Case, layers: int, work: Path) -> Measured:
    """One row; to be called in a fresh process."""
    began = time.perf_counter()
    kept = FeatureFolder(work / "features") if case.mapped else None
    loading = Watch(lambda: process_memory(os.getpid()), 0.05)
    loading.start()
    data = load_dataset(config, work, kept)
    loaded = loading.stop()
    start_ray(cores=2, gpus=0)
    try:
        whole = run_study(config, data, case, layers, work)
    finally:
        stop_ray()
    features = sum(split.features.size for split in (data.train, data.test)) * ITEM_BYTES[case.dtype] / MIB
    files = sorted((work / "features").rglob("*.npy")) if case.mapped else []
    cached = cached_mib(files) if files else 0.0
    return Measured(features, loaded.anonymous, whole, cached, time.perf_counter() - began)


def run_study(config: DatasetConfig, data: Dataset, case: Case, layers: int, work: Path) -> Memory:
    """Peak of all processes, those of Ray's workers apart."""
    run = preset("activitynet12", "i3d").updated(
        {
            "model.layers": layers,
            "training.epochs": 1,
            "training.batch_videos": 32,
            "refinement.iterations": 1,
            "refinement.patience": None,
            "compute.device": "cpu",
            "compute.dtype": case.dtype,
            "dataset.annotations_path": config.annotations_path,
            "dataset.features_path": config.features_path,
        }
    )
    space = {"loss.beta": {"choices": [float(2**n) for n in range(case.trials)]}}
    study = parse_study({"name": "memory", "sampler": "grid", "space": space, "shared_base": False}, "benchmark")
    watch = Watch(lambda: tree_memory(os.getpid(), b"ray::"), POLL_S)
    with tempfile.TemporaryDirectory(dir=work) as aside:
        driver = Driver(create_folder(Path(aside), "memory", StudySettings({}, {})), study, run)
        watch.start()
        try:
            run_trials(driver, data, place(case.trials, 0, 1))
        finally:
            peak = watch.stop()
            driver.close()
        assert all(record.state == "completed" for record in driver.records.values()), driver.records
    return peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snippets", type=int, default=160_000, help="of both splits together (default %(default)s)")
    parser.add_argument("--dimensions", type=int, default=1024)
    parser.add_argument("--layers", type=int, default=2, help="of the model; 1 is faster and keeps the features")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--mapped-only", action="store_true", help="where two copies do not fit")
    parser.add_argument("--work-dir", type=Path, help="for the files (default: the system's temporary folder)")
    given = parser.parse_args()
    ways = [True] if given.mapped_only else [False, True]
    cases = [Case(mapped, trials, given.dtype) for mapped in ways for trials in (1, 2)]
    if given.mapped_only:
        cases = cases[1:]
    rows = []
    for case in cases:
        small, full = (row(given, case, snippets) for snippets in (given.snippets // 8, given.snippets))
        more = full.features - small.features
        with_trials = (full.whole.total - small.whole.total) / more
        own = (full.whole.apart - small.whole.apart) / more
        rows.append([
            "mapped" if case.mapped else "in memory", case.trials, full.features, full.loading, full.whole.apart,
            full.whole.anonymous, full.whole.shared, full.whole.mapped, full.whole.total, full.cached,
            with_trials - own, with_trials, full.seconds,
        ])  # fmt: skip
    sizes = f"{given.snippets:,} snippets x {given.dimensions}, {given.dtype}, {given.layers} layers"
    print(f"simulated: {sizes}; MiB")
    headers = ["features", "trials", "size", "loading", "trials' own", "driver, Ray", "object store", "files", "total",
               "cached", "copies", "with trials", "seconds"]  # fmt: skip
    print(tabulate(rows, headers, floatfmt=["", "", *[".0f"] * 8, ".2f", ".2f", ".0f"]))


def row(given: argparse.Namespace, case: Case, snippets: int) -> Measured:
    with tempfile.TemporaryDirectory(dir=given.work_dir) as work:
        config = write_data_set(Path(work), snippets, given.dimensions, videos=max(snippets // 200, 300))
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
            return fresh.submit(measure, config, case, given.layers, Path(work)).result()


if __name__ == "__main__":
    main()
