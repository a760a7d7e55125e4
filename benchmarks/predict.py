"""Time and memory of ``trainables.predict`` for many simulated videos: ``python -m benchmarks.predict``.

Features of simulated videos are written to a temporary folder; a model is trained for an epoch, exported, and applied
by the command itself, in a process of its own under a limit of its address space. Half of the videos are predicted
first: memory that grew with their number would show between the two.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from trainables.config import RunConfig, preset
from trainables.data import Dataset
from trainables.datasets import load_dataset
from trainables.model import ModelDescription, ModelFeatures, ModelOrigin, save_model
from trainables.refinement.refine import refine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=10_000)
    parser.add_argument("--snippets", type=int, default=100, help="mean number of a video")
    parser.add_argument("--dimensions", type=int, default=256)
    parser.add_argument("--limit-gb", type=float, default=4.0, help="address space of the process")
    given = parser.parse_args()
    run = preset("simulated").updated(
        {"dataset.simulation.dimensions": given.dimensions, "training.epochs": 1, "refinement.iterations": 1,
         "compute.device": "cpu"}
    )  # fmt: skip
    data = load_dataset(run.dataset, Path("data"))
    with tempfile.TemporaryDirectory() as folder:
        model, features = Path(folder) / "model", Path(folder) / "features"
        export(model, run, data)
        for count in (given.videos // 2, given.videos):
            snippets, size = write_videos(features, count, given.snippets, given.dimensions)
            seconds, processor_s, peak = predict(model, features, Path(folder) / "p.json", int(given.limit_gb * 2**30))
            print(
                f"{count:,} videos, {snippets:,} snippets x {given.dimensions}, {size / 1e9:.2f} GB of features: "
                f"{seconds:.1f} s ({processor_s:.1f} s of a core), {snippets / processor_s:,.0f} snippets each; "
                f"peak {peak / 1e6:.0f} MB of at most {given.limit_gb:g} GB",
                flush=True,
            )


def export(folder: Path, run: RunConfig, data: Dataset) -> None:
    """A model of one epoch: what is measured does not depend on how good it is."""
    result = next(refine(run, data))
    origin = ModelOrigin("benchmark", 0, 0, data.name, data.title, True, "kept", "It was the only one.")
    features = ModelFeatures(data.dimensions, data.dimensions)
    save_model(folder, ModelDescription(run, data.classes, features, origin), result.weights)


def write_videos(folder: Path, count: int, snippets: int, dimensions: int) -> tuple[int, int]:
    """Files of so many videos, those that lie there already included; snippets and bytes of all."""
    folder.mkdir(exist_ok=True)
    rng, total = np.random.default_rng(0), 0
    for number in range(count):
        length = max(int(rng.gamma(4, snippets / 4)), 4)
        total += length
        path = folder / f"v{number:06d}.npy"
        if not path.exists():
            np.save(path, np.random.default_rng(number).standard_normal((length, dimensions), dtype=np.float32))
    return total, total * dimensions * 4


def predict(model: Path, features: Path, out: Path, limit: int) -> tuple[float, float, int]:
    """Seconds, seconds of the processor, and peak of resident memory in bytes of the command."""
    command = [sys.executable, "-m", "trainables.predict", "--model", str(model), "--features", str(features),
               "--out", str(out), "--device", "cpu"]  # fmt: skip
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the command ended with status {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


if __name__ == "__main__":
    main()
