"""The registry of data sets: a name, how to load it, and a quick look whether its files are there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from trainables.commands import typed
from trainables.config import DatasetConfig
from trainables.data import Dataset, FeatureFolder
from trainables.errors import UserError, nearest

SHOWN_PROBLEMS = 5
FILES = "files"  # the reader of data set files


class Loader(Protocol):
    """Reads a data set; raises UserError, or DataProblems with everything that is wrong with its files.

    kept: where large features are mapped from; small data sets leave it alone.
    """

    def __call__(self, config: DatasetConfig, data_dir: Path, kept: FeatureFolder | None = None) -> Dataset: ...


class DataProblems(UserError):
    """What is wrong with a data set's files: all of it, not the first.

    name: as --dataset takes it. problems: one sentence each. dataset: what could be read nevertheless, None
    when nothing could.
    """

    def __init__(self, name: str, problems: Sequence[str], dataset: Dataset | None = None) -> None:
        lines = list(problems[:SHOWN_PROBLEMS])
        if len(problems) > SHOWN_PROBLEMS:
            more = len(problems) - SHOWN_PROBLEMS
            lines.append(f"... and {more} more: {typed('check')} --dataset {name} lists all")
        super().__init__("\n".join(lines))
        self.name = name
        self.problems = list(problems)
        self.dataset = dataset

    def __reduce__(self) -> tuple[type[DataProblems], tuple[str, list[str]]]:
        # An exception pickles by its message alone; another process needs the problems, not the features.
        return type(self), (self.name, self.problems)


class Family(NamedTuple):
    """One registered data set."""

    load: Loader
    require_files: Callable[[DatasetConfig, Path], None]


FAMILIES: dict[str, Family] = {}


def register(name: str, require_files: Callable[[DatasetConfig, Path], None]) -> Callable[[Loader], Loader]:
    """Add a data set. ``require_files`` raises UserError, fast, when its files are not there."""

    def add(load: Loader) -> Loader:
        if name in FAMILIES:
            raise ValueError(f"data set {name!r} is registered twice")
        FAMILIES[name] = Family(load, require_files)
        return load

    return add


def family(config: DatasetConfig) -> Family:
    """What loads a data set: by its name, or as files of a user where a data set file describes it; raises UserError
    with the nearest known name."""
    if config.file is not None:
        return FAMILIES[FILES]
    if config.name not in FAMILIES:
        raise UserError(f"dataset.name: unknown data set {config.name!r}. {nearest(config.name, FAMILIES)}")
    return FAMILIES[config.name]


def require_grid(config: DatasetConfig, frames: int | None, fps: float) -> None:
    """Refuse settings that a data set with features of its own cannot follow.

    frames: the only possible snippet length, None where any will do. Raises UserError naming field and remedy.
    """
    if config.snippet_fps != fps:
        raise UserError(
            f"dataset.snippet_fps: {config.name} has {fps:g} frames per second, got {config.snippet_fps}; set {fps}"
        )
    if frames is not None and config.snippet_frames != frames:
        raise UserError(f"dataset.snippet_frames: {config.name} has {frames}, got {config.snippet_frames}")
    for field, value, default in (("features", config.features, None), ("stream", config.stream, "both")):
        if value != default:
            raise UserError(f"dataset.{field}: {config.name} has one kind of features, got {value!r}; set {default}")
