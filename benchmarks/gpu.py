"""The GPU's path, from one epoch to many trials at once: ``python -m benchmarks.gpu``.

THUMOS14-sized simulated data, the released configuration. Four questions, one table each, from one run:

1. an epoch (training and validation): steps launched one by one, and recorded and replayed, against the matrix products
   that it cannot avoid;
2. a complete trial (20 iterations x 100 epochs): seconds, and the share of them in training;
3. K trials that train together: seconds of each trial's iteration against one trial on its own;
4. GPU memory of each.

Needs torch, numpy, pandas and pydantic only: a bare GPU machine has no Ray. Without a GPU the same path runs on the
CPU, where nothing is recorded and sharing steps saves nothing: that shows that it works, not what it is worth. Smaller:
``--snippets 8000 --dimensions 128 --iterations 2 --epochs 3 --together 2``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from benchmarks.epoch import epoch, floor, released_run, simulated, timed
from trainables.base_models import RefineLoc
from trainables.batching import SplitTensors
from trainables.config import RunConfig
from trainables.data import Dataset, Split
from trainables.gpu import DeviceCache, JointRun
from trainables.gpu.joint_training import JointTrainer
from trainables.labels import sample
from trainables.refinement.refine import refine, refine_together

MIB = 2**20


def joint_epochs(config: RunConfig, data: Dataset, runs: int, epochs: int) -> Callable[[], object]:
    """So many epochs of runs that train together, by the trainer that every trial on a GPU uses."""
    cache, shape = DeviceCache.of(config), (data.dimensions, len(data.classes))
    rng = np.random.default_rng(0)

    def labelled(split: Split) -> SplitTensors:
        tensors = SplitTensors.of(split, shape[1], "first", cache.features)
        return tensors.with_labels(sample(split.snippet_truth, split, 0.8, rng), 0.7)

    train, valid = labelled(data.train), labelled(data.test)
    config = config.updated({"training.epochs": epochs}, "benchmark")
    models = [RefineLoc(config, *shape, torch.Generator().manual_seed(k)) for k in range(runs)]
    weights = [{name: value.clone() for name, value in model.state_dict().items()} for model in models]
    on_device = [model.to(cache.device) for model in models]
    trainer = JointTrainer(on_device, train, valid, getattr(torch, config.compute.dtype), captures=True)
    joint_runs = [JointRun(own, config.loss.beta, train, valid) for own in weights]
    return lambda: trainer.train(joint_runs, rng)


def epochs_table(config: RunConfig, data: Dataset, runs: int) -> list[list[object]]:
    """Seconds of an epoch, three ways; medians of runs in turn."""
    device, together = DeviceCache.of(config).device, 5
    ways = {
        "floor: the matrix products": (floor(config, data), 1),
        "steps launched one by one": (epoch(config, data), 1),
        "steps of fixed shapes, replayed on a GPU": (joint_epochs(config, data, 1, together), together),
    }
    for work, _ in ways.values():
        timed(work, device), timed(work, device)  # the second use records
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, (work, count) in ways.items():
            seconds[name].append(timed(work, device) / count)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    least = medians["floor: the matrix products"]
    return [[name, 1e3 * value, value / least] for name, value in medians.items()]


def complete_trial(config: RunConfig, data: Dataset) -> list[object]:
    """Seconds of a trial, of its training, and peak GPU memory."""
    _reset_peak()
    started = time.perf_counter()
    reports = [result.report for result in refine(config, data)]
    total = time.perf_counter() - started
    training = sum(report.training_s or 0.0 for report in reports)
    return [len(reports), config.training.epochs, total, 100 * training / total, _peak_mib()]


def together_table(config: RunConfig, data: Dataset, most: int) -> list[list[object]]:
    """Seconds of one iteration of each trial, for 1, 2, 4, ... trials together; the second iteration is measured."""
    rows: list[list[object]] = []
    alone = 0.0
    counts = sorted({min(2**power, most) for power in range(most.bit_length())} | {most})
    for count in counts:
        _reset_peak()
        configs = [config.updated({"loss.beta": 2.0 + k / most}, "benchmark") for k in range(count)]
        rounds = refine_together(configs, data, cache=DeviceCache.of(config))
        next(rounds)
        started = time.perf_counter()
        next(rounds)
        each = (time.perf_counter() - started) / count
        alone = alone or each
        rows.append([count, each, alone / each, _peak_mib()])
    return rows


def _reset_peak() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _peak_mib() -> float:
    return torch.cuda.max_memory_allocated() / MIB if torch.cuda.is_available() else float("nan")


def show(title: str, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table in Markdown; tabulate is not among what a bare machine has."""
    print(f"\n{title}\n\n| {' | '.join(names)} |\n|{'---|' * len(names)}")
    for row in rows:
        print(f"| {' | '.join(f'{cell:.2f}' if isinstance(cell, float) else str(cell) for cell in row)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--snippets", type=int, default=160_000, help="of both splits together (default %(default)s)")
    parser.add_argument("--dimensions", type=int, default=1024)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="bfloat16")
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--together", type=int, default=64, help="most trials at once (default %(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="repetitions of an epoch")
    given = parser.parse_args()
    torch.set_num_threads(1)
    config = released_run(
        **{
            "compute.dtype": given.dtype,
            "training.epochs": given.epochs,
            "refinement.iterations": given.iterations,
            "refinement.patience": None,
        }
    )
    data = simulated(given.dimensions, given.snippets * 19 // 40, given.snippets * 21 // 40)
    device = DeviceCache.of(config).device
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU: no GPU is seen, nothing is recorded"
    print(f"{name}, torch {torch.__version__}, {given.dtype}; simulated: {data.train.num_snippets:,} + "
          f"{data.test.num_snippets:,} snippets x {data.dimensions}")  # fmt: skip
    show("an epoch", ["", "ms", "x floor"], epochs_table(config, data, given.runs))
    names = ["iterations", "epochs of each", "s", "% in training", "peak MiB"]
    show("a complete trial", names, [complete_trial(config, data)])
    names = ["trials together", "s per trial and iteration", "x the throughput of one", "peak MiB"]
    show("trials that train together", names, together_table(config, data, given.together))


if __name__ == "__main__":
    main()
