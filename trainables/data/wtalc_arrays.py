"""W-TALC's annotations: arrays in one order of videos, instances and, separately, labels of whole videos."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trainables.data.object_arrays import read_object_array
from trainables.data.raw_annotations import (
    RawAnnotations,
    RawInterval,
    RawVideo,
    frame_rate,
    interval,
    positive,
    video_name,
)
from trainables.data.thumos14_text import read_intervals
from trainables.errors import UserError

NAMES_FILE = "videoname.npy"
REQUIRED_FILES = (NAMES_FILE, "subset.npy", "segments.npy", "labels.npy")
_AMBIGUOUS_FILE = re.compile(r"Ambiguous_(?P<subset>val|test)\.txt", re.IGNORECASE)


def select_wtalc(files: Sequence[Path]) -> list[Path]:
    """All files, where the required ones are among them."""
    names = {path.name for path in files}
    return list(files) if names.issuperset(REQUIRED_FILES) else []


def read_wtalc(files: list[Path]) -> RawAnnotations:
    """Instances from ``segments.npy`` and ``labels.npy``; ``labels_all.npy``, which the released code trains with, says
    something else of some videos."""
    folder = files[0].parent
    by_name = {path.name: path for path in files}
    names, subsets = (text_array(by_name[name]) for name in REQUIRED_FILES[:2])
    segments, labels = (_rows(by_name[name]) for name in REQUIRED_FILES[2:])
    duration_s, fps, all_labels = (
        _rows(by_name[name]) if name in by_name else [None] * len(names)
        for name in ("duration.npy", "original_fps.npy", "labels_all.npy")
    )
    lengths = {len(column) for column in (names, subsets, segments, labels, duration_s, fps, all_labels)}
    if len(lengths) != 1:
        raise UserError(f"{folder}: the W-TALC arrays differ in length ({sorted(lengths)})")
    return RawAnnotations(
        [
            RawVideo(video_name(name, str(folder)), subset, *_numbers(seconds, rate, f"{folder}: video {name}"))
            for name, subset, seconds, rate in zip(names, subsets, duration_s, fps, strict=True)
        ],
        [row for video in zip(names, segments, labels, strict=True) for row in _instances(*video, folder)],
        {
            match["subset"].lower(): read_intervals(path, "")
            for path in files
            if (match := _AMBIGUOUS_FILE.fullmatch(path.name))
        },
        tuple(text_array(by_name["classlist.npy"])) if "classlist.npy" in by_name else None,
        video_labels={
            name: tuple(_text(label) for label in own)
            for name, own in zip(names, all_labels, strict=True)
            if isinstance(own, (list, tuple, np.ndarray))
        },
    )


def text_array(path: Path) -> list[str]:
    """An array of names, which Python 2 wrote as bytes."""
    return [_text(value) for value in read_object_array(path).ravel().tolist()]


def _rows(path: Path) -> list[Any]:
    array = read_object_array(path)
    if array.ndim == 0:
        raise UserError(f"{path}: holds one value, not one for each video")
    return list(array)


def _numbers(duration_s: Any, fps: Any, where: str) -> tuple[float | None, float | None]:
    return positive(_scalar(duration_s), "the duration", where), frame_rate(_scalar(fps), where)


def _scalar(value: Any) -> Any:
    """The number in a numpy scalar or an array of one element; anything else as it is."""
    return value.item() if isinstance(value, (np.ndarray, np.generic)) and value.size == 1 else value


def _instances(video: str, segments: Any, labels: Any, folder: Path) -> list[RawInterval]:
    where = f"{folder}: video {video}"
    try:
        pairs = [(*segment, _text(label)) for segment, label in zip(segments, labels, strict=True)]
        return [interval(video, _scalar(start), _scalar(end), label, where) for start, end, label in pairs]
    except (TypeError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{where}: expected pairs of seconds and a label for each ({error})") from None


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
