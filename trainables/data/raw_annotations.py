"""What the readers of annotation formats return: what a format's files say, checked value by value, unchanged."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from trainables.errors import UserError
from trainables.text_files import checked_name, finite_number, seconds

SUBSET_WORDS = {
    "train": "training", "training": "training",
    "valid": "validation", "val": "validation", "validation": "validation",
    "test": "testing", "testing": "testing",
}  # fmt: skip

NO_SUBSET = "(none)"  # of a video in a file that does not say which of its videos train


class RawVideo(NamedTuple):
    """subset: the file's own word. duration_s, fps and num_frames: None where the format has none."""

    name: str
    subset: str
    duration_s: float | None = None
    fps: float | None = None
    num_frames: float | None = None


class RawInterval(NamedTuple):
    """An instance, or an ambiguous interval with an empty label; seconds. Its end may lie before its start."""

    video: str
    start_s: float
    end_s: float
    label: str = ""


@dataclass(frozen=True)
class RawAnnotations:
    """videos: each once for every subset that lists it. instances: in file order.

    ambiguous: by the file's word for the subset; also of videos that are not listed, as they have no instance.
    classes: the format's own class list in order. class_numbers: what integer labels mean, by the files themselves.
    video_labels: labels of whole videos, where a format has them beside its instances or without any. unannotated:
    videos of which nothing is said, which only an unused subset may hold. notes: sentences that a reader of any number
    from these files must know.
    """

    videos: Sequence[RawVideo]
    instances: Sequence[RawInterval]
    ambiguous: Mapping[str, Sequence[RawInterval]] = field(default_factory=dict)
    classes: tuple[str, ...] | None = None
    class_numbers: Mapping[int, str] = field(default_factory=dict)
    video_labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unannotated: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnnotationFormat:
    """``select`` picks the files of this format out of some files; ``read`` reads them."""

    name: str
    understood_as: str
    select: Callable[[Sequence[Path]], list[Path]]
    read: Callable[[list[Path]], RawAnnotations]


# From the videos of the files and their source: train, test or unused for each name.
SubsetRule = Callable[[Sequence[RawVideo], Path], dict[str, str]]


class UnknownSubset(UserError):
    """A word for a subset that the field does not use: only the user knows whether its videos train or test."""


ZERO_RATE = "videos have the frame rate 0: it is taken as unknown"  # ends a note that begins with their number


def by_convention(videos: Sequence[RawVideo], source: Path) -> dict[str, str]:
    """Train, test or unused for each video, from the files' words for subsets as the field understands them."""
    meaning = splits_of({video.subset for video in videos}, source)
    return {video.name: meaning[video.subset] for video in videos}


def splits_of(words: Iterable[str], source: object) -> dict[str, str]:
    """The files' words for subsets -> train, test, unused.

    ActivityNet trains on "training" and reports on "validation" (its "testing" is withheld); THUMOS14 has no
    detection annotations in its training set, so the field trains on "validation" and reports on "test".
    """
    found = set(words)
    unknown = sorted(word for word in found if word.lower() not in SUBSET_WORDS)
    if unknown == [NO_SUBSET]:
        raise UnknownSubset(
            f"{source}: nothing says which of its videos train and which test; add a column 'subset' (training, "
            "validation)"
        )
    if unknown:
        raise UnknownSubset(
            f"{source}: subset {reprlib.repr(unknown[0])} is unknown; understood: {', '.join(sorted(SUBSET_WORDS))}"
        )
    meaning = {word: SUBSET_WORDS[word.lower()] for word in found}
    has_training, has_validation = ("training" in meaning.values()), ("validation" in meaning.values())
    split = {
        "training": "train",
        "validation": "test" if has_training else "train",
        "testing": "unused" if has_training and has_validation else "test",
    }
    return {word: split[standard] for word, standard in meaning.items()}


def interval(video: str, start: Any, end: Any, label: str, where: str) -> RawInterval:
    """One interval; raises UserError, after ``where``, for times that are no numbers."""
    try:
        return RawInterval(video, seconds(start), seconds(end), label)
    except ValueError as error:
        raise UserError(f"{where}: a time {error}") from None


def positive(value: Any, what: str, where: str) -> float | None:
    """A number above 0; None stays None. Raises UserError for anything else."""
    if value is None:
        return None
    try:
        found = finite_number(value)
    except ValueError as error:
        raise UserError(f"{where}: {what} {error}") from None
    if found <= 0:
        raise UserError(f"{where}: {what} must be above 0, got {found:g}")
    return found


def frame_rate(value: Any, where: str) -> float | None:
    """Frames per second; 0, which some tools write for a rate that they do not know, is None."""
    try:
        unknown = value is not None and finite_number(value) == 0
    except ValueError:
        unknown = False
    return None if unknown else positive(value, "the frame rate", where)


def video_name(value: Any, where: str) -> str:
    """A name that is not empty; raises UserError."""
    try:
        return checked_name(value)
    except ValueError as error:
        raise UserError(f"{where}: a video's name {error}") from None
