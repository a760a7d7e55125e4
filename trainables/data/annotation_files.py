"""Ground-truth files of the field -> Annotations, whatever format they come in.

``read_annotations`` detects the format. Videos are sorted by name and instances keep their file's order, so a study
does not depend on which of the formats it was read from. Nothing is repaired: duplicates, zero-length instances and
ends after the video's end stay as released (evaluation.md, section 1). Instances that end before they start are left
out, as every evaluator does, and counted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from trainables.data.annotation_formats import FORMATS
from trainables.data.annotations import AnnotatedVideo, Annotations
from trainables.data.raw_annotations import (
    AnnotationFormat,
    RawAnnotations,
    RawInterval,
    RawVideo,
    SubsetRule,
    by_convention,
)
from trainables.data.segments import Segments
from trainables.errors import UserError, nearest
from trainables.files import files_in, list_folders


def find_annotations(path: Path) -> tuple[AnnotationFormat, list[Path]]:
    """The format of ``path`` and its files: a file, a folder, or a folder with the annotations one level below.

    A folder's own files come before its subfolders'; among formats the first of ``FORMATS`` wins, as RefineLoc's
    CSV is the one with durations and frame rates. Raises UserError that names what was found and is understood.
    """
    if not os.path.exists(path):
        raise UserError(f"{path}: no such file or folder")
    for files in _groups(path):
        for annotation_format in FORMATS:
            chosen = annotation_format.select(files)
            if chosen:
                return annotation_format, chosen
    is_folder = os.path.isdir(path)
    found = sorted(entry.name for entry in path.iterdir()) if is_folder else [path.name]
    shown = ", ".join(found[:8]) + (f" and {len(found) - 8} more" if len(found) > 8 else "")
    raise UserError(
        f"{path}: no annotations recognised; found: {shown or 'nothing'}. "
        f"Understood: {'; '.join(annotation_format.understood_as for annotation_format in FORMATS)}"
    )


def folders_with_ambiguous(path: Path) -> list[Path]:
    """Folders in or beside ``path`` that hold THUMOS14's ambiguous intervals."""
    parent = path if os.path.isdir(path) else path.parent
    around = [parent, *list_folders(parent), *list_folders(parent.parent)]
    found = {
        folder: [file.name for file in files_in(folder) if file.name.startswith("Ambiguous_")] for folder in around
    }
    return [folder for folder, names in found.items() if names]


def _groups(path: Path) -> list[list[Path]]:
    if os.path.isfile(path):
        return [[path]]
    return [files_in(path), *map(files_in, list_folders(path))]


def read_annotations(
    path: Path,
    classes: Sequence[str] | None = None,
    subsets: SubsetRule = by_convention,
    unseen: Literal["refused", "accepted"] = "refused",
) -> Annotations:
    """Read annotations of any understood format.

    classes: the data set's class list in order; integer labels index it. None takes the list of the files, or else
    the sorted labels of the training videos (of all, where none trains). unseen: whether test videos may have classes
    that no training video has, as an evaluation of a zero-shot split needs. Raises UserError for an unknown format,
    a label that no class list has and a video in two subsets.
    """
    annotation_format, files = find_annotations(path)
    source = files[0] if len(files) == 1 else files[0].parent
    return annotations_of(annotation_format.name, annotation_format.read(files), source, classes, subsets, unseen)


def annotations_of(
    format_name: str,
    raw: RawAnnotations,
    source: Path,
    classes: Sequence[str] | None,
    subsets: SubsetRule,
    unseen: Literal["refused", "accepted"] = "refused",
) -> Annotations:
    """What ``read_annotations`` returns, of what files say; source: these, for messages."""
    videos = _annotated_videos(raw, source, subsets)
    used = {video.name: video.subset for video in videos if video.subset != "unused"}
    _require_annotations(raw, used, source)
    rows = [row for row in raw.instances if row.video in used]
    labels = [(row.video, row.label) for row in rows]
    labels += [(video, label) for video, own in raw.video_labels.items() if video in used for label in own]
    names = tuple(classes or raw.classes or _found_classes(labels, used, unseen, source))
    ids = _class_ids(labels, names, source)
    ambiguous = _ambiguous(raw, videos)
    forward = [row for row in rows if row.start_s <= row.end_s]
    return Annotations(
        format_name,
        source,
        names,
        tuple(video for video in videos if video.name in used),
        _segments(forward, [ids[row.label] for row in forward]),
        {split: _segments(intervals, [-1] * len(intervals)) for split, intervals in ambiguous.items()},
        raw.class_numbers,
        {video: tuple(ids[label] for label in own) for video, own in raw.video_labels.items() if video in used},
        tuple(row.video for row in rows if row.start_s > row.end_s),
        raw.notes,
    )


