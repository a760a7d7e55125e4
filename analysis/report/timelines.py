"""Timelines of the test videos as data, of as many trials as a small page holds: the page draws what a reader chooses.

Tracks of equal segments are there once: all trials of a seed share the predictions of M0.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.results.predictions import LABELS, TrialPredictions, read_test_split, trial_predictions
from analysis.results.refinement import best_trials
from analysis.study import Study
from study.ledger import trial_name
from trainables.data import GroundTruth, Segments
from trainables.json_types import JsonObject

MOST_VIDEOS = 400  # of more, the first by name; keeps the page small
SHOWN = 12  # predictions of one video, the best by score
BUDGET_BYTES = 1_800_000  # of tracks as JSON, which is packed to about a third of it
UNITS_PER_S = 100  # whole numbers take less room

Track = list[list[int]]
"""For each video, four whole numbers for each segment: start and end in 1/100 s, class or -1, strength in percent."""


class Timelines(NamedTuple):
    """packed: JSON of ``timeline_tree``, deflated, in base 64. trials: names of those in it, the best one first.
    left_out: names of those that have predictions and no room. hidden_videos: beyond MOST_VIDEOS."""

    packed: str
    trials: Sequence[str]
    left_out: Sequence[str]
    hidden_videos: int


def timelines(study: Study, budget: int = BUDGET_BYTES) -> Timelines | None:
    """None where the folder lacks the files. budget: bytes of tracks; the best trial is there whatever it takes."""
    test, chosen = read_test_split(study), _trials_in_order(study)
    if test is None or not chosen:
        return None
    every: list[str] = []
    known: dict[str, int] = {}  # a track as JSON, and its place
    shown: list[JsonObject] = []
    size = 0
    for trial, eta in chosen:
        found = trial_predictions(study, trial, eta, test)
        assert found is not None, "there are a test split and a file of predictions"
        every = every or _test_videos(found)
        tracks = {name: _json(_track(name, s, every[:MOST_VIDEOS])) for name, s in found.tracks.items()}
        size += sum(len(text) for text in set(tracks.values()) - known.keys())
        if shown and size > budget:
            break
        places: JsonObject = {name: known.setdefault(text, len(known)) for name, text in tracks.items()}
        shown.append({"name": trial_name(trial), "title": found.title, "tracks": places})
    tree = timeline_tree(test.truth, every[:MOST_VIDEOS], [json.loads(text) for text in known], shown)
    return Timelines(
        packed=base64.b64encode(zlib.compress(_json(tree).encode("utf-8", "replace"), 9)).decode(),
        trials=[str(one["name"]) for one in shown],
        left_out=[trial_name(trial) for trial, _ in chosen[len(shown) :]],
        hidden_videos=max(0, len(every) - MOST_VIDEOS),
    )


def timeline_tree(
    truth: GroundTruth, videos: Sequence[str], tracks: Sequence[Track], trials: Sequence[JsonObject]
) -> JsonObject:
    """``{classes, videos, ends, tracks, trials: [{name, title, tracks: {name: place in tracks}}]}``; ends: of each
    video in 1/100 s, where it is not known that of its last segment."""
    ends = [
        max([round(UNITS_PER_S * truth.durations.get(name, 0.0)), *(end for track in tracks for end in track[v][1::4])])
        for v, name in enumerate(videos)
    ]
    return {
        "classes": list(truth.classes),
        "videos": list(videos),
        "ends": ends,
        "tracks": list(tracks),
        "trials": list(trials),
    }


def _trials_in_order(study: Study) -> list[tuple[int, int]]:
    """Trials with a file of predictions and the iteration that it is of: those of the best configuration, then the
    others by their selection objective."""
    best = set(best_trials(study)["trial"])
    trials = study.trials[study.trials["best_iteration"].notna()]
    trials = trials.assign(first=~trials["trial"].isin(best))
    trials = trials.sort_values(["first", "objective", "trial"], ascending=[True, False, True])
    rows = zip(trials["trial"].tolist(), trials["best_iteration"].astype(int).tolist(), strict=True)
    return [(trial, eta) for trial, eta in rows if study.files.predictions_file(trial).is_file()]


def _test_videos(found: TrialPredictions) -> list[str]:
    """By name: those that are evaluated; where nothing is annotated, those with predictions."""
    truth = found.test.truth
    return sorted(truth.videos | {*truth.instances.video.tolist(), *found.chosen.video.tolist()})


def _track(name: str, segments: Segments, videos: Sequence[str]) -> Track:
    rows = _rows_by_video(segments)
    return [_video(name, segments[rows[video]]) if video in rows else [] for video in videos]


def _video(name: str, segments: Segments) -> list[int]:
    # Stable: of equal scores the first in the file, so that the same study gives the same page.
    top = segments[np.argsort(-segments.score, kind="stable")[:SHOWN]]
    spread = float(np.ptp(top.score))
    strength = (top.score - top.score.min()) / spread if spread else np.ones(len(top))
    label = np.full(len(top), -1) if name == LABELS else top.label
    columns = (UNITS_PER_S * top.start_s, UNITS_PER_S * top.end_s, label, 100 * strength)
    return np.rint(np.column_stack(columns)).astype(int).ravel().tolist()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _rows_by_video(segments: Segments) -> dict[str, npt.NDArray[np.int64]]:
    """Rows of each video's segments."""
    order = np.argsort(segments.video.astype(str), kind="stable")
    names, first = np.unique(segments.video[order].astype(str), return_index=True)
    return dict(zip(names.tolist(), np.split(order, first[1:]), strict=True)) if len(names) else {}
