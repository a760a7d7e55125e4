"""Pseudo labels from the previous model's scores (paper, section 3.2; refineloc.md, section 4).

A generator labels all N snippets of a split at once. ``form: released`` runs the segment machinery of
``prediction.py`` with its own thresholds; ``form: paper`` thresholds single snippets, as the text says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from trainables.config import ConfigError, PseudoLabelConfig, SegmentConfig, nearest
from trainables.datasets.contract import Split
from trainables.prediction import SnippetRuns, group, predict_runs
from trainables.scores import SnippetScores

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int8]

HIDDEN, BACKGROUND, FOREGROUND = -1, 0, 1


class PseudoLabelGenerator(Protocol):
    """The contract of all generators."""

    def __call__(
        self, scores: SnippetScores, split: Split, config: PseudoLabelConfig, rng: np.random.Generator
    ) -> Mask:
        """Whether each of the N snippets is foreground, shape (N,)."""
        ...


GENERATORS: dict[str, PseudoLabelGenerator] = {}


def register(generator: PseudoLabelGenerator) -> PseudoLabelGenerator:
    """Add a generator under its function's name."""
    name = generator.__name__  # type: ignore[attr-defined]
    if name in GENERATORS:
        raise ValueError(f"generator {name} is registered twice")
    GENERATORS[name] = generator
    return generator


def generator_named(name: str) -> PseudoLabelGenerator:
    """The registered generator, or ConfigError with the nearest known name."""
    if name not in GENERATORS:
        raise ConfigError(f"pseudo_labels.generator: no generator '{name}'. {nearest(name, GENERATORS)}")
    return GENERATORS[name]


@register
def uniform_random(scores: SnippetScores, split: Split, config: PseudoLabelConfig, rng: np.random.Generator) -> Mask:
    """Control: each snippet is foreground with probability 1/2, whatever the model says."""
    return rng.random(split.num_snippets) < 0.5


@register
def distribution_aware(
    scores: SnippetScores, split: Split, config: PseudoLabelConfig, rng: np.random.Generator
) -> Mask:
    """Control: foreground with a fixed probability; released code: 0.6 for every data set (D18)."""
    share = config.foreground_share
    if share == "annotated":
        raise ConfigError(
            "pseudo_labels.foreground_share: 'annotated' must be resolved to the training split's share first"
        )
    return rng.random(split.num_snippets) < share


@register
def class_activation(scores: SnippetScores, split: Split, config: PseudoLabelConfig, rng: np.random.Generator) -> Mask:
    """Class scores alone. Paper: max over classes > alpha_C. Released: segments with alpha_A = 0 (D17)."""
    if config.form == "paper":
        return scores.class_probability.max(axis=1) > config.segments.min_class_score
    return _segment_foreground(scores, split, config, "class_activation")


@register
def attention(scores: SnippetScores, split: Split, config: PseudoLabelConfig, rng: np.random.Generator) -> Mask:
    """Attention alone. Paper: temporal attention thresholded. Released: segments with alpha_C = 0 (D16).

    The temporal attention sums to one over a video, so no fixed threshold on it suits videos of different
    lengths; in the paper form it is divided by its maximum in the video before it is compared with alpha_A.
    """
    if config.form == "paper":
        weight = scores.temporal_weight
        peak = np.zeros(len(split), dtype=weight.dtype)
        np.maximum.at(peak, scores.video_of_snippet, weight)
        return weight > config.segments.min_attention * peak[scores.video_of_snippet]
    return _segment_foreground(scores, split, config, "attention")


@register
def segment_prediction(
    scores: SnippetScores, split: Split, config: PseudoLabelConfig, rng: np.random.Generator
) -> Mask:
    """Snippets covered by a predicted segment of any of the top-k classes (both forms; D19)."""
    return _segment_foreground(scores, split, config, "segment_prediction")


@register
def oracle(scores: SnippetScores, split: Split, config: PseudoLabelConfig, rng: np.random.Generator) -> Mask:
    """Upper bound from the annotations, never a result: instances of the video's first class.

    Released: their snippets, dilated and inflated like a prediction. Paper form (the paper has no oracle): the
    snippets as annotated, of all classes.
    """
    if config.form == "paper":
        return split.snippet_truth
    first_class = {video.name: video.labels[0] for video in split.videos if video.labels}
    instances = split.ground_truth
    kept = np.array(
        [first_class.get(name) == label for name, label in zip(instances.video, instances.label, strict=True)],
        dtype=bool,
    )
    truth = split.truth_of(instances[kept])
    starts, ends = split.offsets[:-1], split.offsets[1:]
    grown = group(truth, starts, ends, config.segments.dilation, config.segments.bridge)
    return group(grown, starts, ends, config.segments.inflation, 0)


