"""Signals that need no temporal annotation: what held-out videos' labels and the model's own outputs say of a model.

Each signal is one number for one model, higher is better, None where it does not exist. All of them are recorded in
every iteration's report; the rule ``video-labels`` compares iterations and configurations by one of them
(``selection.signal``). docs/choosing.md has the measurements behind the default.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trainables.data import Segments, Split
from trainables.labels import Mask, SnippetScores


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the signals may look at: one trained model on the V videos that choose, N snippets in all.

    split: these videos; only their names, labels and times are read. predictions: the model's segments. video_loss:
    their mean video loss. labels: pseudo labels that trained it (N,); None at iteration 0.
    """

    split: Split
    scores: SnippetScores
    predictions: Segments
    video_loss: float
    labels: Mask | None


Signal = Callable[[Evidence], float | None]
SIGNALS: dict[str, Signal] = {}


def register(signal: Signal) -> Signal:
    """Add a signal under its function's name."""
    name = signal.__name__
    if name in SIGNALS:
        raise ValueError(f"signal {name} is registered twice")
    SIGNALS[name] = signal
    return signal


def signals(evidence: Evidence) -> dict[str, float | None]:
    """All of them by name; None too where a number is not finite."""
    found = {name: signal(evidence) for name, signal in SIGNALS.items()}
    return {name: value if value is not None and np.isfinite(value) else None for name, value in found.items()}


@register
def video_loss(evidence: Evidence) -> float | None:
    """Minus the mean video loss of the videos that choose; None for M0 (but see ``report.signal_value``).

    M0 descends nothing else, so that its video loss is low whatever its segments are worth: compared by it, M0 would
    be chosen before refined models that localize far better (docs/choosing.md).
    """
    return None if evidence.labels is None else -evidence.video_loss


@register
def video_map(evidence: Evidence) -> float | None:
    """Mean over classes of the average precision with which video scores rank the videos; percent."""
    shows_VC = _shows(evidence)
    ranked = [
        _average_precision(shows_VC[:, label], evidence.scores.video_score[:, label])
        for label in np.flatnonzero(shows_VC.any(axis=0))
    ]
    return 100 * float(np.mean(ranked)) if ranked else None


@register
def contrast(evidence: Evidence) -> float | None:
    """How much higher the probability of a video's own classes is inside its predicted segments than outside.

    Mean over the videos' own classes, percent; a class that is predicted nowhere, or everywhere, contrasts by 0.
    After the outer-inner contrast of AutoLoc (Shou et al., ECCV 2018), over all of the video outside.
    """
    split, probability_NC, shows_VC = evidence.split, evidence.scores.class_probability, _shows(evidence)
    found = []
    for label in np.flatnonzero(shows_VC.any(axis=0)):
        inside_N = split.truth_of(evidence.predictions[evidence.predictions.label == label])
        for v in np.flatnonzero(shows_VC[:, label]):
            rows = slice(split.offsets[v], split.offsets[v + 1])
            inside, values = inside_N[rows], probability_NC[rows, label]
            has_both = inside.any() and not inside.all()
            found.append(float(values[inside].mean() - values[~inside].mean()) if has_both else 0.0)
    return 100 * float(np.mean(found)) if found else None


@register
def label_agreement(evidence: Evidence) -> float | None:
    """Overlap of the snippets in predicted segments with the pseudo foreground that trained the model, percent.

    Intersection over union over all snippets: how stable the labels are from one iteration to the next. None at
    iteration 0, which no labels train.
    """
    if evidence.labels is None:
        return None
    predicted = evidence.split.truth_of(_of_own_classes(evidence))
    union = np.count_nonzero(predicted | evidence.labels)
    return 100 * np.count_nonzero(predicted & evidence.labels) / union if union else None


@register
def attention_focus(evidence: Evidence) -> float | None:
    """1 - entropy of the temporal attention / log T, mean over videos, percent: 0 where it is the same everywhere."""
    scores, lengths = evidence.scores, evidence.split.lengths
    weight_N = scores.temporal_weight.astype(np.float64)
    # A weight of 0 adds nothing: 0 times the log of the smallest float is 0, where 0 log 0 would be NaN.
    terms_N = weight_N * np.log(np.maximum(weight_N, np.finfo(np.float64).tiny))
    entropy_V = -np.bincount(scores.video_of_snippet, terms_N, minlength=len(lengths))
    long = lengths > 1
    return 100 * float(np.mean(1 - entropy_V[long] / np.log(lengths[long]))) if long.any() else None


def _shows(evidence: Evidence) -> Mask:
    """Whether each video shows each class, (V, C)."""
    shows = np.zeros(evidence.scores.video_score.shape, dtype=bool)
    for v, video in enumerate(evidence.split.videos):
        shows[v, list(video.labels)] = True
    return shows


def _of_own_classes(evidence: Evidence) -> Segments:
    """Predicted segments of the classes that their video shows."""
    labels = {video.name: video.labels for video in evidence.split.videos}
    predictions = evidence.predictions
    own = [label in labels[name] for name, label in zip(predictions.video, predictions.label, strict=True)]
    return predictions[np.array(own, dtype=bool)]


def _average_precision(shows_V: Mask, score_V: np.ndarray) -> float:
    """Mean over the videos that show the class of the precision at their rank; ties in the order of the videos."""
    hits = shows_V[np.argsort(-score_V, kind="stable")]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean())
