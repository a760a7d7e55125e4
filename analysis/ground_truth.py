"""Ground truth for analysis: instances of one subset, class names and the durations that the file knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from trainables.data import Segments, read_instances, read_subset
from trainables.errors import UserError


class GroundTruth(NamedTuple):
    """instances: in file order, those of zero length among them. durations: seconds by video, of those known."""

    instances: Segments
    classes: tuple[str, ...]
    durations: dict[str, float]

    def with_length(self) -> GroundTruth:
        """Only instances with start < end, which alone a detection can find."""
        return self._replace(instances=self.instances[self.instances.start_s < self.instances.end_s])


def read_ground_truth(path: Path, subset: str | None = None, classes: Sequence[str] | None = None) -> GroundTruth:
    """Read a CSV of one subset, or any annotation format of the field; raises UserError.

    subset: train or test of a format with both; by default test where there are test videos.
    """
    if path.suffix == ".csv":
        if subset:
            raise UserError(f"--subset: {path} is a single CSV and has no subsets; leave the option out")
        instances, names = read_instances(path, classes)
        return GroundTruth(instances, names, _csv_durations(path))
    chosen = read_subset(path, subset, classes)
    durations = {video.name: video.duration_s for video in chosen.videos if video.duration_s}
    return GroundTruth(chosen.instances, chosen.classes, durations)


def _csv_durations(path: Path) -> dict[str, float]:
    table = pd.read_csv(path, dtype={"video-name": str, "label": str}, skipinitialspace=True)
    if "video-duration" not in table.columns:
        return {}
    known = table.dropna(subset=["video-duration"])
    return dict(zip(known["video-name"], known["video-duration"].astype(float), strict=True))
