"""Figures from prediction files: precision-recall curves per class, timelines of chosen videos, diagnosis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.diagnosis.characteristics import BINS
from analysis.diagnosis.diagnosis import Diagnosis, diagnose
from analysis.diagnosis.figures import diagnosis_drawings
from analysis.drawing import GREY, PAGE_IN, Drawing
from analysis.results import Curve, Floats, TrialPredictions, best_predictions, precision_recall, telling_videos
from analysis.study import Study
from trainables.data import Segments

MOST_CLASSES = 12  # of more, the best and the worst half of this many are shown
SHOWN = 12  # predictions of one video, the best by score
LABELS = "pseudo labels"
TRACK_COLOURS = {"ground truth": "#000000", LABELS: "#0072B2"}
OWN, OTHER = "#009E73", "#D55E00"


def prediction_drawings(study: Study) -> list[Drawing]:
    """Those that the study's folder has the files for."""
    found = best_predictions(study)
    if found is None:
        return []
    evaluation = study.setting("run", "evaluation", default={})
    tiou = float(evaluation.get("selection_tiou", [0.5])[0])
    thresholds = np.array(evaluation.get("tiou", [tiou]), np.float64)
    curves = precision_recall(found.truth, found.chosen, tiou)
    base = precision_recall(found.truth, found.base, tiou) if found.base is not None else []
    videos = telling_videos(found, thresholds)
    rows = -(-min(len(curves), MOST_CLASSES) // 4)
    trial = f"trial t{found.trial:04d}, η = {found.iteration}"
    rule = "most, median and least improved video (its own mAP, mean over tIoU)"
    return [
        Drawing(
            "precision_recall",
            f"Precision over recall of each class at tIoU {tiou:g}, {trial}" + "; dashed: M0" * bool(base),
            lambda figure: _draw_curves(figure, curves, base, found.truth.classes),
            _curve_data(curves, base, found.truth.classes),
            PAGE_IN,
            1.25 * rows + 0.3,
        ),
        Drawing(
            "timelines",
            f"Ground truth and predictions over time, {trial}: the {rule}; low bars: other classes; paler: lower score",
            lambda figure: _draw_timelines(figure, found, videos),
            _timeline_data(found, videos),
            PAGE_IN,
            1.25 * len(videos) + 0.3,
        ),
        *diagnosis_drawings(_diagnoses(study, found, thresholds)),
    ]


def _diagnoses(study: Study, found: TrialPredictions, tiou: Floats) -> list[Diagnosis]:
    """Of M0 and of the chosen iteration, at the thresholds of the study; THUMOS14 has bins of its own."""
    bins = BINS["thumos14" if study.setting("run", "dataset", "name") == "thumos14" else "activitynet"]
    models = {"M0": found.base, f"η = {found.iteration}": found.chosen}
    return [
        diagnose(found.truth, predictions, bins, tiou, name)
        for name, predictions in models.items()
        if predictions is not None
    ]


def _draw_curves(figure: Figure, curves: list[Curve], base: list[Curve], classes: tuple[str, ...]) -> None:
    shown = sorted(curves, key=lambda curve: -curve.ap)
    if len(shown) > MOST_CLASSES:
        shown = [*shown[: MOST_CLASSES // 2], *shown[-MOST_CLASSES // 2 :]]
    panels = figure.subplots(-(-len(shown) // 4), 4, sharex=True, sharey=True, squeeze=False)
    before = {curve.label: curve for curve in base}
    for ax, curve in zip(panels.flat, shown, strict=False):
        _draw_curve(ax, curve, color="#D55E00")
        if curve.label in before:
            old = before[curve.label]
            _draw_curve(ax, old, color=GREY, linestyle="--", linewidth=0.9)
        ax.set_title(f"{_short(classes[curve.label])} ({curve.ap:.0f} %)", fontsize=6.5, loc="left", pad=2)
        ax.set(xlim=(0, 1), ylim=(0, 1.03))
    for ax in panels.flat[len(shown) :]:
        ax.set_visible(False)
    figure.supxlabel("recall", fontsize=8)
    figure.supylabel("precision", fontsize=8)


def _draw_curve(ax: Axes, curve: Curve, **look: Any) -> None:
    """As AP sees it: precision made non-increasing, down to zero behind the last recall."""
    if len(curve.recall):
        envelope = np.maximum.accumulate(curve.precision[::-1])[::-1]
        ax.plot([0, *curve.recall, curve.recall[-1]], [envelope[0], *envelope, 0], drawstyle="steps-pre", **look)


def _draw_timelines(figure: Figure, found: TrialPredictions, videos: list[tuple[str, str, float]]) -> None:
    tracks = _tracks(found)
    panels = figure.subplots(len(videos), 1, squeeze=False)[:, 0]
    for ax, (role, name, change) in zip(panels, videos, strict=True):
        truth = set(_of_video(found.truth.instances, name).label.tolist())
        for row, (track, segments) in enumerate(tracks.items()):
            _draw_track(ax, row, _of_video(segments, name), truth, track)
        ax.set_yticks(range(len(tracks)), list(tracks))
        ax.set_ylim(len(tracks) - 0.4, -0.6)
        ends = [_of_video(segments, name).end_s for segments in tracks.values()]
        ax.set_xlim(0, found.truth.durations.get(name, max((e.max() for e in ends if len(e)), default=1.0)))
        ax.grid(False)
        ax.tick_params(axis="y", length=0)
        names = ", ".join(_short(found.truth.classes[label]) for label in sorted(truth))
        what = f"{change:+.1f} points" if found.base is not None else f"{change:.1f} %"
        ax.set_title(f"{role}: {name} ({names}), {what}", loc="left", fontsize=7, pad=2)
    panels[-1].set_xlabel("time (s)")


def _draw_track(ax: Axes, row: int, segments: Segments, own: set[int], track: str) -> None:
    """Segments of the video's own classes as high bars, of other classes as low ones below them."""
    top = segments[np.argsort(-segments.score, kind="stable")[:SHOWN]]
    mine = np.array([label in own for label in top.label.tolist()], dtype=bool) | (track == LABELS)
    spread = np.ptp(top.score) if len(top) else 0.0
    for i in range(len(top)):
        strength = 1.0 if spread == 0 else 0.35 + 0.65 * (top.score[i] - top.score.min()) / spread
        ax.barh(
            row - 0.08 if mine[i] else row + 0.32, top.end_s[i] - top.start_s[i], 0.5 if mine[i] else 0.2,
            left=top.start_s[i], color=TRACK_COLOURS.get(track, OWN) if mine[i] else OTHER, alpha=strength,
            linewidth=0.4, edgecolor="white",
        )  # fmt: skip


def _tracks(found: TrialPredictions) -> dict[str, Segments]:
    """From top to bottom. Predictions of a class that the data set lacks are not drawn."""
    tracks = {"ground truth": found.truth.instances}
    if found.base is not None:
        tracks["M0"] = found.base[found.base.label >= 0]
    if found.labels is not None:
        tracks[LABELS] = found.labels
    if found.iteration > 0 or found.base is None:
        tracks[f"η = {found.iteration}"] = found.chosen[found.chosen.label >= 0]
    return tracks


def _of_video(segments: Segments, name: str) -> Segments:
    return segments[segments.video == name]


def _short(name: str) -> str:
    return name if len(name) <= 22 else f"{name[:21]}…"


def _curve_data(curves: list[Curve], base: list[Curve], classes: tuple[str, ...]) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {"model": model, "class": classes[c.label], "ap": c.ap, "recall": c.recall, "precision": c.precision}
        )
        for model, several in (("chosen", curves), ("M0", base))
        for c in several
    ]
    return pd.concat(parts, ignore_index=True)


def _timeline_data(found: TrialPredictions, videos: list[tuple[str, str, float]]) -> pd.DataFrame:
    parts = []
    for role, name, change in videos:
        for track, segments in _tracks(found).items():
            mine = _of_video(segments, name)
            named = ["foreground" if track == LABELS else found.truth.classes[i] for i in mine.label.tolist()]
            parts.append(
                pd.DataFrame({"role": role, "video": name, "change": change, "track": track, "start_s": mine.start_s,
                              "end_s": mine.end_s, "label": named, "score": mine.score})
            )  # fmt: skip
    return pd.concat(parts, ignore_index=True)
