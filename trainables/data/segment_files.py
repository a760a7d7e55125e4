"""Writing segments: predictions (CSV or ActivityNet-style JSON), ground-truth CSV, intervals; times are seconds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trainables.data.csv_tables import read_csv_table
from trainables.data.prediction_files import COLUMNS
from trainables.data.segments import Segments
from trainables.errors import UserError
from trainables.files import write_whole
from trainables.json_types import JsonObject


def write_predictions(path: Path, predictions: Segments, classes: Sequence[str]) -> None:
    """Write a CSV or ActivityNet-style JSON, by suffix; whole or not at all. Labels are written by name."""
    names = [classes[label] for label in predictions.label.tolist()]
    columns = (predictions.video.tolist(), predictions.start_s.tolist(), predictions.end_s.tolist(), names,
               predictions.score.tolist())  # fmt: skip
    if path.suffix == ".json":
        text = _json_text(*columns)
    elif path.suffix == ".csv":
        text = _csv_text(dict(zip(COLUMNS, columns, strict=True)))
    else:
        raise ValueError(f"{path}: predictions are written as .csv or .json")
    write_whole(path, text.encode())


def write_ground_truth(
    path: Path, instances: Segments, durations_s: Mapping[str, float], classes: Sequence[str]
) -> None:
    """Write instances with the durations of their videos as CSV; whole or not at all. 0: not known."""
    columns = {
        "video-name": instances.video,
        "t-start": instances.start_s,
        "t-end": instances.end_s,
        "label": [classes[label] for label in instances.label.tolist()],
        "video-duration": [durations_s[name] or None for name in instances.video.tolist()],
    }
    write_whole(path, _csv_text(columns).encode())


def write_intervals(path: Path, intervals: Segments) -> None:
    """Write intervals without a class, as the ambiguous ones of a split, as CSV; whole or not at all."""
    columns = (intervals.video, intervals.start_s, intervals.end_s)
    write_whole(path, _csv_text(dict(zip(COLUMNS, columns, strict=False))).encode())


def read_intervals(path: Path) -> Segments:
    """Intervals of ``write_intervals``, all of class 0; raises UserError."""
    table = read_csv_table(path)
    table.require(COLUMNS[:3])
    video, start, end = table.names(COLUMNS[0]), table.numbers(COLUMNS[1]), table.numbers(COLUMNS[2])
    try:
        return Segments.of(video, start, end, [0] * len(video))
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None


def _csv_text(columns: Mapping[str, Any]) -> str:
    import pandas as pd  # half of the start-up time of a command that writes nothing

    return pd.DataFrame(columns).to_csv(index=False)


def _json_text(video: list[str], start: list[float], end: list[float], label: list[str], score: list[float]) -> str:
    results: dict[str, list[JsonObject]] = {}
    for name, start_s, end_s, class_name, confidence in zip(video, start, end, label, score, strict=True):
        detection = {"segment": [start_s, end_s], "label": class_name, "score": confidence}
        results.setdefault(name, []).append(detection)
    return json.dumps({"version": "VERSION 1.3", "results": results, "external_data": {}})
