"""Memory of one trial and of two at once: ``python -m benchmarks.memory``.

A THUMOS14-sized simulated data set (412 videos, about 160,000 snippets x 1024) goes once into Ray's object store; the
real trainable runs on it under Tune. The kernel's smaps_rollup of every worker is read ten times a second: ``private``
is what the trials have for themselves, ``shared`` what they read in place from the object store. A quarter of the
videos shows what of the private part grows with the data. Linux only.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from tabulate import tabulate

from study.config import parse_study
from study.driver import Driver
from study.folder import create_folder
from study.ledger import Event, TrialRecord
from study.placement import place
from study.session import run_trials, start_ray, stop_ray
from trainables.datasets import load_dataset
from trainables.datasets.contract import Dataset
from trainables.presets import preset

MIB = 2**20
POLL_S = 0.1


class Peak(NamedTuple):
    """Largest sums over the trials' processes at one instant, MiB."""

    private: float
    shared: float


class MemoryWatch(threading.Thread):
    """Samples processes until it is stopped."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.pids: set[int] = set()
        self.peak = Peak(0.0, 0.0)
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(POLL_S):
            now = [read_rollup(pid) for pid in tuple(self.pids)]
            total = Peak(sum(p.private for p in now), sum(p.shared for p in now))
            self.peak = Peak(*(max(old, new) for old, new in zip(self.peak, total, strict=True)))

    def stop(self) -> Peak:
        self._stopped.set()
        self.join()
        return self.peak


def read_rollup(pid: int) -> Peak:
    """Memory of a process now; zeros once it is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:
        return Peak(0.0, 0.0)
    kib = {name: float(rest.split()[0]) for name, rest in (line.split(":", 1) for line in lines)}
    private = kib["Private_Clean"] + kib["Private_Dirty"]
    return Peak(private / 1024, (kib["Rss"] - private) / 1024)


def measure(data: Dataset, trials: int, epochs: int) -> Peak:
    """Peak of ``trials`` trials running at once on one node."""
    run = preset("simulated").updated(
        {
            "training.epochs": epochs,
            "training.batch_videos": 32,
            "refinement.iterations": 2,
            "refinement.patience": None,
            "compute.device": "cpu",
        }
    )
    space = {"loss.beta": {"choices": [float(2**n) for n in range(trials)]}}
    study = parse_study({"name": "memory", "sampler": "grid", "space": space}, "benchmark")
    watch = MemoryWatch()

    def note(event: Event, record: TrialRecord) -> None:
        if event["event"] == "trial_started" and event["pid"]:
            watch.pids.add(event["pid"])

    with tempfile.TemporaryDirectory() as aside:
        driver = Driver(create_folder(Path(aside), "memory", {}), study, run)
        driver.listeners.append(note)
        watch.start()
        try:
            run_trials(driver, data, place(trials, 0, 1))
        finally:
            peak = watch.stop()
            driver.close()
        assert all(record.state == "completed" for record in driver.records.values()), driver.records
    return peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snippets", type=int, default=160_000, help="of both splits together (default %(default)s)")
    parser.add_argument("--dimensions", type=int, default=1024)
    parser.add_argument("--epochs", type=int, default=2)
    given = parser.parse_args()
    mean = given.snippets // 412
    start_ray(cores=2, gpus=0)
    rows = []
    try:
        for share, trials in ((0.25, 1), (1.0, 1), (1.0, 2)):
            data = simulated(round(200 * share), round(212 * share), given.dimensions, mean)
            features = sum(split.features.nbytes for split in (data.train, data.test)) / MIB
            snippets = data.train.num_snippets + data.test.num_snippets
            started = time.perf_counter()
            peak = measure(data, trials, given.epochs)
            rows.append([snippets, features, trials, peak.private, peak.shared, time.perf_counter() - started])
    finally:
        stop_ray()
    print(f"simulated data, {given.dimensions} dimensions; memory in MiB, peak over the run")
    print(tabulate(rows, ["snippets", "features", "trials at once", "private", "shared", "seconds"], floatfmt=".0f"))
    grown, more = rows[1][3] - rows[0][3], rows[1][1] - rows[0][1]
    print(f"{more:.0f} MiB more features: {grown:.0f} MiB more private memory of a trial ({grown / more:.2f} copies)")
    print(f"the second trial adds {rows[2][3] - rows[1][3]:.0f} MiB of its own")


def simulated(train_videos: int, test_videos: int, dimensions: int, mean_snippets: int) -> Dataset:
    base = preset("simulated").dataset
    assert base.simulation is not None
    size = {"train_videos": train_videos, "test_videos": test_videos, "classes": 20, "dimensions": dimensions}
    simulation = base.simulation.model_copy(update={**size, "mean_snippets": mean_snippets})
    return load_dataset(base.model_copy(update={"simulation": simulation}), Path("data"))


if __name__ == "__main__":
    main()
