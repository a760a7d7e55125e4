"""Detections of a file, matched with the ground truth that they are measured against, and what must be said of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from trainables.counts import count_text
from trainables.data import GroundTruth, Predictions, Segments, find_name, read_prediction_file
from trainables.errors import UserError

SHOWN, LONGEST = 3, 200  # names in a message, and characters of one


@dataclass(frozen=True)
class InputCounts:
    """What does not count as one might expect. unmatched_predictions: of videos that are not evaluated."""

    unmatched_predictions: int
    unmatched_videos: int
    reversed_predictions: int
    reversed_instances: int

    def to_json(self) -> dict[str, int]:
        """Plain values."""
        return dict(vars(self))


@dataclass(frozen=True, eq=False)
class Detections:
    """segments: with the ground truth's spelling of videos. warnings: sentences, without the file's name."""

    segments: Segments
    counts: InputCounts
    warnings: tuple[str, ...]


def read_detections(path: Path, truth: GroundTruth, protocol: str | None = None) -> Detections:
    """Read predictions and match their videos and labels with ``truth``.

    protocol: of the evaluation; None for a diagnosis. Raises UserError where no video at all is evaluated, or two
    spellings stand for one video.
    """
    found = read_prediction_file(path, truth.classes, truth.numbers)
    segments, unmatched = _matched(path, found.segments, truth)
    counts = InputCounts(sum(unmatched.values()), len(unmatched), found.reversed, truth.reversed)
    if len(segments) and counts.unmatched_predictions == len(segments):
        raise UserError(
            f"{path}: none of its {count_text(len(unmatched), 'video')} ({_some(list(unmatched))}) is among the "
            f"{len(truth.videos)} of the ground truth ({_some(sorted(truth.videos))}); give the ground truth of these "
            "videos, or --subset"
        )
    return Detections(segments, counts, tuple(_warnings(found, unmatched, counts, truth, protocol)))


def truth_warnings(truth: GroundTruth) -> list[str]:
    """What must be said of the ground truth, whatever it is compared with; without the file's name."""
    warnings = []
    if truth.reversed:
        warnings.append(f"{truth.reversed} instances end before they start and are left out, as officially")
    if truth.label_only:
        warnings.append(
            f"{count_text(truth.label_only, 'video')} of {len(truth.videos)} have labels without segments: nothing "
            "says when, and whatever is detected there counts as false"
        )
    return warnings


def _matched(path: Path, segments: Segments, truth: GroundTruth) -> tuple[Segments, dict[str, int]]:
    """The segments with known spellings, and how many lie in each video that is not evaluated."""
    known = truth.videos | set(truth.ambiguous.video.tolist())
    counts = Counter(segments.video.tolist())
    spelling: dict[str, str] = {}
    first: dict[str, str] = {}
    for name in counts:
        match = find_name(name, known)
        if match is not None:
            if first.setdefault(match, name) != name:
                raise UserError(f"{path}: {first[match]!r} and {name!r} are one video of the ground truth; keep one")
            spelling[name] = match
    unmatched = {name: count for name, count in counts.items() if name not in spelling}
    videos = np.array([spelling.get(name, name) for name in segments.video.tolist()], dtype=object)
    return replace(segments, video=videos), unmatched


def _warnings(
    found: Predictions, unmatched: dict[str, int], counts: InputCounts, truth: GroundTruth, protocol: str | None
) -> list[str]:
    warnings = []
    total = len(found.segments)
    if unmatched:
        effect = "are not counted" if protocol == "wtalc" else "count as false positives"
        warnings.append(
            f"{counts.unmatched_predictions} of {total} predictions are of {count_text(len(unmatched), 'video')} not "
            f"evaluated ({_some(list(unmatched))}) and {effect}"
        )
    ignored = _without_instances(found, truth)
    if ignored:
        warnings.append(
            f"{sum(ignored.values())} of {total} predictions have a class without instances ({_some(list(ignored))}) "
            f"and are ignored; the ground truth has {_some(_classes_with_instances(truth))}"
        )
    if counts.reversed_predictions:
        warnings.append(f"{counts.reversed_predictions} of {total} predictions end before they start: false positives")
    return warnings


def _classes_with_instances(truth: GroundTruth) -> list[str]:
    return [truth.classes[label] for label in np.unique(truth.instances.label).tolist()]


def _without_instances(found: Predictions, truth: GroundTruth) -> Counter[str]:
    """Labels that are no class, and classes that no instance has, with their predictions."""
    known = set(_classes_with_instances(truth))
    labels = found.segments.label
    names = Counter(truth.classes[label] for label in labels[labels >= 0].tolist())
    return Counter(found.unknown_labels) + Counter({name: n for name, n in names.items() if name not in known})


def _some(names: Sequence[str]) -> str:
    return ", ".join(name[:LONGEST] for name in names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
