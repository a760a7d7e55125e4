"""Prediction files of a study's folder, and the videos and classes that they can be compared on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.diagnosis.detad import rank_predictions
from analysis.results.comparisons import best_trials
from analysis.study import Study
from trainables.data import GroundTruth, Segments, read_ground_truth, read_predictions
from trainables.evaluation import evaluate

GROUND_TRUTH_FILE = "ground_truth.csv"
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TrialPredictions:
    """Test predictions of one trial. base: of its M0, labels: pseudo labels that trained the chosen iteration (one
    class), both None where the folder does not hold them."""

    trial: int
    iteration: int
    truth: GroundTruth
    chosen: Segments
    base: Segments | None
    labels: Segments | None


class Curve(NamedTuple):
    """Precision over recall of one class, in the order of falling score; and its AP in percent."""

    label: int
    recall: Floats
    precision: Floats
    ap: float


def best_predictions(study: Study) -> TrialPredictions | None:
    """Of the best configuration's trial with the best selection objective (ties: the earlier one).

    None when the folder lacks the ground truth or the predictions.
    """
    trials = best_trials(study)
    truth_file = study.folder / GROUND_TRUTH_FILE
    if trials.empty or not truth_file.is_file():
        return None
    trial = trials.sort_values(["objective", "trial"], ascending=[False, True]).iloc[0]
    folder, name = study.folder / "predictions", f"t{int(trial['trial']):04d}"
    if not (folder / f"{name}.csv").is_file():
        return None
    truth = read_ground_truth(truth_file, classes=study.setting("dataset", "classes")).with_length()
    base, labels = folder / f"{name}.m0.csv", folder / f"{name}.labels.csv"
    return TrialPredictions(
        trial=int(trial["trial"]),
        iteration=int(trial["best_iteration"]),
        truth=truth,
        chosen=read_predictions(folder / f"{name}.csv", truth.classes),
        base=read_predictions(base, truth.classes) if base.is_file() else None,
        labels=read_predictions(labels, ["foreground"]) if labels.is_file() else None,
    )


def precision_recall(truth: GroundTruth, predictions: Segments, tiou: float) -> list[Curve]:
    """A curve for each class that has instances, by class id."""
    ranked = rank_predictions(truth.instances, predictions, len(truth.classes), np.array([tiou]))
    ap = evaluate(truth.instances, predictions, len(truth.classes), [tiou]).class_ap[:, 0]
    curves = []
    for label in np.flatnonzero(ranked.instances):
        hit = np.cumsum(ranked.matched[ranked.segments.label == label, 0] >= 0)
        places = np.arange(1, len(hit) + 1)
        curves.append(Curve(int(label), hit / ranked.instances[label], hit / places, float(ap[label])))
    return curves


def video_map(truth: GroundTruth, predictions: Segments, tiou: Floats) -> dict[str, float]:
    """mAP of each video alone, percent, mean over thresholds and over the classes that occur in it."""
    found = {}
    for name in sorted(set(truth.instances.video.tolist())):
        inside = truth.instances[truth.instances.video == name]
        mine = predictions[predictions.video == name]
        found[name] = evaluate(inside, mine, len(truth.classes), tiou).average_map
    return found


def telling_videos(found: TrialPredictions, tiou: Floats) -> list[tuple[str, str, float]]:
    """The most, median and least improved video: (role, name, points of video mAP); ties: by name.

    Without the base model's predictions, by the video mAP of the chosen iteration itself.
    """
    after = video_map(found.truth, found.chosen, tiou)
    before = video_map(found.truth, found.base, tiou) if found.base is not None else dict.fromkeys(after, 0.0)
    change = sorted((after[name] - before[name], name) for name in after)
    places = {"best": len(change) - 1, "median": len(change) // 2, "worst": 0}
    roles = {change[place][1]: (role, *change[place][::-1]) for role, place in places.items()}
    return list(roles.values())
