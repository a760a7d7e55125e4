"""Thresholds of predictions, chosen after a training (``prediction.tune``): they cost none.

From one set of scores, mAP is measured for every pair (alpha_A, alpha_C) of a grid on the videos that choose, and the
best pair makes the predictions of all splits. Pseudo labels keep the thresholds of their own.
"""

from __future__ import annotations

import numpy as np

from trainables.config import RunConfig, SegmentConfig
from trainables.data import Dataset, Split
from trainables.evaluation import Floats, Subsets, maps_of_subsets
from trainables.labels import SnippetScores, ThresholdGrid, predict_pairs
from trainables.refinement.report import evaluated_part, in_videos_of
from trainables.report import Pair

STEPS = 10


def tuning_grid(config: SegmentConfig) -> ThresholdGrid:
    """Both thresholds in tenths, and the configuration's own.

    From 0, which switches a threshold off, to 0.9; alpha_A of ``drop_below``, a threshold on the background, is off
    at 1 and goes from there to 0.1.
    """
    tenths = [step / STEPS for step in range(STEPS)]
    upper = [step / STEPS for step in range(1, STEPS + 1)]
    attention = tenths if config.thresholding == "keep_above" else upper
    return ThresholdGrid(
        tuple(sorted({*attention, config.min_attention})), tuple(sorted({*tenths, config.min_class_score}))
    )


def pair_of(config: SegmentConfig) -> Pair:
    """The thresholds of a configuration."""
    return Pair(config.min_attention, config.min_class_score)


def pair_maps(
    config: RunConfig, data: Dataset, every: Split, scored: Split, scores: SnippetScores, grid: ThresholdGrid
) -> Floats | None:
    """Selection mAP of every pair of a grid on a split, (alpha_A, alpha_C), as ``mean_ap`` has it; None where the
    split has none. scored, every: as in ``split_report``."""
    split = evaluated_part(every)
    if split is None:
        return None
    found, rules = predict_pairs(scores, config.prediction, grid), config.evaluation
    segments, row, pair = found.runs.in_seconds(scored), found.row, found.pair
    if split is not every:
        inside = in_videos_of(split, segments)[row]
        row, pair = row[inside], pair[inside]
    maps = maps_of_subsets(
        split.ground_truth,
        segments,
        Subsets(row, pair, len(grid.pairs)),
        len(data.classes),
        tiou=rules.tiou,
        at=[min(rules.tiou, key=lambda one: abs(one - wanted)) for wanted in rules.selection_tiou],
        protocol=rules.protocol,
        ambiguous=split.ambiguous,
    )
    return maps.mean(axis=1).reshape(len(grid.min_attention), len(grid.min_class_score))


def best_pair(maps: Floats, grid: ThresholdGrid, configured: Pair) -> Pair:
    """The pair of the highest mAP. Of equal ones the configuration's own, else the one nearest to it (in the plane of
    both thresholds), else that of the lower alpha_A."""
    pairs = grid.pairs
    best = [pairs[number] for number in np.flatnonzero(maps == maps.max())]
    return min(best, key=lambda pair: _squared_distance(pair, configured))


def _squared_distance(one: Pair, other: Pair) -> float:
    # Rounded: 0.3 - 0.2 and 0.2 - 0.1 are equally far, and differ in their last bits.
    attention, class_score = one.min_attention - other.min_attention, one.min_class_score - other.min_class_score
    return round(attention**2 + class_score**2, 9)
