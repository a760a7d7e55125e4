"""Which videos train and which test, where a data set file says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from trainables.config import DatasetConfig, VideoChoice, read_lines
from trainables.data import (
    NO_SUBSET,
    Annotations,
    RawVideo,
    SubsetRule,
    by_convention,
    of_one_split,
    read_annotations,
    read_split_annotations,
)
from trainables.errors import UserError, nearest


def subset_rule(config: DatasetConfig) -> SubsetRule:
    """Train, test or unused for each annotated video: as configured, else by the field's convention.

    Excluded videos are unused. The rule raises UserError for a subset or a video that the annotations do not have, and
    for a video in both splits.
    """

    def rule(videos: Sequence[RawVideo], source: Path) -> dict[str, str]:
        found = _chosen(config, videos, source) if config.train and config.test else by_convention(videos, source)
        return {name: "unused" if name in config.exclude_videos else split for name, split in found.items()}

    return rule


def split_rule(config: DatasetConfig, split: str) -> SubsetRule:
    """The same for the file of one split: its videos as configured, else all of them, or those that the field means
    where the file has videos of several subsets."""

    def rule(videos: Sequence[RawVideo], source: Path) -> dict[str, str]:
        choice: VideoChoice | None = getattr(config, split)
        if choice is None:
            found = of_one_split(split)(videos, source)
        else:
            chosen = _names(split, choice, {video.name: video.subset for video in videos}, source)
            found = {video.name: split if video.name in chosen else "unused" for video in videos}
        return {name: "unused" if name in config.exclude_videos else other for name, other in found.items()}

    return rule


def annotations_of(config: DatasetConfig, path: Path, classes: Sequence[str] | None) -> Annotations:
    """The annotations of a data set, of one file or of one for each split. path: of all, or of the training videos."""
    if config.test_annotations_path is None:
        return read_annotations(path, classes, subset_rule(config))
    paths = {"train": path, "test": Path(config.test_annotations_path)}
    return read_split_annotations(paths, {split: split_rule(config, split) for split in paths}, classes)


def _chosen(config: DatasetConfig, videos: Sequence[RawVideo], source: Path) -> dict[str, str]:
    subset_of = {video.name: video.subset for video in videos}
    choices = {"train": config.train, "test": config.test}
    names = {split: _names(split, choice, subset_of, source) for split, choice in choices.items() if choice}
    both = sorted(names["train"] & names["test"])
    if both:
        raise UserError(
            f"{config.file}: {len(both)} videos are in train and in test ({both[0]}); a video belongs to one"
        )
    split_of = {name: split for split, chosen in names.items() for name in chosen}
    return {name: split_of.get(name, "unused") for name in subset_of}


def _names(split: str, choice: VideoChoice, subset_of: Mapping[str, str], source: Path) -> set[str]:
    if choice.subset:
        words = set(subset_of.values()) - {NO_SUBSET}
        unknown = [word for word in choice.subset if word not in words]
        if unknown:
            none = None if words else "It names none: list the videos in a text file."
            raise UserError(f"{split}: {source} has no subset '{unknown[0]}'. {nearest(unknown[0], words, none)}")
        return {name for name, word in subset_of.items() if word in choice.subset}
    listed = read_lines(Path(choice.list)) if choice.list else list(choice.videos)
    unknown = [name for name in listed if name not in subset_of]
    if unknown:
        where = choice.list or "its list"
        raise UserError(
            f"{split}: {len(unknown)} of {len(listed)} videos of {where} are not in {source} ({unknown[0]}). "
            f"{nearest(unknown[0], subset_of)}"
        )
    return set(listed)
