"""Files that predictions are written to while they are made: per-snippet scores as ``.npz``, timelines as PNG."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainables.data import Segments
from trainables.files import write_whole
from trainables.model.prediction import GroupPrediction


class ScoresFile:
    """Scores of every video, written one after another; the file is there when all of them are.

    Arrays, read by ``numpy.load``: ``classes``; and of each video ``NAME/start_s`` (T,), ``NAME/snippet_s``,
    ``NAME/foreground`` (T,), ``NAME/class_probability`` (T, C) and ``NAME/video_score`` (C,).
    """

    def __init__(self, path: Path, classes: Sequence[str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._aside = path, path.with_name(f".{path.name}.{os.getpid()}")
        self._file = zipfile.ZipFile(self._aside, "w", zipfile.ZIP_STORED, allowZip64=True)
        self._write("classes", np.array(classes))

    def add(self, group: GroupPrediction) -> None:
        """The videos of a group, but for unreadable ones."""
        split, scores = group.split, group.scores
        for v, video in enumerate(split.videos):
            if video.name in group.unreadable:
                continue
            rows = slice(int(split.offsets[v]), int(split.offsets[v + 1]))
            self._write(f"{video.name}/start_s", video.shift_s + np.arange(video.num_snippets) * video.snippet_s)
            self._write(f"{video.name}/snippet_s", np.array(video.snippet_s))
            self._write(f"{video.name}/foreground", scores.foreground[rows])
            self._write(f"{video.name}/class_probability", scores.class_probability[rows])
            self._write(f"{video.name}/video_score", scores.video_score[v])

    def finish(self) -> None:
        """Put the file in its place."""
        self._file.close()
        os.replace(self._aside, self._path)

    def discard(self) -> None:
        """Leave nothing behind; does nothing after ``finish``."""
        with suppress(OSError):  # a full disk: closing would write the list of what is inside
            self._file.close()
        self._aside.unlink(missing_ok=True)

    def _write(self, name: str, array: npt.NDArray[Any]) -> None:
        with self._file.open(f"{name}.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)


def draw_timelines(folder: Path, group: GroupPrediction, classes: Sequence[str]) -> None:
    """A picture of each video of a group: foreground over time, and below it the segments of each predicted class."""
    split = group.split
    for v, video in enumerate(split.videos):
        if video.name in group.unreadable:
            continue
        rows = slice(int(split.offsets[v]), int(split.offsets[v + 1]))
        times_s = video.shift_s + (np.arange(video.num_snippets) + 0.5) * video.snippet_s
        segments = group.segments[group.segments.video == video.name]
        picture = _timeline(video.name, times_s, group.scores.foreground[rows], segments, classes)
        write_whole(folder / f"{video.name}.png", picture)


def _timeline(
    name: str,
    times_s: npt.NDArray[np.floating],
    foreground: npt.NDArray[np.float32],
    segments: Segments,
    classes: Sequence[str],
) -> bytes:
    from matplotlib.figure import Figure  # what only predicts needs none

    shown = np.unique(segments.label).tolist()
    figure = Figure(figsize=(8, 1.6 + 0.3 * max(len(shown), 1)), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.2, 0.3 * max(len(shown), 1)))
    above.fill_between(times_s, foreground, step="mid", color="0.7", linewidth=0)
    above.set(ylim=(0, 1), ylabel="foreground", title=name)
    highest = max(float(segments.score.max(initial=0)), 1e-12)
    for row, label in enumerate(shown):
        of_class = segments[segments.label == label]
        for start, end, score in zip(of_class.start_s, of_class.end_s, of_class.score, strict=True):
            opacity = min(0.2 + 0.8 * max(float(score), 0.0) / highest, 1.0)
            below.broken_barh([(start, end - start)], (row - 0.4, 0.8), facecolors="tab:blue", alpha=opacity)
    below.set(xlabel="seconds", ylim=(len(shown) - 0.5, -0.5) if shown else (0, 1))
    below.set_yticks(range(len(shown)), [classes[label] for label in shown])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()
