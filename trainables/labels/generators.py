"""Pseudo labels from the previous model's scores (paper, section 3.2; refineloc.md, section 4).

A generator labels all N snippets of a split at once. ``form: released`` runs the segment machinery of
``prediction.py`` with its own thresholds; ``form: paper`` thresholds single snippets, as the text says.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Protocol

import numpy as np

from trainables.config import PseudoLabelConfig, SegmentConfig
from trainables.data import Split
from trainables.errors import UserError, nearest
from trainables.labels.prediction import SnippetRuns, group, predict_runs
from trainables.labels.sampling import Mask
from trainables.labels.scores import SnippetScores


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
    """The registered generator, or UserError with the nearest known name."""
    if name not in GENERATORS:
        raise UserError(f"pseudo_labels.generator: no generator '{name}'. {nearest(name, GENERATORS)}")
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
        raise UserError(
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
    # The released code marks the snippet at the exclusive end too (D19).
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
