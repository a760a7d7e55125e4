"""What a data set is: videos, features in one flat array, ground truth. No padding anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from trainables.data.array_file import ArrayFile
from trainables.data.segments import Segments


@dataclass(frozen=True)
class Video:
    """One untrimmed video.

    labels: its class ids, ascending. snippet_s: seconds per snippet (H / fps). num_snippets: T; 0 when its
    features are missing and that was allowed. duration_s: seconds, None when unknown. snippet_frames: H, the stride
    between two snippets. shift_frames: where snippet 0 begins. Features of windows that are longer than their stride
    belong to the middle of their window: each snippet stands for the ``snippet_frames`` frames around the centre of its
    window, which begin (window - stride) / 2 frames after it. 0 for windows in a row.
    """

    name: str
    labels: tuple[int, ...]
    snippet_s: float
    num_snippets: int
    duration_s: float | None = None
    snippet_frames: int = 1
    shift_frames: float = 0.0

    @property
    def shift_s(self) -> float:
        """Seconds from the video's start to that of snippet 0."""
        return self.shift_frames / self.fps

    @property
    def fps(self) -> float:
        """Frames per second of the grid that the snippets lie on."""
        return self.snippet_frames / self.snippet_s


@dataclass(frozen=True, eq=False)
class Split:
    """Videos with their features.

    features: (rows, D) float32, C-contiguous, shared by all subsets of a split and never copied; where they are mapped
    from a file, a split goes to another process without their values, which are mapped there anew. starts: (V,)
    int64, first row of each video; its rows are ``starts[v] : starts[v] + videos[v].num_snippets``.
    ground_truth: instances of these videos, seconds. ambiguous: intervals that some evaluation protocols ignore.
    annotated: (V,) bool, whether all instances of a video are known; of the others, only what they show is. None: all.
    Flat arrays per snippet (scores, labels) hold the videos one after another: video v at
    ``offsets[v] : offsets[v + 1]``.
    """

    name: str
    videos: tuple[Video, ...]
    features: npt.NDArray[np.float32]
    starts: npt.NDArray[np.int64]
    ground_truth: Segments
    ambiguous: Segments = field(default_factory=Segments.empty)
    annotated: npt.NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if self.annotated is not None and len(self.annotated) != len(self.videos):
            raise ValueError(f"{self.name}: {len(self.videos)} videos but {len(self.annotated)} marks of annotation")
        if len(self.videos) != len(self.starts):
            raise ValueError(f"{self.name}: {len(self.videos)} videos but {len(self.starts)} starts")
        ends = self.starts + self.lengths
        if len(ends) and ends.max() > len(self.features):
            raise ValueError(f"{self.name}: videos need {ends.max()} rows, features have {len(self.features)}")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "features": ArrayFile.of(self.features) or self.features}

    def __setstate__(self, state: dict[str, Any]) -> None:
        features = state["features"]
        self.__dict__.update(state, features=features.open() if isinstance(features, ArrayFile) else features)

    def __len__(self) -> int:
        return len(self.videos)

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """T of each video, shape (V,)."""
        return np.array([video.num_snippets for video in self.videos], dtype=np.int64)

    @cached_property
    def offsets(self) -> npt.NDArray[np.int64]:
        """Bounds of each video in a flat per-snippet array of this split, shape (V + 1,)."""
        return np.concatenate([[0], np.cumsum(self.lengths)]).astype(np.int64)

    def seconds(self, video: npt.NDArray[np.int64], place: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Times of borders between snippets, ``place`` of them after the start of snippet 0 of videos (by index)."""
        # Windows shorter than their stride shift the first snippet to before the start of the video.
        return np.maximum(place * self.snippet_s[video] + self.shift_s[video], 0.0)

    @property
    def num_snippets(self) -> int:
        return int(self.offsets[-1])

    @cached_property
    def annotated_videos(self) -> npt.NDArray[np.bool_]:
        """Whether all instances of each video are known, shape (V,)."""
        return np.ones(len(self), dtype=bool) if self.annotated is None else self.annotated

    @property
    def is_annotated(self) -> bool:
        """Whether all instances of all videos are known."""
        return bool(self.annotated_videos.all())

    def annotated_part(self) -> Split | None:
        """The videos whose instances are known; None where there are none."""
        if self.is_annotated:
            return self
        rows = np.flatnonzero(self.annotated_videos)
        return self.subset(rows, self.name) if len(rows) else None

    @cached_property
    def video_of_snippet(self) -> npt.NDArray[np.int64]:
        """Index of the video of each snippet, shape (sum of T,)."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @cached_property
    def names(self) -> npt.NDArray[Any]:
        """Video names, shape (V,), object."""
        return np.array([video.name for video in self.videos], dtype=object)

    @cached_property
    def snippet_s(self) -> npt.NDArray[np.float64]:
        """Seconds per snippet of each video, shape (V,)."""
        return np.array([video.snippet_s for video in self.videos], dtype=np.float64)

    @cached_property
    def shift_s(self) -> npt.NDArray[np.float64]:
        """Seconds to the start of snippet 0 of each video, shape (V,)."""
        return np.array([video.shift_s for video in self.videos], dtype=np.float64)

    @property
    def durations_s(self) -> dict[str, float]:
        """Duration of each video by name: the annotated one, or that of its snippets; 0 where there is neither."""
        return {
            video.name: video.duration_s
            or (video.num_snippets * video.snippet_s + video.shift_s if video.num_snippets else 0.0)
            for video in self.videos
        }

    @cached_property
    def snippet_truth(self) -> npt.NDArray[np.bool_]:
        """Whether each snippet lies in an instance of any class, shape (sum of T,); refineloc.md, section 5."""
        return self.truth_of(self.ground_truth)

    def truth_of(self, instances: Segments) -> npt.NDArray[np.bool_]:
        """Snippets [round(start * fps / H), round(end * fps / H)) of ``instances``, the shift of snippet 0 taken off
        before; halves round to even.

        The order of the operations is the released code's: dividing by ``snippet_s`` instead rounds some
        boundaries the other way and misses the published counts of foreground snippets by a few.
        """
        index = {video.name: v for v, video in enumerate(self.videos)}
        video = np.array([index[name] for name in instances.video], dtype=np.int64)
        fps = np.array([v.fps for v in self.videos])[video] if len(video) else np.zeros(0)
        frames = np.array([v.snippet_frames for v in self.videos])[video] if len(video) else np.ones(0)
        shift = np.array([v.shift_frames for v in self.videos])[video] if len(video) else np.zeros(0)
        first = np.rint((instances.start_s * fps - shift) / frames).astype(np.int64)
        last = np.rint((instances.end_s * fps - shift) / frames).astype(np.int64)
        return self.mark(video, first, last)

    def mark(
        self, video: npt.NDArray[np.int64], first: npt.NDArray[np.int64], end: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.bool_]:
        """Union of the snippet ranges [first, end) of videos (by index), clipped to each video; (sum of T,)."""
        lengths = self.lengths[video]
        first, end = np.clip(first, 0, lengths), np.clip(end, 0, lengths)
        kept = first < end
        change = np.zeros(self.num_snippets + 1, dtype=np.int64)
        np.add.at(change, self.offsets[video[kept]] + first[kept], 1)
        np.add.at(change, self.offsets[video[kept]] + end[kept], -1)
        return np.cumsum(change[:-1]) > 0

    def segments_of(self, mask: npt.NDArray[np.bool_]) -> Segments:
        """Runs of marked snippets, (sum of T,), as segments of class 0 in seconds, video by video."""
        parts = []
        for v, video in enumerate(self.videos):
            edges = np.diff(mask[self.offsets[v] : self.offsets[v + 1]].astype(np.int8), prepend=0, append=0)
            start, end = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
            start_s, end_s = (self.seconds(np.full(len(start), v), bound) for bound in (start, end))
            parts.append(Segments.of([video.name] * len(start), start_s, end_s, np.zeros(len(start))))
        return Segments.concatenate(parts)

    def subset(self, rows: Sequence[int] | npt.NDArray[np.int64], name: str) -> Split:
        """These videos (indices), with the same feature array."""
        rows = np.asarray(rows, dtype=np.int64)
        videos = tuple(self.videos[v] for v in rows)
        kept = {video.name for video in videos}
        instances, ambiguous = (
            table[np.array([video in kept for video in table.video], dtype=bool)]
            for table in (self.ground_truth, self.ambiguous)
        )
        return replace(
            self,
            name=name,
            videos=videos,
            starts=self.starts[rows],
            ground_truth=instances,
            ambiguous=ambiguous,
            annotated=None if self.annotated is None else self.annotated[rows],
        )


@dataclass(frozen=True, eq=False)
class Dataset:
    """Two splits that share classes.

    title: how to call it in a table, e.g. ``THUMOS14 (I3D)``; a simulated one says so here. notes: sentences a
    reader of any number from it must know (composed timeline, exclusions, missing videos).
    """

    name: str
    title: str
    classes: tuple[str, ...]
    train: Split
    test: Split
    simulated: bool = False
    notes: tuple[str, ...] = ()

    @property
    def dimensions(self) -> int:
        return int(self.train.features.shape[1])
