"""Does a model learn anything from this data with these settings? M0, trained briefly, against guessing."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from trainables.config import TUNE, RunConfig
from trainables.data import Dataset
from trainables.refinement.refine import refine

MOST_EPOCHS = 30
# Of the loss of an untrained model: a smaller fall is none.
LEAST_FALL = 0.1
# Percentage points above guessing the most frequent class.
LEAST_GAIN = 10.0


@dataclass(frozen=True)
class Learning:
    """What M0 reached. guess_loss: log C, of an untrained model. guessed: accuracy of always saying the most
    frequent class. train, held_out: accuracy of video labels; all accuracies in percent."""

    epochs: int
    learning_rate: float
    guess_loss: float
    loss: float
    guessed: float
    train: float
    held_out: float

    def problems(self) -> list[str]:
        """Sentences on what shows that it did not learn; empty where it did."""
        remedy = f"raise training.lr (now {self.learning_rate:g}) or training.epochs (now {self.epochs})"
        if self.loss > (1 - LEAST_FALL) * self.guess_loss:
            return [f"the video loss is {self.loss:.3g}, that of an untrained model {self.guess_loss:.3g}: {remedy}"]
        # Where the most frequent class has nearly all videos, guessing plus 10 points may lie above 100 %.
        if self.train < min(self.guessed + LEAST_GAIN, 95.0):
            return [
                f"{self.train:.0f} % of the training videos are classified, always saying the most frequent class "
                f"gives {self.guessed:.0f} %: {remedy}"
            ]
        if self.held_out < min(self.guessed + LEAST_GAIN, 95.0):
            return [
                f"{self.train:.0f} % of the training videos are classified, but only {self.held_out:.0f} % of those "
                "held out: there are too few videos, or features and labels are not of the same videos"
            ]
        return []

    def __str__(self) -> str:
        return (
            f"M0 after {self.epochs} epochs: video loss {self.loss:.3g} (untrained {self.guess_loss:.3g}); videos "
            f"classified: {self.train:.0f} % of those that trained, {self.held_out:.0f} % of those held out (guessing "
            f"{self.guessed:.0f} %)"
        )


def learning_check(config: RunConfig, data: Dataset) -> Learning:
    """Train M0 for up to MOST_EPOCHS epochs; needs no temporal annotation."""
    epochs = min(config.training.epochs, MOST_EPOCHS)
    short = config.updated(
        {
            "training.epochs": epochs,
            "training.choice": "last",
            "refinement.iterations": 1,
            "selection.rule": "video-labels",
            "selection.signal": "video_loss",
            TUNE: "none",
            "pseudo_labels.generator": "uniform_random",
            "pseudo_labels.foreground_share": 0.5,
        },
        "probe",
    )
    report = next(iter(refine(short, data))).report
    accuracy = {name: part.video_accuracy for name, part in report.splits.items()}
    train, held_out = (one.with_attention if one else None for one in (accuracy["train"], accuracy["held_out"]))
    first = Counter(video.labels[0] for video in data.train.videos if video.labels)
    return Learning(
        epochs,
        config.training.lr,
        math.log(len(data.classes)),
        report.train_loss.video if report.train_loss else math.nan,
        100 * max(first.values()) / sum(first.values()),
        train or 0.0,
        held_out or 0.0,
    )
