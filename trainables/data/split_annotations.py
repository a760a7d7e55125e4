"""Annotations whose training and test videos stand in two files, of whatever formats: labels of whole training videos
in one, segments of test videos in the other, for instance."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainables.data.annotation_files import annotations_of, find_annotations
from trainables.data.annotations import Annotations
from trainables.data.raw_annotations import SUBSET_WORDS, RawAnnotations, RawVideo, SubsetRule, by_convention
from trainables.errors import UserError, nearest

OTHER = {"train": "test", "test": "train"}


@dataclass(frozen=True)
class OneSplit:
    """What the file of a split says of the videos that it lists for it."""

    path: Path
    format: str
    raw: RawAnnotations
    videos: frozenset[str]

    @property
    def labels(self) -> dict[str, str]:
        """Every label with the first video that has it."""
        found: dict[str, str] = {}
        for row in self.raw.instances:
            if row.video in self.videos:
                found.setdefault(row.label, row.video)
        for video, own in self.raw.video_labels.items():
            for label in own if video in self.videos else ():
                found.setdefault(label, video)
        return found


def read_split_annotations(
    paths: Mapping[str, Path], rules: Mapping[str, SubsetRule], classes: Sequence[str] | None = None
) -> Annotations:
    """One ``Annotations`` of two files. paths, rules: by split, train and test. classes: as ``read_annotations`` takes
    them. Raises UserError, also for a video in both, and for a class of the test file that no training video has."""
    train, test = (_one_split(paths[split], split, rules[split]) for split in OTHER)
    _require_apart(train, test)
    if not classes:
        _require_known_classes(train, test)
    both = (("train", train), ("test", test))
    raw = RawAnnotations(
        videos=[
            video._replace(subset=split) for split, one in both for video in one.raw.videos if video.name in one.videos
        ],
        instances=[row for _, one in both for row in one.raw.instances if row.video in one.videos],
        ambiguous={split: [row for rows in one.raw.ambiguous.values() for row in rows] for split, one in both},
        classes=train.raw.classes or test.raw.classes,
        class_numbers={**test.raw.class_numbers, **train.raw.class_numbers},
        video_labels={
            video: own for _, one in both for video, own in one.raw.video_labels.items() if video in one.videos
        },
        unannotated=frozenset(video for _, one in both for video in one.raw.unannotated & one.videos),
        notes=tuple(note for _, one in both for note in one.raw.notes),
    )
    name = " and ".join(f"{one.format} ({split})" for split, one in both)
    return annotations_of(name, raw, train.path, classes, lambda videos, _: {v.name: v.subset for v in videos})


def of_one_split(split: str) -> SubsetRule:
    """All videos of a file whose videos have one word for their subset; of several, those that the field means."""

    def rule(videos: Sequence[RawVideo], source: Path) -> dict[str, str]:
        if len({video.subset for video in videos}) <= 1:
            return {video.name: split for video in videos}
        found = by_convention(videos, source)
        return {name: split if other == split else "unused" for name, other in found.items()}

    return rule


def assumed_splits(paths: Collection[Path]) -> dict[str, Path] | None:
    """Which of two files holds the training and which the test videos, where only one answer is likely: by their words
    for subsets, or as one lists labels of whole videos and the other segments. None otherwise."""
    if len(paths) != 2:
        return None
    found = {}
    for path in paths:
        annotation_format, files = find_annotations(path)
        found[path] = annotation_format.read(files)
    names = [{video.name for video in raw.videos} for raw in found.values()]
    if names[0] & names[1]:
        return None
    by_word = {path: _split_by_word(raw) for path, raw in found.items()}
    by_segments = {path: "test" if raw.instances else "train" for path, raw in found.items()}
    words = [split for split in by_word.values() if split is not None]
    likely = dict(zip(found, words, strict=True)) if len(words) == len(found) else by_segments
    agree = all(by_word[path] in (None, split) for path, split in likely.items())
    path_of = {split: path for path, split in likely.items()}
    return {split: path_of[split] for split in OTHER} if agree and set(path_of) == set(OTHER) else None


def _split_by_word(raw: RawAnnotations) -> str | None:
    """The split that the only word for a subset means beside a file of the other one; None: it means none.

    Beside training videos, validation and test videos both test. Videos of several words: ``mixed``.
    """
    words = {video.subset.lower() for video in raw.videos}
    if len(words) != 1:
        return "mixed"
    meant = SUBSET_WORDS.get(words.pop())
    return None if meant is None else "train" if meant == "training" else "test"


def _one_split(path: Path, split: str, rule: SubsetRule) -> OneSplit:
    annotation_format, files = find_annotations(path)
    raw = annotation_format.read(files)
    chosen = rule(raw.videos, path)
    videos = frozenset(name for name, found in chosen.items() if found == split)
    if not videos:
        raise UserError(f"annotations.{split}: {path} has no {split} video; say which of its videos by {split}:")
    return OneSplit(path, annotation_format.name, raw, videos)


def _require_apart(train: OneSplit, test: OneSplit) -> None:
    both = sorted(train.videos & test.videos)
    if both:
        raise UserError(
            f"annotations: {len(both)} videos are in train ({train.path}) and in test ({test.path}), {both[0]} first; "
            "a video belongs to one: take them out of one file, or say by train: and test: which videos are meant"
        )


def _require_known_classes(train: OneSplit, test: OneSplit) -> None:
    known = train.raw.classes or tuple(train.labels)
    unknown = {label: video for label, video in test.labels.items() if label not in known}
    if unknown and not test.raw.classes:
        label, video = next(iter(unknown.items()))
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        raise UserError(
            f"{test.path}: label {label!r} of {video}{more} is unknown to {train.path}: no training video has it. "
            f"{nearest(label, known)} Correct one of the files, or add training videos of it"
        )
