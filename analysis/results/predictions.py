"""Prediction files of a study's folder under the study's evaluation protocol: curves, and the videos that changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analysis.results.refinement import best_trials
from analysis.study import Study
from analysis.text import evaluation_text
from study.ledger import trial_name
from trainables.data import GroundTruth, Segments, read_ground_truth, read_intervals, read_predictions
from trainables.errors import UserError, nearest
from trainables.evaluation import PROTOCOLS, Ranking, evaluate

Floats = npt.NDArray[np.float64]
TRUTH, LABELS = "ground truth", "pseudo labels"  # tracks of a timeline


@dataclass(frozen=True, eq=False)
class EvaluatedSplit:
    """What predictions are held against: the ground truth and how it is evaluated.

    ambiguous: intervals that some protocols ignore; None where the folder does not tell them.
    """

    truth: GroundTruth
    protocol: str
    ambiguous: Segments | None

    @property
    def is_annotated(self) -> bool:
        """Whether there is anything to find."""
        return bool(np.any(self.truth.instances.start_s < self.truth.instances.end_s))

    @property
    def num_classes(self) -> int:
        return len(self.truth.classes)

    @property
    def lacks_ambiguous(self) -> bool:
        """Whether the protocol wants intervals that the folder does not have."""
        return self.ambiguous is None and PROTOCOLS[self.protocol].ignores_ambiguous

    def rankings(self, predictions: Segments, tiou: Floats) -> tuple[Segments, list[Ranking]]:
        """Instances that count, and the ranked detections with their hits at each threshold."""
        rules, ambiguous = PROTOCOLS[self.protocol], self.ambiguous or Segments.empty()
        truth, kept = rules.prepare(self.truth.instances, predictions, ambiguous)
        return truth, list(rules.rankings(truth, kept, ambiguous, self.num_classes, tiou))

    def mean_ap(self, predictions: Segments, tiou: Floats) -> float:
        """mAP in percent, mean over thresholds."""
        return self._evaluate(self.truth.instances, predictions, tiou)[0]

    def class_ap(self, predictions: Segments, tiou: Floats) -> Floats:
        """AP in percent, (classes, thresholds); NaN for a class without instances."""
        return self._evaluate(self.truth.instances, predictions, tiou)[1]

    def video_map(self, predictions: Segments, tiou: Floats) -> dict[str, float]:
        """mAP of each video alone, percent, mean over thresholds and over the classes that occur in it."""
        instances, found = self.truth.instances, {}
        for name in sorted(set(instances.video[instances.start_s < instances.end_s].tolist())):
            inside, mine = instances[instances.video == name], predictions[predictions.video == name]
            found[name] = self._evaluate(inside, mine, tiou)[0]
        return found

    def _evaluate(self, instances: Segments, predictions: Segments, tiou: Floats) -> tuple[float, Floats]:
        found = evaluate(
            instances, predictions, self.num_classes, tiou, protocol=self.protocol, ambiguous=self.ambiguous
        )
        return found.average_map, found.class_ap


@dataclass(frozen=True, eq=False)
class TrialPredictions:
    """Test predictions of one trial. base: of its M0, labels: pseudo labels that trained the chosen iteration (one
    class), both None where the folder does not hold them."""

    trial: int
    iteration: int
    test: EvaluatedSplit
    chosen: Segments
    base: Segments | None
    labels: Segments | None

    @property
    def title(self) -> str:
        """``trial t0007, η = 3``."""
        return f"trial {trial_name(self.trial)}, η = {self.iteration}"

    @property
    def models(self) -> dict[str, Segments]:
        """M0 and the chosen iteration, those that there are."""
        base = {} if self.base is None else {"M0": self.base}
        return {**base, f"η = {self.iteration}": self.chosen}

    @property
    def tracks(self) -> dict[str, Segments]:
        """Of a timeline, from top to bottom, the chosen iteration once where it is M0. Predictions of a class that the
        data set lacks are left out."""
        tracks = {TRUTH: self.test.truth.instances}
        if self.base is not None:
            tracks["M0"] = self.base[self.base.label >= 0]
        if self.labels is not None:
            tracks[LABELS] = self.labels
        if self.iteration > 0 or self.base is None:
            tracks[f"η = {self.iteration}"] = self.chosen[self.chosen.label >= 0]
        return tracks


class Curve(NamedTuple):
    """Precision over recall of one class, in the order of falling score; and its AP in percent."""

    label: int
    recall: Floats
    precision: Floats
    ap: float


class TellingVideo(NamedTuple):
    """A video, why it is shown (best, median, worst), and how its own mAP changed, percentage points."""

    role: str
    name: str
    change: float


def read_test_split(study: Study) -> EvaluatedSplit | None:
    """None when the folder does not tell the test split; a split without temporal annotations has no instances."""
    files, settings = study.files, study.settings
    if not files.ground_truth_file.is_file():
        return None
    truth = read_ground_truth(files.ground_truth_file, classes=settings.classes)
    ambiguous = read_intervals(files.ambiguous_file) if files.ambiguous_file.is_file() else None
    protocol = settings.evaluation_protocol
    if protocol not in PROTOCOLS:
        raise UserError(
            f"{files.study_file}: evaluation.protocol '{protocol}' is not known here, so its predictions cannot be "
            f"evaluated. {nearest(protocol, PROTOCOLS)}"
        )
    return EvaluatedSplit(truth, protocol, ambiguous)


def best_predictions(study: Study) -> TrialPredictions | None:
    """Of the best configuration's trial with the best selection objective (ties: the earlier one).

    None when the folder lacks the ground truth or the predictions.
    """
    trials = best_trials(study)
    if trials.empty:
        return None
    best = trials.sort_values(["objective", "trial"], ascending=[False, True]).iloc[0]
    return trial_predictions(study, int(best["trial"]), int(best["best_iteration"]))


def trial_predictions(
    study: Study, trial: int, iteration: int, test: EvaluatedSplit | None = None
) -> TrialPredictions | None:
    """Predictions of one trial; None when the folder lacks the ground truth or the predictions. test: of
    ``read_test_split``, which is read here otherwise."""
    test, path = test or read_test_split(study), study.files.predictions_file(trial)
    if test is None or not path.is_file():
        return None
    base, labels = (path.with_suffix(suffix) for suffix in (".m0.csv", ".labels.csv"))
    classes = test.truth.classes
    return TrialPredictions(
        trial=trial,
        iteration=iteration,
        test=test,
        chosen=read_predictions(path, classes),
        base=read_predictions(base, classes) if base.is_file() else None,
        labels=read_predictions(labels, ["foreground"]) if labels.is_file() else None,
    )


def evaluation_note(study: Study, test: EvaluatedSplit) -> str:
    """How the numbers of prediction files are made, and what the folder lacks for it."""
    note = evaluation_text(study)
    if test.lacks_ambiguous:
        note += (
            "; the study was started with an older version and its folder does not hold the ambiguous intervals, so "
            "detections there count as false positives"
        )
    return note


def precision_recall(test: EvaluatedSplit, predictions: Segments, tiou: float) -> list[Curve]:
    """A curve for each class that has instances, by class id."""
    thresholds = np.array([tiou])
    truth, (ranking,) = test.rankings(predictions, thresholds)
    instances = np.bincount(truth.label, minlength=test.num_classes)
    ap = test.class_ap(predictions, thresholds)[:, 0]
    curves = []
    for label in np.flatnonzero(instances):
        hit = np.cumsum(ranking.hit[ranking.segments.label == label])
        places = np.arange(1, len(hit) + 1)
        curves.append(Curve(int(label), hit / instances[label], hit / places, float(ap[label])))
    return curves


def telling_videos(found: TrialPredictions, tiou: Floats) -> list[TellingVideo]:
    """The most, median and least improved video; ties: by name.

    Without the base model's predictions, by the video mAP of the chosen iteration itself.
    """
    after = found.test.video_map(found.chosen, tiou)
    before = found.test.video_map(found.base, tiou) if found.base is not None else dict.fromkeys(after, 0.0)
    change = sorted((after[name] - before[name], name) for name in after)
    places = {"best": len(change) - 1, "median": len(change) // 2, "worst": 0}
    roles = {change[place][1]: TellingVideo(role, *change[place][::-1]) for role, place in places.items()}
    return list(roles.values())
