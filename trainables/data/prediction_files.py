"""Reading detections: CSV, or JSON in the forms that the field writes. Times are seconds.

A CSV has the columns ``video-name`` (or ``video-id``), ``t-start``, ``t-end``, ``label`` and ``score`` (or ``scores``),
in any order; more columns do no harm. JSON is ActivityNet's ``{"results": {video: [{segment, label, score}, ...]}}``,
the same without ``results`` as RefineLoc writes it, or a list of detections, or of videos with a ``proposal_list`` as
MMAction2 writes it.
"""

from __future__ import annotations

import reprlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from trainables.data.class_lists import UNKNOWN_LABEL, class_ids, require_named
from trainables.data.csv_tables import read_csv_table
from trainables.data.segments import Segments
from trainables.errors import UserError
from trainables.text_files import checked_name, finite_number, read_json, seconds

COLUMNS = ("video-name", "t-start", "t-end", "label", "score")
VIDEO_KEYS = ("video-name", "video_name", "video-id", "video_id", "video")
SCORE_KEYS = ("score", "scores")


class Rows(NamedTuple):
    """Detections as a file has them, one list per column."""

    video: list[str]
    start_s: list[float]
    end_s: list[float]
    label: list[str]
    score: list[float]


@dataclass(frozen=True, eq=False)
class Predictions:
    """segments: in file order. unknown_labels: how many have each label that is no class; UNKNOWN_LABEL in segments.

    reversed: detections that end before they start. No evaluator lets them match anything: each is a false positive,
    and is kept as a segment of zero length at its start, which matches nothing either.
    """

    segments: Segments
    unknown_labels: Mapping[str, int]
    reversed: int = 0


def read_prediction_file(path: Path, classes: Sequence[str], numbers: Mapping[int, str] | None = None) -> Predictions:
    """Detections of a file, in the format of its suffix. Raises UserError, in one line, for what it cannot use.

    numbers: what integer labels mean, by default the place of a class in ``classes``; without any they are refused.
    """
    readers: dict[str, Callable[[Path], Rows]] = {".csv": _read_csv, ".json": _read_json}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UserError(f"{path}: predictions are .csv ({','.join(COLUMNS)}) or ActivityNet-style .json")
    rows = reader(path)
    meaning = dict(enumerate(classes)) if numbers is None else numbers
    found = Counter(rows.label)
    require_named(list(found), classes, meaning, path)
    ids = class_ids(classes, meaning)
    start, end = np.array(rows.start_s, dtype=np.float64), np.array(rows.end_s, dtype=np.float64)
    # One that ends before it starts gets no length: it overlaps nothing, so it counts as false, as officially.
    segments = Segments.of(
        rows.video, start, np.maximum(start, end), [ids.get(label, UNKNOWN_LABEL) for label in rows.label], rows.score
    )
    unknown = {label: count for label, count in found.items() if label not in ids}
    return Predictions(segments, unknown, int(np.count_nonzero(end < start)))


def read_predictions(path: Path, classes: Sequence[str]) -> Segments:
    """The detections of a file that this project wrote; see ``read_prediction_file``."""
    return read_prediction_file(path, classes).segments


def _read_csv(path: Path) -> Rows:
    table = read_csv_table(path)
    table.require(COLUMNS)
    start, end = (table.seconds(column).tolist() for column in ("t-start", "t-end"))
    return Rows(table.names("video-name"), start, end, table.names("label"), table.numbers("score").tolist())


def _read_json(path: Path) -> Rows:
    rows = [_row(path, *found) for found in _detections(path, read_json(path))]
    return Rows(*(list(column) for column in zip(*rows, strict=True))) if rows else Rows([], [], [], [], [])


def _detections(path: Path, tree: Any) -> Iterator[tuple[str, int, Any]]:
    """Video, place in its list, detection."""
    if isinstance(tree, list) and tree:
        yield from _of_list(path, tree)
        return
    results = tree.get("results", tree) if isinstance(tree, dict) else None
    if not isinstance(results, dict) or "database" in results:
        raise UserError(f"{path}: expected an object 'results': {{video: [{{segment, label, score}}, ...]}}")
    for video, detections in results.items():
        if not isinstance(detections, list):
            kind = type(detections).__name__
            raise UserError(f"{path}: video {_shown(video)}: expected a list of detections, got {kind}")
        for place, detection in enumerate(detections):
            yield video, place, detection


def _of_list(path: Path, tree: list[Any]) -> Iterator[tuple[str, int, Any]]:
    for place, item in enumerate(tree):
        named = [key for key in VIDEO_KEYS if isinstance(item, dict) and key in item]
        if len(named) != 1:
            raise UserError(
                f"{path}: item {place} of the list must name its video by one of {', '.join(VIDEO_KEYS)}, "
                f"got {reprlib.repr(item)}"
            )
        detections = item.get("proposal_list", [item])
        if not isinstance(detections, list):
            raise UserError(f"{path}: item {place} of the list: proposal_list must be a list")
        for row, detection in enumerate(detections):
            yield item[named[0]], row if "proposal_list" in item else place, detection


def _row(path: Path, video: Any, place: int, detection: Any) -> tuple[str, float, float, str, float]:
    try:
        if not isinstance(detection["segment"], list):
            raise TypeError
        start, end = detection["segment"]
        (score,) = (detection[key] for key in SCORE_KEYS if key in detection)
        label = detection["label"]
        text = str(label) if isinstance(label, int) and not isinstance(label, bool) else checked_name(label)
        return checked_name(video), seconds(start), seconds(end), text, finite_number(score)
    except (KeyError, TypeError, ValueError, IndexError):
        raise UserError(
            f"{path}: video {_shown(video)}, detection {place}: expected segment [start, end], label and one "
            f"score, got {reprlib.repr(detection)}"
        ) from None


def _shown(video: Any) -> str:
    return video[:80] if isinstance(video, str) else reprlib.repr(video)
