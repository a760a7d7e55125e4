"""Timelines of all test videos as data: the page draws the one that the reader chooses."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt

from analysis.results.predictions import TrialPredictions, best_predictions
from analysis.study import Study
from trainables.data import Segments
from trainables.json_types import JsonObject

MOST_VIDEOS = 400  # of more, the first by name; keeps the page small
SHOWN = 12  # predictions of one video, the best by score
TRUTH, LABELS = "ground truth", "pseudo labels"

Rows = dict[str, npt.NDArray[np.int64]]  # of each video's segments, in their table


def timeline_json(study: Study) -> str | None:
    """``{title, classes, videos: {name: {end, own, tracks: {track: [[start, end, class or -1, strength], ...]}}}}``.

    Safe inside of a script element. None where the folder lacks the files.
    """
    found = best_predictions(study)
    if found is None:
        return None
    names = sorted(set(found.test.truth.instances.video.tolist()) | set(found.chosen.video.tolist()))
    tracks = {TRUTH: found.test.truth.instances, **found.models}
    if found.labels is not None:
        tracks[LABELS] = found.labels
    by_video = {track: _rows_by_video(segments) for track, segments in tracks.items()}
    videos = {name: _video(name, tracks, by_video, found) for name in names[:MOST_VIDEOS]}
    tree = {
        "title": found.title,
        "classes": list(found.test.truth.classes),
        "videos": videos,
        "hidden": max(0, len(names) - MOST_VIDEOS),
    }
    # The text stands in a script element, which a name with </script> would end.
    return json.dumps(tree, ensure_ascii=True).replace("<", "\\u003c")


def _video(name: str, tracks: dict[str, Segments], by_video: dict[str, Rows], found: TrialPredictions) -> JsonObject:
    drawn = {}
    last = found.test.truth.durations.get(name, 0.0)
    for track, segments in tracks.items():
        rows = by_video[track].get(name)
        mine = segments[rows] if rows is not None else segments[:0]
        # Stable: of equal scores the first in the file, so that the same study gives the same page.
        top = mine[np.argsort(-mine.score, kind="stable")[:SHOWN]]
        spread = float(np.ptp(top.score)) if len(top) else 0.0
        strength = (top.score - top.score.min()) / spread if spread else np.ones(len(top))
        label = np.full(len(top), -1) if track == LABELS else top.label
        drawn[track] = [
            [round(float(start), 2), round(float(end), 2), int(c), round(float(s), 2)]
            for start, end, c, s in zip(top.start_s, top.end_s, label, strength, strict=True)
        ]
        last = max([last, *(segment[1] for segment in drawn[track])])
    return {"end": round(last, 2), "tracks": drawn}


def _rows_by_video(segments: Segments) -> Rows:
    """Rows of each video's segments."""
    order = np.argsort(segments.video.astype(str), kind="stable")
    names, first = np.unique(segments.video[order].astype(str), return_index=True)
    return dict(zip(names.tolist(), np.split(order, first[1:]), strict=True)) if len(names) else {}
