"""Prediction files: CSV (``video-name,t-start,t-end,label,score``) and ActivityNet-style JSON; times are seconds."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trainables.config import ConfigError
from trainables.segments import Segments

COLUMNS = ("video-name", "t-start", "t-end", "label", "score")
UNKNOWN_LABEL = -1


def read_predictions(path: Path, classes: Sequence[str]) -> Segments:
    """Predictions in file order; labels are places in ``classes``, UNKNOWN_LABEL for a name that it lacks.

    The format is told by the suffix. Raises ConfigError, in one line that names the file, for anything else.
    """
    readers = {".csv": _csv_columns, ".json": _json_columns}
    if path.suffix not in readers:
        raise ConfigError(f"{path}: predictions are .csv ({','.join(COLUMNS)}) or ActivityNet-style .json")
    try:
        video, start, end, label, score = readers[path.suffix](path)
        ids = {name: number for number, name in enumerate(classes)}
        return Segments.of(video, start, end, [ids.get(str(name), UNKNOWN_LABEL) for name in label], score)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path}: {_one_line(error)}") from None


def write_predictions(path: Path, predictions: Segments, classes: Sequence[str]) -> None:
    """Write a CSV or ActivityNet-style JSON, by suffix; whole or not at all. Labels are written by name."""
    names = [classes[label] for label in predictions.label.tolist()]
    columns = (predictions.video, predictions.start_s, predictions.end_s, names, predictions.score)
    if path.suffix == ".json":
        text = _json_text(*(list(column) for column in columns))
    elif path.suffix == ".csv":
        text = pd.DataFrame(dict(zip(COLUMNS, columns, strict=True))).to_csv(index=False)
    else:
        raise ValueError(f"{path}: predictions are written as .csv or .json")
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    os.replace(partial, path)


def _csv_columns(path: Path) -> list[Any]:
    table = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise ValueError(f"column {', '.join(missing)} is missing; expected {','.join(COLUMNS)}")
    return [table[name].tolist() if name in ("video-name", "label") else _numbers(table[name]) for name in COLUMNS]


def _numbers(column: pd.Series) -> np.ndarray:
    """Text to float64 by Python's own exact parser; the message names the line of the file."""
    try:
        return column.to_numpy(dtype=np.float64)
    except ValueError:
        for row, text in enumerate(column):
            try:
                float(text)
            except ValueError:
                raise ValueError(f"line {row + 2}: {column.name} must be a number, got {text!r}") from None
        raise


def _json_columns(path: Path) -> list[Any]:
    tree = json.loads(path.read_text())
    results = tree.get("results") if isinstance(tree, dict) else None
    if not isinstance(results, dict):
        raise ValueError("expected an object 'results': {video: [{segment, label, score}, ...]}")
    rows = []
    for video, detections in results.items():
        for place, detection in enumerate(detections):
            try:
                start, end = detection["segment"]
                rows.append((video, float(start), float(end), detection["label"], float(detection["score"])))
            except (KeyError, TypeError, ValueError):
                raise ValueError(
                    f"video {video}, detection {place}: expected segment [start, end], label and score, "
                    f"got {json.dumps(detection)[:80]}"
                ) from None
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in COLUMNS]


def _json_text(video: list[str], start: list[float], end: list[float], label: list[str], score: list[float]) -> str:
    results: dict[str, list[dict[str, Any]]] = {}
    for name, start_s, end_s, class_name, confidence in zip(video, start, end, label, score, strict=True):
        detection = {"segment": [float(start_s), float(end_s)], "label": class_name, "score": float(confidence)}
        results.setdefault(str(name), []).append(detection)
    return json.dumps({"version": "VERSION 1.3", "results": results, "external_data": {}})


def _one_line(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"is not JSON: {error}"
    if isinstance(error, pd.errors.EmptyDataError):
        return f"is empty; expected {','.join(COLUMNS)}"
    return " ".join(str(error).split())
