"""Whole-file save and load of a run's state.

A file is a SHA-256 of its content, then the content (torch's zip format, loaded with ``weights_only``: no code
runs). It is written aside, flushed to the disk and renamed; the file before it stays as ``*.previous`` until then.
A state says whose it is. A file that is another run's, or whose content is no state of this run, counts as damaged;
those of older versions do not say it, and are judged by their content alone.
"""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trainables.files import DamagedFile, read_with_digest, write_with_digest
from trainables.refinement.iteration import RunState
from trainables.report import IterationReport
from trainables.worker.belonging import Owner, owner_problem

Check = Callable[[RunState, bool], str | None]

logger = logging.getLogger(__name__)


def save_state(path: Path, state: RunState, owner: Owner | None = None) -> None:
    """Write ``state`` of ``owner``; at every instant a whole file lies at ``path`` or ``path.previous``."""
    buffer = io.BytesIO()
    torch.save(_to_plain(state) | ({} if owner is None else {"owner": json.dumps(owner)}), buffer)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        os.replace(path, _previous(path))
    write_with_digest(path, buffer.getvalue())


def load_state(path: Path, owner: Owner | None = None, check: Check = lambda state, owned: None) -> RunState | None:
    """The state at ``path``, else the one before it; None where neither is whole and right. Others are logged.

    owner: whose it must be, where the file says so. check: the reason why a state is not the right one, None where it
    is; ``owned`` tells whether the file names its owner.
    """
    for candidate in (path, _previous(path)):
        if not candidate.exists():
            continue
        try:
            return _read(candidate, owner, check)
        except DamagedFile as error:
            logger.warning("%s; it is not used", error)
    return None


def _previous(path: Path) -> Path:
    return path.with_name(f"{path.name}.previous")


def _read(path: Path, owner: Owner | None, check: Check) -> RunState:
    content = read_with_digest(path)
    try:
        plain = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
        stored = json.loads(plain["owner"]) if "owner" in plain else None
        state = _from_plain(plain)
        problem = None if owner is None or stored is None else owner_problem(stored, owner)
        problem = problem or check(state, stored is not None)
    except MemoryError:
        raise
    except Exception as error:  # torch, pickle and whatever the content then meets raise errors of many kinds
        raise DamagedFile(f"{path}: its content is no state: {type(error).__name__}: {error}") from error
    if problem is not None:
        raise DamagedFile(f"{path}: {problem}")
    return state


def _to_plain(state: RunState) -> dict[str, Any]:
    """Tensors, strings and containers of them: all that ``weights_only`` admits."""
    return {
        "iteration": state.iteration,
        "finished": state.finished,
        "reports": json.dumps([report.to_json() for report in state.reports]),
        "weights": state.weights,
        "label_history": _map(state.label_history, torch.from_numpy),
    }


def _from_plain(plain: dict[str, Any]) -> RunState:
    masks: Callable[[torch.Tensor], np.ndarray] = torch.Tensor.numpy
    return RunState(
        iteration=plain["iteration"],
        finished=plain["finished"],
        reports=[IterationReport.from_json(tree) for tree in json.loads(plain["reports"])],
        weights=plain["weights"],
        label_history=_map(plain["label_history"], masks),
    )


def _map(history: dict[str, list[Any]], convert: Callable[[Any], Any]) -> dict[str, list[Any]]:
    return {name: [convert(mask) for mask in masks] for name, masks in history.items()}
