"""The table of segments and temporal IoU. Times are seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Segments:
    """N scored segments of one or many videos; every column has shape (N,).

    video: name, str. start_s, end_s: float64, seconds, start_s <= end_s (a ground truth may hold a zero-length
    instance; predictions never do). label: int64 class id. score: float64, higher is surer (1 in ground truth).
    """

    video: npt.NDArray[Any]
    start_s: npt.NDArray[np.float64]
    end_s: npt.NDArray[np.float64]
    label: npt.NDArray[np.int64]
    score: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        lengths = {f.name: np.shape(getattr(self, f.name)) for f in fields(self)}
        if len(set(lengths.values())) != 1 or len(lengths["video"]) != 1:
            raise ValueError(f"columns must be one-dimensional and equally long, got {lengths}")
        for name in ("start_s", "end_s", "score"):
            bad = np.flatnonzero(~np.isfinite(getattr(self, name)))
            if bad.size:
                raise ValueError(f"{name} must be finite; row {bad[0]} ({self.video[bad[0]]}) is not")
        bad = np.flatnonzero(self.start_s > self.end_s)
        if bad.size:
            row = bad[0]
            raise ValueError(
                f"start_s must not exceed end_s; row {row} ({self.video[row]}) has "
                f"{self.start_s[row]:g} > {self.end_s[row]:g}"
            )

    @classmethod
    def of(cls, video: Any, start_s: Any, end_s: Any, label: Any, score: Any = None) -> Segments:
        """From any sequences; a missing ``score`` is 1."""
        start = np.asarray(start_s, np.float64)
        return cls(
            np.asarray(video, dtype=object),
            start,
            np.asarray(end_s, np.float64),
            np.asarray(label, np.int64),
            np.ones_like(start) if score is None else np.asarray(score, np.float64),
        )

    @classmethod
    def empty(cls) -> Segments:
        """No segments."""
        return cls.of([], [], [], [])

    @classmethod
    def concatenate(cls, parts: Iterable[Segments]) -> Segments:
        """All rows of ``parts``, in order."""
        tables = list(parts)
        if not tables:
            return cls.empty()
        return cls(*(np.concatenate([getattr(t, f.name) for t in tables]) for f in fields(cls)))

    def __len__(self) -> int:
        return len(self.start_s)

    def __getitem__(self, rows: Any) -> Segments:
        """Rows by boolean mask, index array or slice: ``segments[segments.score > 0.5]``."""
        return Segments(*(getattr(self, f.name)[rows] for f in fields(self)))


def temporal_iou(
    start_a: npt.ArrayLike, end_a: npt.ArrayLike, start_b: npt.ArrayLike, end_b: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Intersection over union of intervals, elementwise with broadcasting; 0 where the union is empty."""
    start_a, end_a = np.asarray(start_a, np.float64), np.asarray(end_a, np.float64)
    start_b, end_b = np.asarray(start_b, np.float64), np.asarray(end_b, np.float64)
    intersection = np.clip(np.minimum(end_a, end_b) - np.maximum(start_a, start_b), 0, None)
    union = (end_a - start_a) + (end_b - start_b) - intersection
    return np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0)


def intersection_over_hull(
    start_a: npt.ArrayLike, end_a: npt.ArrayLike, start_b: npt.ArrayLike, end_b: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Intersection over max(end) - min(start), as THUMOS14's kit writes the union: ``temporal_iou`` but for rounding.

    The last bit decides about pairs whose overlap is a threshold, such as 1/2 of times in tenths of a second.
    """
    start_a, end_a = np.asarray(start_a, np.float64), np.asarray(end_a, np.float64)
    start_b, end_b = np.asarray(start_b, np.float64), np.asarray(end_b, np.float64)
    intersection = np.clip(np.minimum(end_a, end_b) - np.maximum(start_a, start_b), 0, None)
    hull = np.maximum(end_a, end_b) - np.minimum(start_a, start_b)
    return np.divide(intersection, hull, out=np.zeros_like(intersection), where=hull > 0)