# Thresholds that the generators made of segments change; 0 switches a condition off, as probabilities exceed it.
SEGMENT_THRESHOLDS: dict[str, dict[str, float]] = {
    "segment_prediction": {},
    "class_activation": {"min_attention": 0.0},
    "attention": {"min_class_score": 0.0},
}


def _segment_foreground(scores: SnippetScores, split: Split, config: PseudoLabelConfig, generator: str) -> Mask:
    runs = _label_runs(scores, split, config, generator)
    return split.mark(runs.video, runs.first, runs.end)


def _label_runs(scores: SnippetScores, split: Split, config: PseudoLabelConfig, generator: str) -> SnippetRuns:
    """The segments that a generator marks, in snippets."""
    settings = SegmentConfig(**{**config.segments.model_dump(), **SEGMENT_THRESHOLDS[generator]})
    runs = predict_runs(scores, settings)
    runs = replace(runs, end=runs.end + (1 if config.end_snippet == "included" else 0))
    if not config.restrict_to_video_labels:
        return runs
    own = np.array([label in split.videos[v].labels for v, label in zip(runs.video, runs.label, strict=True)], bool)
    return SnippetRuns(*(getattr(runs, column.name)[own] for column in fields(runs)))


def foreground_by_class(
    scores: SnippetScores, split: Split, config: PseudoLabelConfig, rng: np.random.Generator
) -> Mask:
    """Whether each snippet is foreground of each class, (N, C): covered by a segment of that class.

    Generators that do not mark segments know no classes: theirs is the same for every class.
    """
    classes = scores.num_classes
    if config.generator not in SEGMENT_THRESHOLDS or (
        config.form == "paper" and config.generator != "segment_prediction"
    ):
        return np.repeat(generator_named(config.generator)(scores, split, config, rng)[:, None], classes, axis=1)
    runs = _label_runs(scores, split, config, config.generator)
    masks = np.zeros((split.num_snippets, classes), dtype=bool)
    for label in np.unique(runs.label):
        of_class = runs.label == label
        masks[:, label] = split.mark(runs.video[of_class], runs.first[of_class], runs.end[of_class])
    return masks


def union(masks: Sequence[Mask]) -> Mask:
    """Foreground in any of the masks: labels from the last m iterations (released code; D29)."""
    return np.logical_or.reduce(masks)


def of_any_class(foreground: Mask) -> Mask:
    """Foreground of any class, (N,), of a mask (N,) or (N, C)."""
    mask: Mask = np.logical_or.reduce(foreground.reshape(len(foreground), -1), axis=1)
    return mask


def sample(foreground: Mask, split: Split, share: float, rng: np.random.Generator) -> Labels:
    """Labels of which a random ``share`` S per video is used, the others HIDDEN; int8, shape of ``foreground``.

    foreground: (N,), or (N, C) where each class has labels of its own: the same snippets are hidden for all.

    int(T (1 - S)) distinct snippets of each video are hidden, as released (paper: "80%"; D12).
    """
    lengths = split.lengths
    # 1 - 0.8 is 0.19999..., of which int(10 *) would hide one snippet too few.
    hidden_V = np.floor(lengths * (1 - share) + 1e-9).astype(np.int64)
    # One key per snippet, the video's number and a random fraction: half the time of sorting by two keys.
    order = np.argsort(split.video_of_snippet + rng.random(split.num_snippets))
    rank = np.arange(split.num_snippets) - np.repeat(split.offsets[:-1], lengths)
    labels = np.where(foreground, FOREGROUND, BACKGROUND).astype(np.int8)
    labels[order[rank < np.repeat(hidden_V, lengths)]] = HIDDEN
    return labels


def background_share(foreground: Mask) -> float:
    """phi: share of pseudo background over a split, before sampling (refineloc.md, section 2)."""
    return float(1 - foreground.mean()) if foreground.size else 0.0


@dataclass(frozen=True)
class LabelQuality:
    """Pseudo labels against annotated snippets, before sampling; shares in percent, None where undefined."""

    foreground: int
    background: int
    true_foreground: int
    true_background: int
    foreground_precision: float | None
    foreground_recall: float | None
    background_precision: float | None
    background_recall: float | None
    background_share: float

    def as_dict(self) -> dict[str, float | int | None]:
        return asdict(self)


def label_quality(foreground: Mask, truth: Mask) -> LabelQuality:
    """Counts, precision and recall of both classes (refineloc.md, section 8)."""
    true_foreground = int((foreground & truth).sum())
    true_background = int((~foreground & ~truth).sum())
    pseudo, real = int(foreground.sum()), int(truth.sum())
    total = len(truth)
    return LabelQuality(
        foreground=pseudo,
        background=total - pseudo,
        true_foreground=true_foreground,
        true_background=true_background,
        foreground_precision=_percent(true_foreground, pseudo),
        foreground_recall=_percent(true_foreground, real),
        background_precision=_percent(true_background, total - pseudo),
        background_recall=_percent(true_background, total - real),
        background_share=100 * background_share(foreground),
    )


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