def read_subset(path: Path, subset: str | None = None, classes: Sequence[str] | None = None) -> Annotations:
    """One subset of annotations to evaluate, by default test where there are test videos; raises UserError, also for an
    option ``--subset`` that the files do not have."""
    if not os.path.exists(path):
        raise UserError(f"{path}: no such file or folder")
    annotations = read_annotations(path, classes, unseen="accepted")
    found = {video.subset for video in annotations.videos}
    wanted = subset or ("test" if "test" in found else "train")
    if wanted not in found:
        raise UserError(f"--subset: {path} has no {wanted} videos, only {', '.join(sorted(found)) or 'none at all'}")
    return annotations.subset(wanted)


def _annotated_videos(raw: RawAnnotations, source: Path, rule: SubsetRule) -> list[AnnotatedVideo]:
    """Sorted by name, each with its split."""
    seen: dict[str, RawVideo] = {}
    for video in raw.videos:
        if video.name in seen:
            raise UserError(f"{source}: {video.name} is in two subsets; a video belongs to one")
        seen[video.name] = video
    split_of = rule(raw.videos, source)
    return [
        AnnotatedVideo(
            name,
            split_of[name],
            video.duration_s,
            video.fps,
            None if video.num_frames is None else int(video.num_frames),
        )
        for name, video in sorted(seen.items())
    ]


def _require_annotations(raw: RawAnnotations, used: Mapping[str, str], source: Path) -> None:
    lacking = sorted(raw.unannotated & set(used))
    if lacking:
        raise UserError(
            f"{source}: {len(lacking)} {used[lacking[0]]} videos have no 'annotations' ({lacking[0]}); write [] for a "
            "video without instances: only those of a subset that is not used may lack them"
        )


def _found_classes(
    labels: Sequence[tuple[str, str]], split_of: Mapping[str, str], unseen: str, source: Path
) -> list[str]:
    """The labels of the training videos, sorted; of all videos where none trains, or where others are accepted."""
    trained = {label for video, label in labels if split_of[video] == "train"}
    others = {label: video for video, label in labels if label not in trained}
    if trained and others and unseen == "refused":
        label, video = next(iter(others.items()))
        count = len({video for video, label in labels if label in others})
        raise UserError(
            f"{source}: label {label!r} of {video} is in no class list: no training video has it ({count} such videos, "
            f"{len(trained)} classes). {nearest(label, trained)} Correct it, add training videos of it, or leave these "
            "videos out by exclude_videos"
        )
    found = trained | set(others)
    return sorted(found, key=int if all(label.isascii() and label.isdigit() for label in found) else None)


def _class_ids(labels: Sequence[tuple[str, str]], classes: tuple[str, ...], source: Path) -> dict[str, int]:
    """Labels by name, and by place in the list unless a class is called by that number."""
    ids = {str(index): index for index in range(len(classes))} | {name: index for index, name in enumerate(classes)}
    unknown = [(video, label) for video, label in labels if label not in ids]
    if unknown:
        video, label = unknown[0]
        raise UserError(
            f"{source}: label {label!r} of {video} is in no class list ({len(unknown)} such rows, "
            f"{len(classes)} classes). {nearest(label, classes)}"
        )
    return ids


def _ambiguous(raw: RawAnnotations, videos: Sequence[AnnotatedVideo]) -> dict[str, list[RawInterval]]:
    """Ambiguous intervals by split: that of their video, or of the other videos of their file's subset."""
    split_of = {video.name: video.subset for video in videos}
    of_word: dict[str, set[str]] = {}
    for video in raw.videos:
        of_word.setdefault(video.subset, set()).add(split_of[video.name])
    found: dict[str, list[RawInterval]] = {}
    for word, intervals in raw.ambiguous.items():
        splits = of_word.get(word, set())
        common = next(iter(splits)) if len(splits) == 1 else "unused"
        for row in intervals:
            found.setdefault(split_of.get(row.video, common), []).append(row)
    return {split: rows for split, rows in found.items() if split != "unused"}


def _segments(rows: Sequence[RawInterval], labels: Sequence[int]) -> Segments:
    """As they stand; ambiguous intervals that end before they start cover nothing."""
    kept = [(row, label) for row, label in zip(rows, labels, strict=True) if row.start_s <= row.end_s]
    return Segments.of(
        [row.video for row, _ in kept],
        [row.start_s for row, _ in kept],
        [row.end_s for row, _ in kept],
        [label for _, label in kept],
    )
