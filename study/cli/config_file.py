"""The settings of a configuration as a file of their own: what ``study.export --config`` writes and ``study.launch
--config`` takes. All of the method, and nothing of the data set, so that it can be used on another one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from trainables.config import RunConfig, parse_config
from trainables.errors import UserError
from trainables.files import write_whole
from trainables.json_types import JsonObject
from trainables.text_files import read_yaml

METHOD = ("model", "loss", "training", "prediction", "pseudo_labels", "refinement")
# They belong to the data set and to the run, not to the method.
ELSEWHERE = {
    "dataset": "the data set is --dataset",
    "seed": "the seed is --seed",
    "protocol": "the preset is --protocol",
}


def write_config(path: Path, run: RunConfig, heading: str) -> None:
    """The method's settings of ``run`` as YAML, whole; heading: a comment, one line or more. Raises UserError."""
    tree = run.model_dump(mode="json")
    comment = "".join(f"# {line}\n" for line in heading.splitlines())
    text = comment + yaml.safe_dump({part: tree[part] for part in METHOD}, sort_keys=False, allow_unicode=True)
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise UserError(f"--config: {path}: {error.strerror}; choose another file") from None


def with_config(run: RunConfig, path: Path) -> RunConfig:
    """``run`` with the settings of a file, which may be a few or all; raises UserError."""
    tree = read_config(path)
    return parse_config({**_merged(run.model_dump(mode="json"), tree), "protocol": "custom"}, f"--config: {path}")


def read_config(path: Path) -> JsonObject:
    """The settings of a file, not yet validated; raises UserError for what is no setting of the method."""
    tree = read_yaml(path)
    for key, remedy in ELSEWHERE.items():
        if key in tree:
            raise UserError(f"--config: {path}: {key}: is no setting of the method; leave it out, {remedy}")
    return tree


def _merged(tree: Mapping[str, Any], changes: Mapping[str, Any]) -> JsonObject:
    """``changes`` win; parts that both have are merged key by key."""
    found = dict(tree)
    for key, value in changes.items():
        before = found.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        found[key] = _merged(before, value) if both else value  # type: ignore[arg-type]
    return found
