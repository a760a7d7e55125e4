"""Whose state a file holds, and whether its content fits the run that is to go on from it.

A digest shows that a file is whole, not that it lies in the right place: a folder restored from a backup, or copied by
hand, can hold whole files of other trials. A run that went on from one would report numbers of two configurations as
its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from trainables.base_models import build_base_model
from trainables.config import RunConfig, whole_tree
from trainables.data import Dataset
from trainables.refinement.iteration import RunState
from trainables.report import IterationReport

Owner = Mapping[str, Any]


def trial_owner(run: RunConfig) -> Owner:
    """A trial's: its configuration with its seed, but for the device and threads that it computes on."""
    return {"run": run.model_dump(mode="json", exclude={"compute"})}


def m0_owner(key: str) -> Owner:
    """A shared M0's: its key in the M0 cache."""
    return {"m0": key}


def owner_problem(stored: Any, expected: Owner) -> str | None:
    """Why a state is not ``expected``'s, None where it is: the first setting that differs.

    A setting that is not written where it has its default has it. Other settings that only one of the two knows do not
    count: a version may add some, and a state of an older study must still open.
    """
    if not isinstance(stored, Mapping) or stored.keys() != expected.keys():
        return f"is the state of {_kind(stored)}, not of {_kind(expected)}"
    found = next(_differences(_whole(stored), _whole(expected)), None)
    return None if found is None else "is the state of another run: {} is {!r} there and {!r} here".format(*found)


def content_problem(state: RunState, run: RunConfig, data: Dataset) -> str | None:
    """Why a run cannot go on from a state, None where it can: weights and masks have the shapes of model and data."""
    if [report.iteration for report in state.reports] != list(range(state.iteration + 1)):
        return f"has reports of {len(state.reports)} iterations after iteration {state.iteration}"
    with torch.random.fork_rng(devices=[]):
        model = build_base_model(run, data.dimensions, len(data.classes), torch.Generator())
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    if {name: tuple(tensor.shape) for name, tensor in state.weights.items()} != expected:
        return f"has weights of another network than base model {run.model.name} on this data set"
    if not all(torch.isfinite(tensor).all() for tensor in state.weights.values()):
        return "has weights that are not finite"
    return _masks_problem(state.label_history, data)


def report_problem(state: RunState, known: Iterable[IterationReport]) -> str | None:
    """Why a state disagrees with the reports that the ledger has of its trial; None where it does not.

    Only what stays equal when an iteration is trained again on another device is compared.
    """
    found = {report.iteration: report for report in state.reports}
    for report in known:
        own = found.get(report.iteration, report)
        if (own.epochs, own.best_iteration, own.finished) != (report.epochs, report.best_iteration, report.finished):
            return f"disagrees with the ledger on iteration {report.iteration}"
    return None


def _masks_problem(history: Mapping[str, list[np.ndarray]], data: Dataset) -> str | None:
    """Training and held-out videos are parts of the training split."""
    for masks in zip(*history.values(), strict=False):
        rows = {name: len(mask) for name, mask in zip(history, masks, strict=True)}
        test = rows.pop("test", data.test.num_snippets)
        if sum(rows.values()) != data.train.num_snippets or test != data.test.num_snippets:
            return "has pseudo labels of other videos than those of this data set"
    return None


def _whole(owner: Owner) -> Owner:
    return {name: whole_tree(part) if isinstance(part, Mapping) else part for name, part in owner.items()}


def _kind(owner: Any) -> str:
    if not isinstance(owner, Mapping):
        return "nobody"
    return f"the shared M0 {owner['m0']}" if "m0" in owner else "a trial"


def _differences(stored: Any, expected: Any, name: str = "") -> Any:
    """Key, stored and expected value of each setting that both have and that differs."""
    if isinstance(stored, Mapping) and isinstance(expected, Mapping):
        for key in stored.keys() & expected.keys():
            yield from _differences(stored[key], expected[key], f"{name}.{key}" if name else str(key))
    elif stored != expected:
        yield name.removeprefix("run."), stored, expected
