"""THUMOS14's own annotations: a file per class and subset, ``video start end`` in seconds; no durations, no fps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from trainables.data.raw_annotations import RawAnnotations, RawInterval, RawVideo, interval, video_name
from trainables.errors import UserError
from trainables.text_files import read_text

AMBIGUOUS = "Ambiguous"
CLASS_LIST = "detclasslist.txt"
_FILE = re.compile(r"(?P<label>.+)_(?P<subset>val|test)\.txt", re.IGNORECASE)


def select_thumos14(files: Sequence[Path]) -> list[Path]:
    """Files named by class and subset, with the class list and the ambiguous intervals where they lie."""
    chosen = [path for path in files if _FILE.fullmatch(path.name) or path.name.lower() == CLASS_LIST]
    classes = [p for p in chosen if p.name.lower() != CLASS_LIST and not p.name.startswith(AMBIGUOUS)]
    return chosen if classes else []


def read_thumos14(files: list[Path]) -> RawAnnotations:
    """A video is known by its instances; the kit ignores ambiguous intervals of videos without any as well."""
    classes = None
    videos: dict[tuple[str, str], RawVideo] = {}
    instances: list[RawInterval] = []
    ambiguous: dict[str, list[RawInterval]] = {}
    _require_one_each(files)
    for path in files:
        match = _FILE.fullmatch(path.name)
        if match is None:
            classes = tuple(line.split()[-1] for line in read_text(path).splitlines() if line.strip())
        elif match["label"] == AMBIGUOUS:
            ambiguous[match["subset"].lower()] = read_intervals(path, "")
        else:
            rows = read_intervals(path, match["label"])
            instances += rows
            subset = match["subset"].lower()
            videos.update({(row.video, subset): RawVideo(row.video, subset) for row in rows})
    return RawAnnotations(list(videos.values()), instances, ambiguous, classes)


def _require_one_each(files: Sequence[Path]) -> None:
    """Refuse names that differ in capitals alone: the instances of such a class would count twice."""
    seen: dict[str, Path] = {}
    for path in files:
        first = seen.setdefault(path.name.lower(), path)
        if first is not path:
            raise UserError(f"{path}: {first.name} has the same class and subset; keep one of the two")


def read_intervals(path: Path, label: str) -> list[RawInterval]:
    """The lines of a file, ``video start end``; empty lines do not count."""
    return [
        _interval(line, label, f"{path}, line {number}")
        for number, line in enumerate(read_text(path).splitlines(), start=1)
        if line.strip()
    ]


def _interval(line: str, label: str, where: str) -> RawInterval:
    fields = line.split()
    if len(fields) != 3:
        raise UserError(f"{where}: every line is 'video start end' in seconds, this one has {len(fields)} fields")
    return interval(video_name(fields[0], where), fields[1], fields[2], label, where)
