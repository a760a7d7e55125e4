"""Features of a split: one flat float32 array, read from disk video by video, and checked while it is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from trainables.data.feature_files import FeatureFiles
from trainables.errors import UserError

Stream = Literal["both", "first_half", "last_half"]


@dataclass(frozen=True, eq=False)
class FlatFeatures:
    """features: (sum of T, D) float32, C-contiguous. lengths: T per video, 0 where it has no usable features.

    missing: videos that the files do not have. problems: one sentence each.
    """

    features: npt.NDArray[np.float32]
    lengths: npt.NDArray[np.int64]
    missing: list[str]
    problems: list[str]

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """First row of each video."""
        return np.cumsum(self.lengths) - self.lengths


@dataclass(frozen=True, eq=False)
class FeaturePlan:
    """What the flat array of ``names`` will be, from shapes alone. columns: those to read. Others: see FlatFeatures."""

    names: Sequence[str]
    columns: slice
    lengths: npt.NDArray[np.int64]
    missing: list[str]
    problems: list[str]

    @property
    def shape(self) -> tuple[int, int]:
        return int(self.lengths.sum()), self.columns.stop - self.columns.start


def plan_features(source: FeatureFiles, names: Sequence[str], stream: Stream, dimensions: int | None) -> FeaturePlan:
    """Shape and order of the features of ``names``; no value is read.

    stream: the half of the columns to keep (D11). dimensions: D before the cut that every video must have; None takes
    the most frequent one.
    """
    problems: list[str] = []
    shapes = [_shape(source, name, problems) for name in names]
    missing = [name for name in names if name not in source]
    width = dimensions or feature_width(source, names) or 0
    lengths = np.zeros(len(names), dtype=np.int64)
    for v, (name, shape) in enumerate(zip(names, shapes, strict=True)):
        if shape is not None and shape[1] != width:
            problems.append(f"{name}: features have {shape[1]} dimensions, the other videos {width}; get them again")
        elif shape is not None:
            lengths[v] = shape[0]
    return FeaturePlan(names, _columns(stream, width), lengths, missing, problems)


def load_features(source: FeatureFiles, plan: FeaturePlan) -> FlatFeatures:
    """The features of a plan, in memory: allocated once, filled in place.

    Whatever is wrong with a video (damaged file, other D, a value that is not finite) becomes a problem and does not
    stop the others, so that one pass finds everything.
    """
    features = np.zeros(plan.shape, dtype=np.float32)
    problems = list(plan.problems)
    starts = np.cumsum(plan.lengths) - plan.lengths
    for v in np.flatnonzero(plan.lengths).tolist():
        problems += _fill(source, plan.names[v], plan.columns, features[starts[v] : starts[v] + plan.lengths[v]])
    return FlatFeatures(features, plan.lengths, plan.missing, problems)


def stream_features(source: FeatureFiles, plan: FeaturePlan, problems: list[str]) -> Iterator[npt.NDArray[np.float32]]:
    """The features of a plan, video by video, in memory for the longest one; each is overwritten by the next one.

    problems: what is found wrong on the way is added. What was read leaves the page cache, where it would take the
    place of what is written.
    """
    buffer = np.empty((int(plan.lengths.max(initial=0)), plan.shape[1]), dtype=np.float32)
    for v in np.flatnonzero(plan.lengths).tolist():
        rows = buffer[: plan.lengths[v]]
        found = _fill(source, plan.names[v], plan.columns, rows)
        if not found:
            source.forget(plan.names[v])
        problems += found
        yield rows


def feature_width(source: FeatureFiles, names: Sequence[str]) -> int | None:
    """The most frequent D among the readable ``names``; None when there is none."""
    ignored: list[str] = []
    shapes = [_shape(source, name, ignored) for name in names]
    counts = Counter(shape[1] for shape in shapes if shape is not None)
    return counts.most_common(1)[0][0] if counts else None


def _shape(source: FeatureFiles, name: str, problems: list[str]) -> tuple[int, int] | None:
    if name not in source:
        return None
    try:
        return source.shape(name)
    except UserError as error:
        problems.append(str(error))
        return None


def _columns(stream: Stream, width: int) -> slice:
    if stream == "both":
        return slice(0, width)
    if width % 2:
        raise UserError(f"dataset.stream: {stream} needs an even feature dimension, got {width}; use 'both'")
    return slice(0, width // 2) if stream == "first_half" else slice(width // 2, width)


def _fill(source: FeatureFiles, name: str, columns: slice, rows: npt.NDArray[np.float32]) -> list[str]:
    try:
        # A float64 beyond float32's range becomes infinite, which the check below reports.
        with np.errstate(over="ignore"):
            source.read(name, columns, rows)
    except UserError as error:
        rows[...] = 0
        return [str(error)]
    finite = np.isfinite(rows)
    if finite.all():
        return []
    snippet, column = np.argwhere(~finite)[0]
    return [
        f"{name}: {np.count_nonzero(~finite)} feature values are NaN or infinite, first at snippet {snippet}, "
        f"dimension {column}; extract its features again or leave it out by dataset.exclude_videos"
    ]


@dataclass(frozen=True, eq=False)
class ExpectedLengths:
    """How many snippets each video should have; every column (V,), NaN where unknown (refineloc.md, section 5).

    A snippet is ``frames`` frames at ``fps`` frames per second ("native": each video's own). duration_s, native_fps
    and num_frames are the annotations'. beyond: window - stride, frames that the last
    window sees beyond its snippet.
    """

    frames: int
    fps: float | Literal["native"]
    duration_s: npt.NDArray[np.float64]
    native_fps: npt.NDArray[np.float64]
    num_frames: npt.NDArray[np.float64]
    beyond: int = 0

    def snippets(self, frames: int | None = None, fps: float | str | None = None) -> npt.NDArray[np.float64]:
        """(duration x fps - beyond) / H, or num_frames on the native grid; for other ``frames`` or ``fps`` if given."""
        frames, fps = frames or self.frames, fps or self.fps
        if fps != "native":
            return (self.duration_s * float(fps) - self.beyond) / frames
        counted = np.where(np.isnan(self.num_frames), self.duration_s * self.native_fps, self.num_frames)
        return (counted - self.beyond) / frames


def length_problems(names: Sequence[str], lengths: npt.NDArray[np.int64], expected: ExpectedLengths) -> list[str]:
    """Videos and splits whose T does not fit their durations; empty when all fits.

    A split may be off by 5 % plus one snippet per video: extractors drop the tail of a video, while 30 fps taken
    for 25 is off by 20 % and 15 frames taken for 16 by 7 %. One video may be off by half, as some durations in
    ActivityNet are wrong.
    """
    snippets = expected.snippets()
    known = np.isfinite(snippets) & (lengths > 0)
    grid = f"snippets of {expected.frames} frames at {expected.fps}{'' if expected.fps == 'native' else ' fps'}"
    problems = []
    off = known & (np.abs(lengths - snippets) > 0.5 * np.nan_to_num(snippets) + 3)
    for v in np.flatnonzero(off).tolist():
        problems.append(
            f"{names[v]}: features have T = {lengths[v]}, its duration implies {snippets[v]:.0f} ({grid}); get its "
            "features again or leave it out by dataset.exclude_videos"
        )
    total, wanted = int(lengths[known].sum()), float(snippets[known].sum())
    if known.any() and abs(total - wanted) > 0.05 * wanted + known.sum():
        problems.append(
            f"features have {total} snippets in {known.sum()} videos, durations imply {wanted:.0f} ({grid}); "
            f"{_fitting_grid(total, known, expected)}"
        )
    return problems


def _fitting_grid(total: int, known: npt.NDArray[np.bool_], expected: ExpectedLengths) -> str:
    grids: list[tuple[int, float | str]] = [(16, 25.0), (15, "native"), (16, "native"), (15, 25.0)]
    wanted = [float(expected.snippets(frames, fps)[known].sum()) for frames, fps in grids]
    best = int(np.nanargmin([abs(total - value) if value == value else np.inf for value in wanted]))
    if abs(total - wanted[best]) <= 0.03 * wanted[best] + known.sum():
        frames, fps = grids[best]
        return f"they fit dataset.snippet_frames {frames} and dataset.snippet_fps {fps}"
    return "set dataset.snippet_frames and dataset.snippet_fps to what the features were extracted with"
