"""RefineLoc's annotations: one CSV per subset, a row per instance; native frame rate and number of frames."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from trainables.data.csv_tables import CsvTable, read_csv_table, read_header
from trainables.data.raw_annotations import (
    SUBSET_WORDS,
    ZERO_RATE,
    RawAnnotations,
    RawInterval,
    RawVideo,
    frame_rate,
    positive,
)
from trainables.errors import UserError

INSTANCE_COLUMNS = ("video-name", "t-start", "t-end", "label")
CSV_COLUMNS = (*INSTANCE_COLUMNS, "video-duration", "fps", "video-num-frames")


def select_csv(files: Sequence[Path]) -> list[Path]:
    """CSV files with the columns of instances, in any order; predictions have a score."""
    return [path for path in files if path.suffix.lower() == ".csv" and _has_instances(read_header(path))]


def _has_instances(header: Sequence[str]) -> bool:
    return set(INSTANCE_COLUMNS) <= set(header) and "score" not in header


def read_csv(files: list[Path]) -> RawAnnotations:
    """Two files for one subset are refused: a second copy of a file would double every instance."""
    of_subset: dict[str, Path] = {}
    videos: dict[tuple[str, str], RawVideo] = {}
    instances: list[RawInterval] = []
    for path in files:
        subset = _subset_of_file(path)
        first = of_subset.setdefault(SUBSET_WORDS[subset], path)
        if first is not path:
            raise UserError(f"{path}: {first.name} has the same subset, {SUBSET_WORDS[subset]}; keep one of the two")
        table = read_csv_table(path)
        table.require(CSV_COLUMNS)
        instances += instances_of(table)
        for video in _videos(table, subset):
            videos.setdefault((video.name, subset), video)
    unknown = sum(video.fps is None for video in videos.values())
    notes = (f"{unknown} {ZERO_RATE}",) if unknown else ()
    return RawAnnotations(list(videos.values()), instances, notes=notes)


def instances_of(table: CsvTable) -> list[RawInterval]:
    """The instances of a table with INSTANCE_COLUMNS."""
    start, end = (table.seconds(column).tolist() for column in ("t-start", "t-end"))
    rows = zip(table.names("video-name"), start, end, table.names("label"), strict=True)
    return [RawInterval(*row) for row in rows]


def _videos(table: CsvTable, subset: str) -> list[RawVideo]:
    columns = [table.numbers(column).tolist() for column in CSV_COLUMNS[4:]]
    return [
        RawVideo(
            name,
            subset,
            positive(duration_s, "video-duration", f"{table.source}, line {line}"),
            frame_rate(fps, f"{table.source}, line {line}"),
            positive(frames, "video-num-frames", f"{table.source}, line {line}"),
        )
        for line, name, duration_s, fps, frames in zip(table.lines, table.names("video-name"), *columns, strict=True)
    ]


def _subset_of_file(path: Path) -> str:
    found = {word for word in re.split(r"[^a-z]+", path.stem.lower()) if word in SUBSET_WORDS}
    if len(found) != 1:
        raise UserError(f"{path}: the file's name must say its subset with one of {', '.join(sorted(SUBSET_WORDS))}")
    return found.pop()
