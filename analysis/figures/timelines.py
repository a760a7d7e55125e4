"""Timelines of single videos: ground truth, M0, pseudo labels and refined predictions under one another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis.results.predictions import LABELS, TRUTH, TellingVideo, TrialPredictions
from analysis.text import number_text
from trainables.data import Segments

SHOWN = 12  # predictions of one video, the best by score
TRACK_COLOURS = {TRUTH: "#000000", LABELS: "#0072B2"}
OWN, OTHER = "#009E73", "#D55E00"
MEANINGS = {
    "annotated instance": TRACK_COLOURS[TRUTH],
    "pseudo label": TRACK_COLOURS[LABELS],
    "predicted, a class of the video": OWN,
    "predicted, another class": OTHER,
}
LONGEST_NAME = 22  # characters of a class in a title
FAINTEST = 0.35  # opacity of the prediction with the lowest score


def draw_timelines(figure: Figure, found: TrialPredictions, videos: Sequence[TellingVideo]) -> None:
    """One panel per video, one row per track."""
    tracks = found.tracks
    panels = figure.subplots(len(videos), 1, squeeze=False)[:, 0]
    for ax, video in zip(panels, videos, strict=True):
        of_video = {name: _of_video(segments, video.name) for name, segments in tracks.items()}
        own = set(of_video[TRUTH].label.tolist())
        for row, (name, segments) in enumerate(of_video.items()):
            _draw_track(ax, row, segments, own, name)
        ax.set_yticks(range(len(tracks)), list(tracks))
        ax.set_ylim(len(tracks) - 0.4, -0.6)
        ax.set_xlim(0, found.test.truth.durations.get(video.name) or _last_end(list(of_video.values())))
        ax.grid(False)
        ax.tick_params(axis="y", length=0)
        ax.set_title(_title(found, video, own), loc="left", fontsize=7, pad=2)
    panels[-1].set_xlabel("time (s)")
    absent = set() if LABELS in tracks else {"pseudo label"}
    patches = [Patch(color=colour, label=meaning) for meaning, colour in MEANINGS.items() if meaning not in absent]
    figure.legend(handles=patches, loc="outside lower center", ncols=len(patches))


def timeline_data(found: TrialPredictions, videos: Sequence[TellingVideo]) -> pd.DataFrame:
    """One row per segment."""
    parts = []
    for role, name, change in videos:
        for track, segments in found.tracks.items():
            mine = _of_video(segments, name)
            classes = found.test.truth.classes
            named = ["foreground" if track == LABELS else classes[i] for i in mine.label.tolist()]
            parts.append(
                pd.DataFrame({"role": role, "video": name, "change": change, "track": track, "start_s": mine.start_s,
                              "end_s": mine.end_s, "label": named, "score": mine.score})
            )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def short_name(name: str) -> str:
    """A class in a title."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _title(found: TrialPredictions, video: TellingVideo, own: set[int]) -> str:
    names = ", ".join(short_name(found.test.truth.classes[label]) for label in sorted(own))
    points = f"{number_text(video.change, 1, signed=True)} points"
    return f"{video.role}: {video.name} ({names}), {points if found.base is not None else f'{video.change:.1f} %'}"


def _draw_track(ax: Axes, row: int, segments: Segments, own: set[int], track: str) -> None:
    """Segments of the video's own classes as high bars, of other classes as low ones below them."""
    top = segments[np.argsort(-segments.score, kind="stable")[:SHOWN]]
    mine = np.array([label in own for label in top.label.tolist()], dtype=bool) | (track == LABELS)
    spread = np.ptp(top.score) if len(top) else 0.0
    for i in range(len(top)):
        strength = 1.0 if spread == 0 else FAINTEST + (1 - FAINTEST) * (top.score[i] - top.score.min()) / spread
        ax.barh(
            row - 0.08 if mine[i] else row + 0.32, top.end_s[i] - top.start_s[i], 0.5 if mine[i] else 0.2,
            left=top.start_s[i], color=TRACK_COLOURS.get(track, OWN) if mine[i] else OTHER, alpha=strength,
            linewidth=0.4, edgecolor="white",
        )  # fmt: skip


def _of_video(segments: Segments, name: str) -> Segments:
    return segments[segments.video == name]


def _last_end(tracks: Sequence[Segments]) -> float:
    return max((float(segments.end_s.max()) for segments in tracks if len(segments)), default=1.0) or 1.0
