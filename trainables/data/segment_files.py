"""Files of segments: predictions (CSV or ActivityNet-style JSON) and plain ground-truth CSV; times are seconds.

A CSV has the columns ``video-name,t-start,t-end,label`` and, for predictions, ``score``; more columns do no harm.
Ground truth in the other formats of the field is read by ``annotations.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from trainables.data.segments import Segments
from trainables.data.split import Split
from trainables.errors import UserError
from trainables.files import write_whole

COLUMNS = ("video-name", "t-start", "t-end", "label", "score")
UNKNOWN_LABEL = -1

Columns = dict[str, Any]


def read_predictions(path: Path, classes: Sequence[str]) -> Segments:
    """Predictions in file order. A label is a name of ``classes`` or its index; anything else is UNKNOWN_LABEL.

    The format is told by the suffix. Raises UserError, in one line that names the file, for anything else.
    """
    readers: dict[str, Callable[[Path], Columns]] = {".csv": lambda p: _read_csv(p, COLUMNS), ".json": _read_json}
    if path.suffix not in readers:
        raise UserError(f"{path}: predictions are .csv ({','.join(COLUMNS)}) or ActivityNet-style .json")
    columns = _checked(path, readers[path.suffix])
    ids = _class_ids(classes)
    return _segments(path, columns, [ids.get(label, UNKNOWN_LABEL) for label in columns["label"]])


def read_instances(path: Path, classes: Sequence[str] | None = None) -> tuple[Segments, tuple[str, ...]]:
    """Instances of a ground-truth CSV in file order, and the class list: ``classes``, or the sorted labels.

    A label is a name of ``classes`` or its index. An instance that ends before it starts is left out, as the
    evaluation would. Raises UserError for a file that cannot be read and for a label that ``classes`` lacks.
    """
    columns = _checked(path, lambda p: _read_csv(p, COLUMNS[:4]))
    names = tuple(sorted(set(columns["label"]))) if classes is None else tuple(classes)
    ids = _class_ids(names)
    unknown = sorted(set(columns["label"]) - set(ids))
    if unknown:
        raise UserError(f"{path}: label {unknown[0]!r} is not among the {len(names)} classes given")
    kept = columns["t-start"] <= columns["t-end"]
    columns["video-name"] = [name for name, keep in zip(columns["video-name"], kept, strict=True) if keep]
    columns["t-start"], columns["t-end"] = columns["t-start"][kept], columns["t-end"][kept]
    labels = [ids[label] for label, keep in zip(columns["label"], kept, strict=True) if keep]
    return _segments(path, columns, labels), names


def write_predictions(path: Path, predictions: Segments, classes: Sequence[str]) -> None:
    """Write a CSV or ActivityNet-style JSON, by suffix; whole or not at all. Labels are written by name."""
    names = [classes[label] for label in predictions.label.tolist()]
    columns = (predictions.video.tolist(), predictions.start_s.tolist(), predictions.end_s.tolist(), names,
               predictions.score.tolist())  # fmt: skip
    if path.suffix == ".json":
        text = _json_text(*columns)
    elif path.suffix == ".csv":
        text = pd.DataFrame(dict(zip(COLUMNS, columns, strict=True))).to_csv(index=False)
    else:
        raise ValueError(f"{path}: predictions are written as .csv or .json")
    write_whole(path, text.encode())


def write_ground_truth(path: Path, split: Split, classes: Sequence[str]) -> None:
    """Write a split's instances with their videos' durations as CSV; whole or not at all.

    The duration of a video is the annotated one, or that of its snippets.
    """
    truth = split.ground_truth
    durations = {v.name: v.duration_s or v.num_snippets * v.snippet_s + v.shift_s for v in split.videos}
    table = pd.DataFrame(
        {
            "video-name": truth.video,
            "t-start": truth.start_s,
            "t-end": truth.end_s,
            "label": [classes[label] for label in truth.label.tolist()],
            "video-duration": [durations[name] for name in truth.video.tolist()],
        }
    )
    write_whole(path, table.to_csv(index=False).encode())


def write_intervals(path: Path, intervals: Segments) -> None:
    """Write intervals without a class, as the ambiguous ones of a split, as CSV; whole or not at all."""
    columns = (intervals.video, intervals.start_s, intervals.end_s)
    write_whole(path, pd.DataFrame(dict(zip(COLUMNS, columns, strict=False))).to_csv(index=False).encode())


def read_intervals(path: Path) -> Segments:
    """Intervals of ``write_intervals``, all of class 0; raises UserError."""
    columns = _checked(path, lambda p: _read_csv(p, COLUMNS[:3]))
    return _segments(path, columns, [0] * len(columns["video-name"]))


def mask_segments(split: Split, mask: npt.NDArray[np.bool_]) -> Segments:
    """Runs of marked snippets, (sum of T,), as segments of class 0 in seconds, video by video."""
    parts = []
    for v, video in enumerate(split.videos):
        edges = np.diff(mask[split.offsets[v] : split.offsets[v + 1]].astype(np.int8), prepend=0, append=0)
        start, end = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        names = [video.name] * len(start)
        start_s, end_s = (split.seconds(np.full(len(start), v), bound) for bound in (start, end))
        parts.append(Segments.of(names, start_s, end_s, np.zeros(len(start))))
    return Segments.concatenate(parts)


def _class_ids(classes: Sequence[str]) -> dict[str, int]:
    """Names to ids, and indices to ids unless some class is called by a number itself."""
    by_index = {} if any(name.isdigit() for name in classes) else {str(i): i for i in range(len(classes))}
    return by_index | {name: number for number, name in enumerate(classes)}


def _checked(path: Path, read: Callable[[Path], Columns]) -> Columns:
    try:
        return read(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except pd.errors.EmptyDataError:
        raise UserError(f"{path}: is empty; expected {','.join(COLUMNS)}") from None
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: is not JSON: {error}") from None
    except ValueError as error:  # also text that is not UTF-8, and rows of unequal length
        raise UserError(f"{path}: {' '.join(str(error).split())}") from None


def _read_csv(path: Path, wanted: Sequence[str]) -> Columns:
    table = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        raise ValueError(f"column {', '.join(missing)} is missing; expected {','.join(wanted)}")
    text = ("video-name", "label")
    return {name: table[name].tolist() if name in text else _numbers(table[name]) for name in wanted}


def _numbers(column: pd.Series) -> npt.NDArray[np.float64]:
    """Text to float64 by Python's own exact parser; the message names the line of the file."""
    values = np.empty(len(column))
    for row, text in enumerate(column.tolist()):
        try:
            values[row] = float(text)
        except ValueError:
            raise ValueError(f"line {row + 2}: {column.name} must be a number, got {text!r}") from None
    return values


