"""Orders of trials whose files lie in one folder, and the answers of a worker outside Ray."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainables.config.run import RunConfig
from trainables.data.split import Dataset
from trainables.json_types import JsonObject
from trainables.report import IterationReport
from trainables.worker.messages import (
    CachedM0,
    RunFiles,
    TrialAnswer,
    TrialOrder,
    WorkerOrder,
    answer_in,
    as_config,
)
from trainables.worker.trainable import RefinementTrainable


def order_of(folder: Path, trial: int, run: RunConfig, known: int = 0, shares_m0: bool = False) -> TrialOrder:
    """One trial; those of a folder that share their M0 do so under one key."""
    name, base = f"t{trial:04d}", folder / "base"
    files = RunFiles(folder / name / "state.pt", folder / f"{name}.csv", folder / "models" / f"{name}.pt")
    m0 = CachedM0("key", RunFiles(base / "key.pt", base / "key.csv", base / "key.model.pt"))
    return TrialOrder(trial, run, files, known_iterations=known, m0=m0 if shares_m0 else None)


def config_of(*orders: TrialOrder) -> JsonObject:
    """The Tune configuration of a worker with these trials."""
    return as_config(WorkerOrder(orders))


def worker_of(data: Dataset, *orders: TrialOrder) -> RefinementTrainable:
    """A worker in this process, without what Tune's constructor does."""
    worker = RefinementTrainable.__new__(RefinementTrainable)
    worker.setup(config_of(*orders), data)
    return worker


def answers(worker: Any) -> Iterator[TrialAnswer]:
    """Answer after answer, until all trials have ended."""
    done = False
    while not done:
        answer = answer_in(worker.step())
        assert answer is not None
        done = answer.done
        yield from answer.trials


def reports(worker: Any) -> list[IterationReport]:
    """Of all iterations, until all trials have ended."""
    return [answer.report for answer in answers(worker) if answer.report]
