"""Ground-truth files of the field -> videos, classes and Segments, whatever format they come in.

``read_annotations`` detects the format. Videos are sorted by name and instances keep their file's order, so a study
does not depend on which of the formats it was read from. Nothing is repaired: duplicates, zero-length instances and
ends after the video's end stay as released (evaluation.md, section 1).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from trainables.data.annotation_formats import FORMATS, SUBSET_WORDS, AnnotationFormat, RawAnnotations
from trainables.data.segments import Segments
from trainables.errors import UserError, nearest

THUMOS14_CLASSES = (
    "BaseballPitch", "BasketballDunk", "Billiards", "CleanAndJerk", "CliffDiving", "CricketBowling", "CricketShot",
    "Diving", "FrisbeeCatch", "GolfSwing", "HammerThrow", "HighJump", "JavelinThrow", "LongJump", "PoleVault",
    "Shotput", "SoccerPenalty", "TennisSwing", "ThrowDiscus", "VolleyballSpiking",
)  # fmt: skip


# From the videos of the files (columns name, subset) and their source: train, test or unused for each name.
SubsetRule = Callable[[pd.DataFrame, Path], dict[str, str]]


@dataclass(frozen=True)
class AnnotatedVideo:
    """One video as annotated. subset: train, test or unused. duration_s: seconds. fps, num_frames: native."""

    name: str
    subset: str
    duration_s: float | None
    fps: float | None
    num_frames: int | None


@dataclass(frozen=True, eq=False)
class Annotations:
    """All videos of a data set with their instances (seconds; label: index into ``classes``).

    ambiguous: intervals that some evaluators ignore, kept apart, with label -1.
    """

    format: str
    source: Path
    classes: tuple[str, ...]
    videos: tuple[AnnotatedVideo, ...]
    instances: Segments
    ambiguous: Segments

    def subset(self, name: str) -> Annotations:
        """The videos of ``train`` or ``test``."""
        return self._keep({video.name for video in self.videos if video.subset == name})

    def without(self, names: Collection[str]) -> Annotations:
        """All videos but these."""
        return self._keep({video.name for video in self.videos} - set(names))

    def labels(self) -> dict[str, tuple[int, ...]]:
        """Class ids of each video, ascending; () where it has no instance."""
        found: dict[str, set[int]] = {video.name: set() for video in self.videos}
        for video, label in zip(self.instances.video, self.instances.label.tolist(), strict=True):
            found[video].add(label)
        return {video: tuple(sorted(labels)) for video, labels in found.items()}

    def _keep(self, names: set[str]) -> Annotations:
        instances, ambiguous = (
            table[np.array([video in names for video in table.video], dtype=bool)]
            for table in (self.instances, self.ambiguous)
        )
        videos = tuple(video for video in self.videos if video.name in names)
        return replace(self, videos=videos, instances=instances, ambiguous=ambiguous)


def find_annotations(path: Path) -> tuple[AnnotationFormat, list[Path]]:
    """The format of ``path`` and its files: a file, a folder, or a folder with the annotations one level below.

    A folder's own files come before its subfolders'; among formats the first of ``FORMATS`` wins, as RefineLoc's
    CSV is the one with durations and frame rates. Raises UserError that names what was found and is understood.
    """
    groups = [[path]] if path.is_file() else [_files(path), *map(_files, _folders(path))]
    for files in groups:
        for annotation_format in FORMATS:
            chosen = annotation_format.select(files)
            if chosen:
                return annotation_format, chosen
    found = sorted(entry.name for entry in path.iterdir()) if path.is_dir() else [path.name] * path.exists()
    shown = ", ".join(found[:8]) + (f" and {len(found) - 8} more" if len(found) > 8 else "")
    raise UserError(
        f"{path}: no annotations recognised; found: {shown or 'nothing'}. "
        f"Understood: {'; '.join(annotation_format.understood_as for annotation_format in FORMATS)}"
    )


def by_convention(videos: pd.DataFrame, source: Path) -> dict[str, str]:
    """Train, test or unused for each video, from the files' words for subsets as the field understands them."""
    meaning = _split_names(set(videos["subset"].map(str)), source)
    return {str(name): meaning[str(subset)] for name, subset in zip(videos["name"], videos["subset"], strict=True)}


def read_annotations(
    path: Path, classes: Sequence[str] | None = None, subsets: SubsetRule = by_convention
) -> Annotations:
    """Read annotations of any understood format.

    classes: the data set's class list in order; integer labels index it. None takes the list of the files, or else
    the sorted labels of the training videos (of all, where none trains). Raises UserError for an unknown format,
    a label that no class list has, an end before its start and a video in two subsets.
    """
    annotation_format, files = find_annotations(path)
    raw = annotation_format.read(files)
    source = files[0] if len(files) == 1 else files[0].parent
    videos = _used_videos(raw, source, subsets)
    subset_of = {video.name: video.subset for video in videos}
    rows = raw.rows[raw.rows["video"].map(subset_of).isin(["train", "test"])]
    classes = classes or raw.classes or _trained_classes(rows, subset_of, source)
    labels = _class_ids(rows, tuple(classes), source)
    ambiguous = raw.ambiguous[raw.ambiguous["video"].isin(subset_of)]
    return Annotations(
        annotation_format.name,
        source,
        tuple(classes),
        tuple(video for video in videos if video.subset != "unused"),
        _segments(rows, labels, source),
        _segments(ambiguous, np.full(len(ambiguous), -1), source),
    )


