"""Readers of the annotation formats of the field; each returns the same raw tables.

How to recognise a format, what it holds and what it lacks is said at its reader. ``annotations.py`` turns the raw
tables into the value that the rest of the project uses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from trainables.data.object_arrays import read_object_array
from trainables.errors import UserError

CSV_COLUMNS = ("video-name", "t-start", "t-end", "label", "video-duration", "fps", "video-num-frames")
_THUMOS_FILE = re.compile(r"(?P<label>.+)_(?P<subset>val|test)\.txt")
_WTALC_FILES = ("videoname.npy", "subset.npy", "segments.npy", "labels.npy")


@dataclass(frozen=True)
class RawAnnotations:
    """What a format's files say, unchanged.

    videos: columns name, subset (the file's own word), duration_s, fps, num_frames (NaN where the format has none).
    rows: columns video, start_s, end_s, label (str), in file order. ambiguous: video, start_s, end_s. classes: the
    format's own class list, or None.
    """

    videos: pd.DataFrame
    rows: pd.DataFrame
    ambiguous: pd.DataFrame
    classes: tuple[str, ...] | None = None


@dataclass(frozen=True)
class AnnotationFormat:
    """``select`` picks the files of this format out of some files; ``read`` reads them."""

    name: str
    understood_as: str
    select: Callable[[Sequence[Path]], list[Path]]
    read: Callable[[list[Path]], RawAnnotations]


def _select_csv(files: Sequence[Path]) -> list[Path]:
    return [path for path in files if path.suffix == ".csv" and _first_line(path).startswith(",".join(CSV_COLUMNS[:4]))]


def _read_csv(files: list[Path]) -> RawAnnotations:
    """RefineLoc: one row per instance; the file's name says the subset; native fps and number of frames."""
    tables = []
    for path in files:
        table = _csv_table(path)
        table["subset"] = _subset_of_file(path)
        tables.append(table)
    rows = pd.concat(tables, ignore_index=True)
    videos = rows.drop_duplicates(["video-name", "subset"])
    return RawAnnotations(
        _videos(
            videos["video-name"], videos["subset"], videos["video-duration"], videos["fps"], videos["video-num-frames"]
        ),
        _rows(rows["video-name"], rows["t-start"], rows["t-end"], rows["label"]),
        _rows([], [], [], []),
    )


def _csv_table(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = [column for column in CSV_COLUMNS if column not in table.columns]
    if missing:
        raise UserError(f"{path}: columns {missing} are missing; a RefineLoc CSV has {','.join(CSV_COLUMNS)}")
    for column in ("t-start", "t-end", "video-duration", "fps", "video-num-frames"):
        values = pd.to_numeric(table[column], errors="coerce")
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise UserError(f"{path}, line {bad[0] + 2}: {column} must be a number, got {table[column][bad[0]]!r}")
        table[column] = values
    return table


def _subset_of_file(path: Path) -> str:
    words = re.split(r"[^a-z]+", path.stem.lower())
    found = [word for word in words if word in SUBSET_WORDS]
    if len(set(found)) != 1:
        raise UserError(f"{path}: the file's name must say its subset with one of {', '.join(sorted(SUBSET_WORDS))}")
    return found[0]


def _select_json(files: Sequence[Path]) -> list[Path]:
    return [path for path in files if path.suffix == ".json" and '"database"' in path.read_text(errors="replace")]


def _read_json(files: list[Path]) -> RawAnnotations:
    """ActivityNet: a database of videos with segments. BaS-Net's gt.json is one without durations, times as strings."""
    if len(files) > 1:
        names = ", ".join(path.name for path in files)
        raise UserError(f"{files[0].parent}: {names} all hold annotations; say which by dataset.annotations_path")
    try:
        database: dict[str, Any] = json.loads(files[0].read_text())["database"]
        segments = [(name, segment) for name, video in database.items() for segment in video["annotations"]]
        rows = _rows(
            [name for name, _ in segments],
            [segment["segment"][0] for _, segment in segments],
            [segment["segment"][1] for _, segment in segments],
            [segment["label"] for _, segment in segments],
        )
        videos = _videos(
            database.keys(),
            [video["subset"] for video in database.values()],
            [video.get("duration") for video in database.values()],
            [video.get("fps") for video in database.values()],
        )
    except UserError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise UserError(f"{files[0]}: not ActivityNet-style JSON ({type(error).__name__}: {error})") from None
    return RawAnnotations(videos, rows, _rows([], [], [], []))


def _select_thumos(files: Sequence[Path]) -> list[Path]:
    chosen = [path for path in files if _THUMOS_FILE.fullmatch(path.name) or path.name == "detclasslist.txt"]
    classes = [p for p in chosen if p.name != "detclasslist.txt" and not p.name.startswith("Ambiguous")]
    return chosen if classes else []


def _read_thumos(files: list[Path]) -> RawAnnotations:
    """THUMOS14: a file per class and subset, ``video start end`` in seconds; neither durations nor fps."""
    classes = None
    tables = []
    for path in files:
        match = _THUMOS_FILE.fullmatch(path.name)
        if match is None:
            classes = tuple(line.split()[-1] for line in path.read_text().splitlines() if line.strip())
            continue
        tables.append(_interval_table(path).assign(label=match["label"], subset=match["subset"]))
    rows = pd.concat(tables, ignore_index=True)
    is_ambiguous = rows["label"] == "Ambiguous"
    ambiguous, rows = rows[is_ambiguous], rows[~is_ambiguous]
    videos = rows.drop_duplicates(["video", "subset"])
    columns = ["video", "start_s", "end_s", "label"]
    return RawAnnotations(_videos(videos["video"], videos["subset"]), rows[columns], ambiguous[columns], classes)


def _interval_table(path: Path) -> pd.DataFrame:
    try:
        columns = ["video", "start_s", "end_s"]
        table = pd.read_csv(path, sep=r"\s+", names=columns, dtype={"video": str}, index_col=False)
        return table.astype({"start_s": np.float64, "end_s": np.float64})
    except (ValueError, pd.errors.ParserError) as error:
        raise UserError(f"{path}: every line is 'video start end' in seconds ({error})") from None


def _select_wtalc(files: Sequence[Path]) -> list[Path]:
    by_name = {path.name: path for path in files}
    return [*by_name.values()] if all(name in by_name for name in _WTALC_FILES) else []


def _read_wtalc(files: list[Path]) -> RawAnnotations:
    """W-TALC: arrays in one order of videos; class labels of instances, not the separate video-level list."""
    by_name = {path.name: path for path in files}
    names, subsets = (_text(read_object_array(by_name[name])) for name in ("videoname.npy", "subset.npy"))
    segments, labels = (read_object_array(by_name[name]) for name in ("segments.npy", "labels.npy"))
    numbers = [
        read_object_array(by_name[name]).ravel() if name in by_name else [np.nan] * len(names)
        for name in ("duration.npy", "original_fps.npy")
    ]
    lengths = {len(column) for column in (names, subsets, segments, labels, *numbers)}
    if len(lengths) != 1:
        raise UserError(f"{files[0].parent}: the W-TALC arrays differ in length ({sorted(lengths)})")
    rows = [
        (name, start, end, label)
        for name, video_segments, video_labels in zip(names, segments, labels, strict=True)
        for (start, end), label in zip(video_segments, video_labels, strict=True)
    ]
    ambiguous = [_interval_table(path) for path in files if path.name.startswith("Ambiguous_")]
    classes = tuple(_text(read_object_array(by_name["classlist.npy"]))) if "classlist.npy" in by_name else None
    return RawAnnotations(
        _videos(names, subsets, *numbers),
        _rows(*zip(*rows, strict=True)) if rows else _rows([], [], [], []),
        pd.concat([table.assign(label="Ambiguous") for table in ambiguous]) if ambiguous else _rows([], [], [], []),
        classes,
    )


def _text(array: Any) -> list[str]:
    return [value.decode() if isinstance(value, bytes) else str(value) for value in array]


def _first_line(path: Path) -> str:
    with path.open(errors="replace") as file:
        return file.readline()


def _videos(names: Any, subsets: Any, duration_s: Any = None, fps: Any = None, num_frames: Any = None) -> pd.DataFrame:
    columns = {"duration_s": duration_s, "fps": fps, "num_frames": num_frames}
    table = pd.DataFrame({"name": list(names), "subset": list(subsets)}, dtype=object)
    for column, values in columns.items():
        table[column] = np.nan if values is None else pd.to_numeric(pd.Series(list(values), dtype=object))
    return table.astype(dict.fromkeys(columns, np.float64))


def _rows(video: Any, start_s: Any, end_s: Any, label: Any) -> pd.DataFrame:
    table = pd.DataFrame({"video": list(video), "start_s": list(start_s), "end_s": list(end_s), "label": list(label)})
    try:
        return table.astype({"video": object, "start_s": np.float64, "end_s": np.float64, "label": str})
    except (ValueError, TypeError) as error:
        raise UserError(f"annotations: times must be numbers ({error})") from None


SUBSET_WORDS = {
    "train": "training", "training": "training",
    "valid": "validation", "val": "validation", "validation": "validation",
    "test": "testing", "testing": "testing",
}  # fmt: skip

FORMATS: tuple[AnnotationFormat, ...] = (
    AnnotationFormat(
        "RefineLoc CSV", f"RefineLoc CSV (two files with the columns {','.join(CSV_COLUMNS)})", _select_csv, _read_csv
    ),
    AnnotationFormat(
        "ActivityNet JSON",
        "ActivityNet-style JSON with a 'database' (also BaS-Net's gt.json)",
        _select_json,
        _read_json,
    ),
    AnnotationFormat(
        "THUMOS14 text files", "THUMOS14's <Class>_val.txt and <Class>_test.txt", _select_thumos, _read_thumos
    ),
    AnnotationFormat("W-TALC arrays", f"W-TALC's {', '.join(_WTALC_FILES)}", _select_wtalc, _read_wtalc),
)
