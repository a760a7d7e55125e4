"""ActivityNet's JSON: a database of videos with segments. BaS-Net's ``gt.json`` is one without durations."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainables.data.raw_annotations import (
    ZERO_RATE,
    RawAnnotations,
    RawInterval,
    RawVideo,
    frame_rate,
    interval,
    positive,
    video_name,
)
from trainables.errors import UserError
from trainables.json_types import JsonObject
from trainables.text_files import checked_name, read_json


def select_json(files: Sequence[Path]) -> list[Path]:
    """JSON files in which the word "database" stands."""
    return [path for path in files if path.suffix.lower() == ".json" and b'"database"' in _content(path)]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # the reader says so when the file is read
        return b""


def read_activitynet_json(files: list[Path]) -> RawAnnotations:
    """One file. An annotation without a segment is a label of the whole video."""
    if len(files) > 1:
        names = ", ".join(path.name for path in files)
        raise UserError(f"{files[0].parent}: {names} all hold annotations; say which by dataset.annotations_path")
    path = files[0]
    tree = read_json(path)
    database = tree.get("database") if isinstance(tree, dict) else None
    if not isinstance(database, dict):
        raise UserError(
            f"{path}: not ActivityNet-style JSON: expected an object 'database': {{video: {{subset, ...}}}}"
        )
    videos = [_video(path, name, entry) for name, entry in database.items()]
    instances: list[RawInterval] = []
    numbers: dict[int, str] = {}
    video_labels: dict[str, tuple[str, ...]] = {}
    unannotated = frozenset(video.name for video in videos if database[video.name].get("annotations") is None)
    for video in videos:
        for annotation, where in _annotations(path, video.name, database[video.name]):
            label = _label(annotation, where)
            _learn_number(numbers, label, annotation.get("label_id"), where)
            if "segment" in annotation:
                instances.append(_instance(video.name, annotation["segment"], label, where))
            else:
                video_labels[video.name] = (*video_labels.get(video.name, ()), label)
    return RawAnnotations(
        videos,
        instances,
        class_numbers=numbers,
        video_labels=video_labels,
        unannotated=unannotated,
        notes=_notes(database, videos),
    )


def _annotations(path: Path, name: str, entry: Mapping[str, Any]) -> list[tuple[JsonObject, str]]:
    """Annotations of one video, each with the words that say where it stands."""
    found = entry.get("annotations")
    if found is None:
        return []
    if not isinstance(found, list):
        raise UserError(f"{path}: not ActivityNet-style JSON: video {name}: 'annotations' must be a list")
    rows = [(annotation, f"{path}: video {name}, annotation {place}") for place, annotation in enumerate(found)]
    for annotation, where in rows:
        if not isinstance(annotation, dict):
            raise UserError(f"{where}: expected segment [start, end] and label, got {reprlib.repr(annotation)}")
    return rows


def _video(path: Path, name: str, entry: Any) -> RawVideo:
    where = f"{path}: video {reprlib.repr(name)}"
    video_name(name, str(path))
    if not isinstance(entry, dict) or not isinstance(entry.get("subset"), str):
        raise UserError(f"{where}: expected an object with 'subset' and 'annotations', got {reprlib.repr(entry)}")
    duration_s = positive(entry.get("duration"), "the duration", where)
    return RawVideo(name, entry["subset"], duration_s, frame_rate(entry.get("fps"), where))


def _label(annotation: Mapping[str, Any], where: str) -> str:
    label = annotation.get("label")
    if isinstance(label, int) and not isinstance(label, bool):
        return str(label)
    try:
        return checked_name(label)
    except ValueError as error:
        raise UserError(f"{where}: label {error}") from None


def _instance(video: str, segment: Any, label: str, where: str) -> RawInterval:
    if not isinstance(segment, list) or len(segment) != 2:
        raise UserError(f"{where}: segment must be [start, end] in seconds, got {reprlib.repr(segment)}")
    return interval(video, segment[0], segment[1], label, where)


def _learn_number(numbers: dict[int, str], label: str, number: Any, where: str) -> None:
    """Note the ``label_id`` of a class; one number stands for one class."""
    if number is None:
        return
    if not isinstance(number, int) or isinstance(number, bool):
        raise UserError(f"{where}: label_id must be an integer, got {reprlib.repr(number)}")
    if numbers.setdefault(number, label) != label:
        raise UserError(f"{where}: label_id {number} stands for {numbers[number]!r} and for {label!r}")


def _notes(database: Mapping[str, Any], videos: Sequence[RawVideo]) -> tuple[str, ...]:
    zero = sum(video.fps is None and database[video.name].get("fps") is not None for video in videos)
    return (f"{zero} {ZERO_RATE}",) if zero else ()
