"""Data sets: ``load_dataset`` by name, ``make_card`` for what a reader must know. To add one: a module and a line."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trainables.config import DatasetConfig
from trainables.data import Dataset, FeatureFolder, Split, Video
from trainables.datasets import external, simulated, spoken_digits, utkinect  # noqa: F401 (they register themselves)
from trainables.datasets.card import DataCard, make_card
from trainables.datasets.provenance import feature_protocol
from trainables.datasets.registry import FAMILIES, DataProblems, family, register
from trainables.errors import UserError

__all__ = [
    "FAMILIES",
    "DataCard",
    "DataProblems",
    "Dataset",
    "FeatureFolder",
    "Split",
    "Video",
    "feature_protocol",
    "load_dataset",
    "make_card",
    "register",
    "require_files",
]


def require_files(config: DatasetConfig, data_dir: Path) -> None:
    """Raise UserError, without reading any data, for an unknown data set or files that are not there."""
    family(config).require_files(config, data_dir)


def load_dataset(config: DatasetConfig, data_dir: Path, kept: FeatureFolder | None = None) -> Dataset:
    """Read a data set.

    data_dir: holds ``<name>/`` with the annotations and ``<name>/<features>/`` with the features, for data sets that
    are a user's download. kept: where their features are kept for all processes to map; None: in memory. Raises
    UserError for an unknown name, missing files and an empty split; DataProblems (a UserError) with everything
    that is wrong inside the files.
    """
    dataset = family(config).load(config, data_dir, kept)
    return _without_excluded(dataset, config)


def _without_excluded(dataset: Dataset, config: DatasetConfig) -> Dataset:
    if not config.exclude_videos:
        return dataset
    splits = {}
    for split in (dataset.train, dataset.test):
        kept = split.subset(np.flatnonzero(~np.isin(split.names.astype(str), config.exclude_videos)), split.name)
        if not len(kept):
            raise UserError(f"{config.name}: split {split.name} is empty after dataset.exclude_videos")
        splits[split.name] = kept
    note = f"excluded by configuration: {', '.join(config.exclude_videos)}"
    return Dataset(
        dataset.name,
        dataset.title,
        dataset.classes,
        splits["train"],
        splits["test"],
        dataset.simulated,
        (*dataset.notes, note),
    )