def _read_json(path: Path) -> Columns:
    tree = json.loads(path.read_text())
    results = tree.get("results") if isinstance(tree, dict) else None
    if not isinstance(results, dict):
        raise ValueError("expected an object 'results': {video: [{segment, label, score}, ...]}")
    rows = []
    for video, detections in results.items():
        if not isinstance(detections, list):
            raise ValueError(f"video {video}: expected a list of detections, got {type(detections).__name__}")
        rows += [_row(video, place, detection) for place, detection in enumerate(detections)]
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in COLUMNS]
    return dict(zip(COLUMNS, columns, strict=True))


def _row(video: str, place: int, detection: Any) -> tuple[str, float, float, str, float]:
    try:
        start, end = detection["segment"]
        return video, float(start), float(end), str(detection["label"]), float(detection["score"])
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f"video {video}, detection {place}: expected segment [start, end], label and score, "
            f"got {json.dumps(detection)[:80]}"
        ) from None


def _segments(path: Path, columns: Columns, labels: list[int]) -> Segments:
    try:
        return Segments.of(columns["video-name"], columns["t-start"], columns["t-end"], labels, columns.get("score"))
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None


def _json_text(video: list[str], start: list[float], end: list[float], label: list[str], score: list[float]) -> str:
    results: dict[str, list[dict[str, Any]]] = {}
    for name, start_s, end_s, class_name, confidence in zip(video, start, end, label, score, strict=True):
        detection = {"segment": [start_s, end_s], "label": class_name, "score": confidence}
        results.setdefault(name, []).append(detection)
    return json.dumps({"version": "VERSION 1.3", "results": results, "external_data": {}})
