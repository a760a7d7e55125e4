"""Files that say what each video shows, and never when: a CSV with a label for each video, W-TALC's list."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from trainables.data.csv_tables import CsvTable, read_csv_table, read_header
from trainables.data.object_arrays import read_object_array
from trainables.data.raw_annotations import (
    NO_SUBSET,
    SUBSET_WORDS,
    RawAnnotations,
    RawVideo,
    frame_rate,
    positive,
    video_name,
)
from trainables.data.wtalc_arrays import NAMES_FILE, text_array
from trainables.errors import UserError

VIDEO_COLUMNS, LABEL_COLUMNS = ("video", "video-name", "name"), ("label", "labels")
SEPARATOR = ";"
LIST_FILES = (NAMES_FILE, "subset.npy", "labels_all.npy")
SEGMENT_FILES = ("segments.npy", "labels.npy")


def select_label_csv(files: Sequence[Path]) -> list[Path]:
    """CSV files with a column of videos and one of labels, and neither times nor scores."""
    return [path for path in files if path.suffix.lower() == ".csv" and _lists_labels(read_header(path))]


def _lists_labels(header: Sequence[str]) -> bool:
    return bool(_column(header, VIDEO_COLUMNS) and _column(header, LABEL_COLUMNS)) and not {
        "t-start",
        "t-end",
        "score",
    } & set(header)


def read_label_csv(files: list[Path]) -> RawAnnotations:
    """``video,label``: a row for each label, or several labels in one, between semicolons; none: no label at all.

    Further columns, all optional: ``subset``, ``video-duration`` (seconds), ``fps``. Without ``subset`` the name of the
    file says it (train, val, test), or else who trains is to be said by the data set file.
    """
    videos: dict[tuple[str, str], RawVideo] = {}
    labels: dict[str, tuple[str, ...]] = {}
    for path in files:
        table = read_csv_table(path)
        for video, own in _rows(table, path):
            videos.setdefault((video.name, video.subset), video)
            labels[video.name] = (*labels.get(video.name, ()), *own)
    unique = {name: tuple(dict.fromkeys(own)) for name, own in labels.items()}
    return RawAnnotations(list(videos.values()), [], video_labels={name: own for name, own in unique.items() if own})


def _rows(table: CsvTable, path: Path) -> list[tuple[RawVideo, tuple[str, ...]]]:
    video_column, label_column = _column(table.columns, VIDEO_COLUMNS), _column(table.columns, LABEL_COLUMNS)
    names, count = table.names(video_column), len(table.lines)
    subsets = table.names("subset") if "subset" in table.columns else [_subset_of(path)] * count
    durations, rates = (table.columns.get(name, [""] * count) for name in ("video-duration", "fps"))
    rows = []
    for name, subset, duration, rate, text, line in zip(
        names, subsets, durations, rates, table.columns[label_column], table.lines, strict=True
    ):
        where = f"{path}, line {line}"
        video = RawVideo(
            name,
            subset,
            positive(duration.strip() or None, "video-duration", where),
            frame_rate(rate.strip() or None, where),
        )
        rows.append((video, tuple(part.strip() for part in text.split(SEPARATOR) if part.strip())))
    return rows


def _column(header: Sequence[str] | Mapping[str, object], names: Sequence[str]) -> str:
    """The first of these columns that there is; empty: none."""
    return next((name for name in names if name in header), "")


def _subset_of(path: Path) -> str:
    words = {word for word in re.split(r"[^a-z]+", path.stem.lower()) if word in SUBSET_WORDS}
    return words.pop() if len(words) == 1 else NO_SUBSET


def select_label_list(files: Sequence[Path]) -> list[Path]:
    """W-TALC's arrays where those of the instances are not among them."""
    names = {path.name for path in files}
    return list(files) if names.issuperset(LIST_FILES) and not names & set(SEGMENT_FILES) else []


def read_label_list(files: list[Path]) -> RawAnnotations:
    """``labels_all.npy``: the labels of each video of ``videoname.npy``."""
    folder, by_name = files[0].parent, {path.name: path for path in files}
    names, subsets = (text_array(by_name[name]) for name in LIST_FILES[:2])
    labels = list(read_object_array(by_name["labels_all.npy"]))
    lengths = {len(names), len(subsets), len(labels)}
    if len(lengths) != 1:
        raise UserError(f"{folder}: the W-TALC arrays differ in length ({sorted(lengths)})")
    if not all(isinstance(own, (list, tuple, np.ndarray)) for own in labels):
        raise UserError(f"{by_name['labels_all.npy']}: expected a list of labels for each video")
    return RawAnnotations(
        [RawVideo(video_name(name, str(folder)), subset) for name, subset in zip(names, subsets, strict=True)],
        [],
        classes=tuple(text_array(by_name["classlist.npy"])) if "classlist.npy" in by_name else None,
        video_labels={name: tuple(map(_text, own)) for name, own in zip(names, labels, strict=True) if len(own)},
    )


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