def _trained_classes(rows: pd.DataFrame, subset_of: Mapping[str, str], source: Path) -> list[str]:
    """The labels of the training videos, sorted; of all videos where none trains. No other video may have others."""
    training = rows["video"].map(subset_of) == "train"
    found = rows["label"][training if training.any() else slice(None)].unique().tolist()
    others = rows[~rows["label"].isin(found)]
    if len(others):
        label, video = others["label"].iloc[0], others["video"].iloc[0]
        raise UserError(
            f"{source}: label {label!r} is one of test videos only ({others['video'].nunique()} of them, as {video}), "
            f"no training video shows it. {nearest(label, found)} Correct it, add training videos of it, or leave "
            "these videos out by exclude_videos"
        )
    return sorted(found, key=int if all(label.isdigit() for label in found) else None)


def read_subset(path: Path, subset: str | None = None, classes: Sequence[str] | None = None) -> Annotations:
    """One subset of annotations, by default test where there are test videos; raises UserError, also for an
    option ``--subset`` that the files do not have."""
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    annotations = read_annotations(path, classes)
    found = {video.subset for video in annotations.videos}
    wanted = subset or ("test" if "test" in found else "train")
    if wanted not in found:
        raise UserError(f"--subset: {path} has no {wanted} videos, only {', '.join(sorted(found))}")
    return annotations.subset(wanted)


def _files(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.is_file()) if folder.is_dir() else []


def _folders(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []


def _used_videos(raw: RawAnnotations, source: Path, rule: SubsetRule) -> list[AnnotatedVideo]:
    repeated = raw.videos["name"][raw.videos["name"].duplicated()]
    if len(repeated):
        raise UserError(f"{source}: {repeated.iloc[0]} is in two subsets; a video belongs to one")
    subsets = rule(raw.videos, source)
    table = raw.videos.sort_values("name")
    durations, rates, frames = (
        [None if np.isnan(value) else value for value in table[column].tolist()]
        for column in ("duration_s", "fps", "num_frames")
    )
    return [
        AnnotatedVideo(str(name), subsets[str(name)], duration_s, fps, None if count is None else int(count))
        for name, duration_s, fps, count in zip(table["name"], durations, rates, frames, strict=True)
    ]


def _split_names(found: set[str], source: Path) -> dict[str, str]:
    """The files' words for subsets -> train, test, unused.

    ActivityNet trains on "training" and reports on "validation" (its "testing" is withheld); THUMOS14 has no
    detection annotations in its training set, so the field trains on "validation" and reports on "test".
    """
    unknown = sorted(word for word in found if word.lower() not in SUBSET_WORDS)
    if unknown:
        raise UserError(f"{source}: subset {unknown[0]!r} is unknown; understood: {', '.join(sorted(SUBSET_WORDS))}")
    meaning = {word: SUBSET_WORDS[word.lower()] for word in found}
    has_training, has_validation = ("training" in meaning.values()), ("validation" in meaning.values())
    split = {
        "training": "train",
        "validation": "test" if has_training else "train",
        "testing": "unused" if has_training and has_validation else "test",
    }
    return {word: split[standard] for word, standard in meaning.items()}


def _class_ids(rows: pd.DataFrame, classes: tuple[str, ...], source: Path) -> np.ndarray:
    ids = {name: index for index, name in enumerate(classes)}
    ids.update({str(index): index for index in range(len(classes)) if str(index) not in ids})
    found = rows["label"].map(ids)
    unknown = np.flatnonzero(found.isna())
    if unknown.size:
        label, video = (rows[column].iloc[unknown[0]] for column in ("label", "video"))
        raise UserError(
            f"{source}: label {label!r} of {video} is in no class list ({unknown.size} such rows, "
            f"{len(classes)} classes). {nearest(label, classes)}"
        )
    return found.to_numpy(np.int64)


def _segments(rows: pd.DataFrame, labels: np.ndarray, source: Path) -> Segments:
    start, end = (rows[column].to_numpy(np.float64) for column in ("start_s", "end_s"))
    bad = np.flatnonzero(~(start <= end))
    if bad.size:
        video = rows["video"].iloc[bad[0]]
        raise UserError(f"{source}: an instance of {video} starts at {start[bad[0]]:g} s, ends at {end[bad[0]]:g} s")
    return Segments.of(rows["video"].to_numpy(object), start, end, labels)
