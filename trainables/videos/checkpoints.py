"""Checkpoints of backbones: which layouts are understood. Nothing of what a file names is ever run."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainables.data import read_pickled_arrays
from trainables.errors import UserError

# Names inside of an Inception module: DeepMind's -> piergiaj's.
_BRANCHES = {
    "Branch_0/Conv3d_0a_1x1": "b0",
    "Branch_1/Conv3d_0a_1x1": "b1a",
    "Branch_1/Conv3d_0b_3x3": "b1b",
    "Branch_2/Conv3d_0a_1x1": "b2a",
    "Branch_2/Conv3d_0b_3x3": "b2b",
    "Branch_3/Conv3d_0b_1x1": "b3b",
}


def read_weights(path: Path) -> dict[str, Tensor]:
    """Tensors by name of a checkpoint: torch's, or DeepMind's I3D as a pickle of numpy arrays.

    Runs nothing of what the file names. Raises UserError for a file that is neither.
    """
    loaded = _load_torch(path) if zipfile.is_zipfile(path) else read_pickled_arrays(path)
    if isinstance(loaded, int):  # torch's files of before 2020 begin with a pickled number
        loaded = _load_torch(path)
    for key in ("state_dict", "model_state_dict"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if isinstance(loaded, dict) and set(loaded) == {"params", "batch_stats"}:
        return from_deepmind(loaded)
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise UserError(f"--weights: {path}: holds no tensors by name; a checkpoint of the network is needed")
    return {str(name).removeprefix("module."): value for name, value in loaded.items()}


def from_deepmind(variables: Mapping[str, Any]) -> dict[str, Tensor]:
    """DeepMind's I3D in flax's layout -> the names of ``trainables.videos.i3d``.

    Kernels (t, h, w, in, out) become (out, in, t, h, w); its batch norm has a bias and no scale.
    """
    found: dict[str, Tensor] = {}
    for path, value in _leaves(variables["params"]):
        unit, (layer, kind) = _unit(path[:-2]), path[-2:]
        if kind == "kernel":
            found[f"{unit}.conv3d.weight"] = torch.from_numpy(np.ascontiguousarray(value.transpose(4, 3, 0, 1, 2)))
        elif layer == "BatchNorm_0":
            found[f"{unit}.bn.bias"] = torch.from_numpy(value.copy())
            found[f"{unit}.bn.weight"] = torch.ones(value.shape)
        else:
            found[f"{unit}.conv3d.bias"] = torch.from_numpy(value.copy())
    for path, value in _leaves(variables["batch_stats"]):
        statistic = {"mean": "running_mean", "var": "running_var"}[path[-1]]
        found[f"{_unit(path[:-2])}.bn.{statistic}"] = torch.from_numpy(value.reshape(-1).copy())
    return found


def load_into(network: torch.nn.Module, weights: Mapping[str, Tensor], where: Path) -> None:
    """Fill a network; every weight must be there and fit. Raises UserError naming file and first weight."""
    own = network.state_dict()
    counters = {name for name in own if name.endswith("num_batches_tracked")}  # of training, absent in old files
    missing = sorted(set(own) - set(weights) - counters)
    unknown = sorted(set(weights) - set(own))
    if missing or unknown:
        first = f"lacks {missing[0]}" if missing else f"has {unknown[0]}, which the network has not"
        raise UserError(
            f"--weights: {where}: not of this network: it {first} ({len(missing) + len(unknown)} names differ)"
        )
    for name, value in weights.items():
        if own[name].shape != value.shape:
            raise UserError(
                f"--weights: {where}: {name} is {tuple(value.shape)}, the network has {tuple(own[name].shape)}"
            )
    network.load_state_dict(dict(weights), strict=False)


def _load_torch(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError) as error:
        reason = str(error).split("\n")[0]
        raise UserError(f"--weights: {path}: cannot be read ({reason}); nothing of it was run") from None


def _leaves(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], npt.NDArray[Any]]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value


def _unit(path: tuple[str, ...]) -> str:
    if path[0].startswith("Logits"):
        return "logits"
    return ".".join((path[0], *(_BRANCHES[name] for name in path[1:])))
