"""A trainable without any training: it replays curves, so that what remains is the harness."""

from __future__ import annotations

import os
import random
import zlib
from typing import Any

import torch  # as a real worker does: its import is part of what is measured
from ray import tune

ITERATIONS = 3


def curve(run: dict[str, Any]) -> list[float]:
    """Objectives of a configuration by iteration: a smooth bowl in beta and S, and noise from its text."""
    labels, beta = run["pseudo_labels"], run["loss"]["beta"]
    text = f"{labels['generator']} {beta} {labels['sampled_share']} {labels['segments']} {run['seed']}"
    rng = random.Random(zlib.crc32(text.encode()))
    best = 60 - abs(beta - 4) - 20 * abs(labels["sampled_share"] - 0.8) - 10 * (labels["generator"] == "uniform_random")
    return [best - 10 * 0.5**iteration + rng.gauss(0, 1) for iteration in range(ITERATIONS)]


class Tabulated(tune.Trainable):
    """Takes the configuration of RefinementTrainable, and reports what has the size of its reports."""

    def setup(self, config: dict[str, Any], data: Any = None) -> None:
        torch.zeros(1)
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._begin(new_config)
        return True

    def _begin(self, config: dict[str, Any]) -> None:
        self._trial, self._next = config["trial"], config["known_iterations"]
        self._curve = curve(config["run"])

    def step(self) -> dict[str, Any]:
        report = self._report(self._next)
        self._next += 1
        state = "completed" if report["finished"] else "running"
        return {
            "trial": self._trial, "objective": report["best_so_far"], "report": report, "state": state,
            "done": report["finished"],
        }  # fmt: skip

    def describe(self) -> dict[str, Any]:
        return {"host": "localhost", "pid": os.getpid(), "device": "none"}

    def _report(self, iteration: int) -> dict[str, Any]:
        known = self._curve[: iteration + 1]
        best = max(range(len(known)), key=lambda i: known[i])
        tiou = [round(0.3 + 0.1 * i, 1) for i in range(5)]
        split = {"tiou": tiou, "map": [known[-1]] * 5, "average_map": known[-1], "selection_map": known[-1],
                 "predictions": 1000, "videos": 212, "instances": 3358}  # fmt: skip
        return {
            "iteration": iteration, "epochs": 50, "chosen_epoch": 49, "lr_last": 1e-3,
            "seconds": 1.0, "training_s": 0.9,
            "map": {name: split for name in ("train", "held_out", "test")},
            "selection": {"split": "held_out", "map": known[-1]}, "best_iteration": best, "best_so_far": known[best],
            "finished": iteration + 1 == ITERATIONS,
        }  # fmt: skip
