"""The annotations of a data set: videos, instances, classes, ambiguous intervals. Read by ``annotation_files.py``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from trainables.data.segments import Segments


@dataclass(frozen=True)
class AnnotatedVideo:
    """One video as annotated. subset: train, test or unused. duration_s: seconds. fps, num_frames: native."""

    name: str
    subset: str
    duration_s: float | None
    fps: float | None
    num_frames: int | None


@dataclass(frozen=True, eq=False)
class Annotations:
    """All videos of a data set with their instances (seconds; label: index into ``classes``).

    ambiguous_of: by split, intervals that some evaluators ignore, with label -1; also of videos that have no instance
    and so are not among ``videos``. class_numbers: what integer labels mean, by the files themselves. video_labels:
    class ids of whole videos that the files list beside the instances, or instead of them. reversed: videos of the
    instances that end before they start and are left out. notes: sentences that a reader of any number from these
    annotations must know.
    """

    format: str
    source: Path
    classes: tuple[str, ...]
    videos: tuple[AnnotatedVideo, ...]
    instances: Segments
    ambiguous_of: Mapping[str, Segments] = field(default_factory=dict)
    class_numbers: Mapping[int, str] = field(default_factory=dict)
    video_labels: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    reversed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ambiguous(self) -> Segments:
        """Ambiguous intervals of all splits."""
        return Segments.concatenate(self.ambiguous_of.values())

    def subset(self, name: str) -> Annotations:
        """The videos of ``train`` or ``test``."""
        kept = self._keep({video.name for video in self.videos if video.subset == name})
        return replace(kept, ambiguous_of={split: table for split, table in self.ambiguous_of.items() if split == name})

    def without(self, names: Collection[str]) -> Annotations:
        """All videos but these."""
        removed = set(names)
        ambiguous = {split: _rows(table, lambda video: video not in removed) for split, table in
                     self.ambiguous_of.items()}  # fmt: skip
        return replace(self._keep({video.name for video in self.videos} - removed), ambiguous_of=ambiguous)

    def labels(self, source: Literal["instances", "video"] = "instances") -> dict[str, tuple[int, ...]]:
        """Class ids of each video, ascending; () where it has none.

        source: its instances, or what the files say of the whole video; each of the two where the other is missing.
        """
        found: dict[str, set[int]] = {video.name: set() for video in self.videos}
        for video, label in zip(self.instances.video, self.instances.label.tolist(), strict=True):
            found[video].add(label)
        labels = {video: tuple(sorted(own)) for video, own in found.items()}
        listed = {video: tuple(sorted(set(own))) for video, own in self.video_labels.items() if video in labels and own}
        return (
            {**labels, **listed}
            if source == "video"
            else {**labels, **{v: o for v, o in listed.items() if not labels[v]}}
        )

    def _keep(self, names: set[str]) -> Annotations:
        return replace(
            self,
            videos=tuple(video for video in self.videos if video.name in names),
            instances=_rows(self.instances, names.__contains__),
            reversed=tuple(video for video in self.reversed if video in names),
        )


def _rows(segments: Segments, keep: Callable[[str], bool]) -> Segments:
    """The rows whose video is to be kept."""
    return segments[np.array([keep(video) for video in segments.video], dtype=bool)]
