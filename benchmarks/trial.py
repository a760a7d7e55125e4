"""Where the seconds of a complete trial go: ``python -m benchmarks.trial``.

The trainable as Ray runs it, without Ray: all refinement iterations with their predictions and checkpoints on the
disk. spoken-digits as its preset has it; THUMOS14-sized simulated data (200 + 212 videos x 1024) with 3 epochs, far
fewer than a real trial has, so that what is not training shows. The aim: 90 % of the seconds are epochs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from tabulate import tabulate

import trainables.worker.trial
from benchmarks.epoch import simulated
from trainables.base_models import RefineLoc
from trainables.config import RunConfig, preset
from trainables.data import Dataset
from trainables.datasets import load_dataset
from trainables.json_types import JsonObject
from trainables.refinement import iteration, report
from trainables.worker.messages import ANSWER, COMPLETED, RunFiles, TrialOrder, WorkerOrder, as_config
from trainables.worker.trainable import RefinementTrainable

PARTS: dict[str, list[tuple[Any, str]]] = {
    "epochs": [(iteration, "train")],
    "scores of all snippets": [(iteration, "score_split")],
    "pseudo labels": [(RefineLoc, "label"), (iteration, "sample"), (report, "label_quality")],
    "segments": [(RefineLoc, "predict")],
    "evaluation": [(report, "mean_ap"), (report, "video_accuracy"), (report, "attention_accuracy")],
    "prediction files": [(trainables.worker.trial, "write_predictions")],
    "checkpoint": [(trainables.worker.trial, "save_state")],
}


@contextmanager
def clocks(seconds: dict[str, float]) -> Iterator[None]:
    """Add the time inside each of PARTS to ``seconds``."""

    def timed(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                seconds[part] += time.perf_counter() - started

        return call

    with ExitStack() as stack:
        for part, places in PARTS.items():
            for owner, name in places:
                stack.enter_context(mock.patch.object(owner, name, timed(part, getattr(owner, name))))
        yield


def trial(run: RunConfig, data: Dataset, folder: Path) -> tuple[float, dict[str, float]]:
    """Seconds of a complete trial, and of its parts."""

    class Local(RefinementTrainable):
        def setup(self, config: JsonObject) -> None:  # type: ignore[override]
            super().setup(config, data=data)

    seconds = dict.fromkeys(PARTS, 0.0)
    predictions, model = folder / "predictions" / "t0000.csv", folder / "models" / "t0000.pt"
    order = TrialOrder(0, run, RunFiles(folder / "state.pt", predictions, model))
    (folder / "predictions").mkdir()
    with clocks(seconds):
        worker = Local(as_config(WorkerOrder((order,))))
        started, done = time.perf_counter(), False
        while not done:
            result = worker.step()
            done = result["done"]
        assert result[ANSWER].trials[0].state == COMPLETED, result
        return time.perf_counter() - started, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    digits = preset("spoken-digits").updated({"compute.device": "cpu"}, "benchmark")
    large = preset("thumos14", "i3d").updated(
        {"compute.device": "cpu", "training.epochs": 3, "refinement.iterations": 3, "refinement.patience": None},
        "benchmark",
    )
    worlds = {
        f"spoken-digits, {digits.training.epochs} epochs": (digits, load_dataset(digits.dataset, given.data_dir)),
        "THUMOS14-sized, 3 epochs": (large, simulated(1024, 76_000, 84_000)),
    }
    columns: dict[str, list[float]] = {part: [] for part in [*PARTS, "the rest"]}
    names = []
    for name, (run, data) in worlds.items():
        with tempfile.TemporaryDirectory() as aside:
            total, parts = trial(run, data, Path(aside))
        parts["the rest"] = total - sum(parts.values())
        names += [f"{name}, s", "%"]
        for part, spent in parts.items():
            columns[part] += [spent, 100 * spent / total]
    print(
        tabulate(
            [[part, *row] for part, row in columns.items()], ["", *names], floatfmt=("", ".2f", ".1f", ".2f", ".1f")
        )
    )


if __name__ == "__main__":
    main()
