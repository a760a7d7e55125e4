"""Ground truth to evaluate detections against, from a CSV of one subset or any annotation format of the field."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from trainables.data.annotation_files import folders_with_ambiguous, read_subset
from trainables.data.class_lists import class_ids
from trainables.data.csv_tables import CsvTable, read_csv_table
from trainables.data.raw_annotations import positive
from trainables.data.refineloc_csv import INSTANCE_COLUMNS, instances_of
from trainables.data.segments import Segments
from trainables.data.video_label_files import select_label_csv
from trainables.errors import UserError


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """One subset. instances: seconds, label: index into ``classes``; those that end before they start are left out.

    numbers: what integer labels of predictions mean; empty where nothing says so. videos: all that are evaluated, also
    without instances. durations: seconds by video, of those that are known. reversed: how many instances end before
    they start. label_only: videos of which the files say what they show, but not when. ambiguous_beside: folders with
    the ambiguous intervals that these files lack.
    """

    instances: Segments
    classes: tuple[str, ...]
    durations: Mapping[str, float] = field(default_factory=dict)
    ambiguous: Segments = field(default_factory=Segments.empty)
    numbers: Mapping[int, str] = field(default_factory=dict)
    videos: frozenset[str] = frozenset()
    reversed: int = 0
    label_only: int = 0
    ambiguous_beside: tuple[Path, ...] = ()

    def require_instances(self, source: Path) -> None:
        """Raise UserError where there is nothing that predictions can be compared with."""
        if not len(self.instances):
            raise UserError(
                f"{source}: holds no segment: these videos have no temporal annotation (a study writes such a file "
                "where its test videos have none), and predictions can be compared with nothing; give annotated ones"
            )

    def with_length(self) -> GroundTruth:
        """Without instances of zero length, as ActivityNet's evaluation and DETAD take it."""
        return replace(self, instances=self.instances[self.instances.start_s < self.instances.end_s])


def read_ground_truth(path: Path, subset: str | None = None, classes: Sequence[str] | None = None) -> GroundTruth:
    """Read a CSV of one subset, or any annotation format of the field; raises UserError.

    subset: train or test of a format with both; by default test where there are test videos. classes: names in order,
    which integer labels of ground truth and predictions index; by default those of the files.
    """
    numbers = dict(enumerate(classes)) if classes else {}
    if path.suffix.lower() == ".csv" and not os.path.isdir(path):
        if subset:
            raise UserError(f"--subset: {path} is a single CSV and has no subsets; leave the option out")
        return _read_csv(path, classes, numbers)
    chosen = read_subset(path, subset, classes)
    names = frozenset(video.name for video in chosen.videos)
    labelled = {video for video, own in chosen.video_labels.items() if own}
    return GroundTruth(
        chosen.instances,
        chosen.classes,
        {video.name: video.duration_s for video in chosen.videos if video.duration_s},
        chosen.ambiguous,
        numbers or chosen.class_numbers,
        names,
        len(chosen.reversed),
        len(labelled & (names - set(chosen.instances.video.tolist()))),
        () if len(chosen.ambiguous) else tuple(folders_with_ambiguous(chosen.source)),
    )


def _read_csv(path: Path, classes: Sequence[str] | None, numbers: Mapping[int, str]) -> GroundTruth:
    if select_label_csv([path]):
        GroundTruth(Segments.empty(), ()).require_instances(path)
    table = read_csv_table(path)
    table.require(INSTANCE_COLUMNS)
    rows = instances_of(table)
    names = tuple(sorted({row.label for row in rows})) if classes is None else tuple(classes)
    ids = class_ids(names, numbers)
    unknown = next((row.label for row in rows if row.label not in ids), None)
    if unknown is not None:
        raise UserError(f"{path}: label {unknown!r} is not among the {len(names)} classes given")
    kept = [row for row in rows if row.start_s <= row.end_s]
    columns = zip(*((row.video, row.start_s, row.end_s, ids[row.label]) for row in kept), strict=True)
    return GroundTruth(
        Segments.of(*columns) if kept else Segments.empty(),
        names,
        _durations(table),
        numbers=numbers,
        videos=frozenset(row.video for row in rows),
        reversed=len(rows) - len(kept),
        ambiguous_beside=tuple(folders_with_ambiguous(path)),
    )


def _durations(table: CsvTable) -> dict[str, float]:
    """Those that are known: neither empty nor 0, as studies wrote for videos without features."""
    if "video-duration" not in table.columns:
        return {}
    found = {}
    rows = zip(table.names("video-name"), table.columns["video-duration"], table.lines, strict=True)
    for video, text, line in rows:
        duration_s = positive(_known(text), "video-duration", f"{table.source}, line {line}")
        if duration_s is not None:
            found[video] = duration_s
    return found


def _known(text: str) -> str | None:
    return None if text.strip() in ("", "0", "0.0") else text
