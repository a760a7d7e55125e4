"""What is known of each video: its classes, and whether all its instances are.

A video whose label is known but none of its segments has no temporal annotation: what it shows is known, when is not.
Numbers that need to know when are absent for it, never zero.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainables.config import DatasetConfig
from trainables.data import Annotations, Segments, Video
from trainables.errors import UserError

# A segment covers a video whole where less than this share of it, or a snippet, is missing at each end.
WHOLE_SHARE = 0.02


@dataclass(frozen=True, eq=False)
class Supervision:
    """labels: class ids of each video. annotated: (V,), whether all its instances are known. instances: of those."""

    labels: list[tuple[int, ...]]
    annotated: npt.NDArray[np.bool_]
    instances: Segments

    @classmethod
    def of(
        cls, annotations: Annotations, given: Mapping[str, tuple[int, ...]], split: str, config: DatasetConfig
    ) -> Supervision:
        """As the annotations and the configured rules have it. given: class ids of each video."""
        listed = annotations.labels("video")
        segmented = set(annotations.instances.video.tolist())
        labels, annotated = [], []
        for video in annotations.videos:
            own = set(given[video.name])
            # A label beside the segments of other classes: somewhere in the video is more than they say.
            mixed = config.file and config.video_labels == "instances" and video.name in segmented
            more = set(listed[video.name]) - own if mixed else set()
            labels.append(tuple(sorted(own | more)))
            annotated.append(not own or (video.name in segmented and not more))
        if split == "train" and config.training_labels == "video":
            annotated = [False] * len(annotated)
        return cls(labels, np.array(annotated, dtype=bool), annotations.instances).without_unknown(annotations)

    def without_unknown(self, annotations: Annotations) -> Supervision:
        """Without segments of videos that may have others."""
        known = {video.name for video, whole in zip(annotations.videos, self.annotated, strict=True) if whole}
        return Supervision(self.labels, self.annotated, _of(self.instances, known))

    def notes(self, split: str) -> list[str]:
        """What a reader must know."""
        unknown = int(np.count_nonzero(~self.annotated))
        if not unknown:
            return []
        which = "all" if unknown == len(self.annotated) else f"{unknown} of {len(self.annotated)}"
        return [f"{split}: {which} videos have video-level labels only; numbers that need segments are absent for them"]


def are_video_labels(instances: Segments, videos: Sequence[Video]) -> bool:
    """Whether the segments of all videos that have any cover them whole: they say no more than a video's label."""
    durations = {v.name: (v.duration_s or v.num_snippets * v.snippet_s + v.shift_s, v.snippet_s) for v in videos}
    if not len(instances):
        return False
    duration_s, snippet_s = np.array([durations[name] for name in instances.video.tolist()]).T
    slack_s = np.maximum(WHOLE_SHARE * duration_s, snippet_s)
    return bool(np.all((instances.start_s <= slack_s) & (instances.end_s >= duration_s - slack_s)))


def with_background_rule(annotations: Annotations, config: DatasetConfig) -> tuple[Annotations, list[str]]:
    """Videos without any label: refused, left out, or kept as background throughout; and what to say of them."""
    unlabelled = [video for video, labels in annotations.labels().items() if not labels]
    if not unlabelled:
        return annotations, []
    count = f"{len(unlabelled)} videos without any label ({', '.join(unlabelled[:3])}{', ...' * (len(unlabelled) > 3)})"
    if config.background == "exclude":
        return annotations.without(unlabelled), [f"{count} are left out (background: exclude)"]
    if config.background == "background":
        return annotations, [f"{count} are background throughout, from iteration 1 on (background: background)"]
    remedy = (
        "say what they are by labels.background: exclude or background, or leave them out by exclude_videos"
        if config.file
        else "leave them out by dataset.exclude_videos"
    )
    raise UserError(
        f"{annotations.source}: {len(unlabelled)} videos have no instance and so no label "
        f"({', '.join(unlabelled[:3])}); {remedy}"
    )


def _of(segments: Segments, names: Collection[str]) -> Segments:
    return segments[np.array([video in names for video in segments.video], dtype=bool)]
