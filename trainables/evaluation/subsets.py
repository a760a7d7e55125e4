"""mAP of many subsets of one table of predictions: each number as ``evaluate`` gives for the subset alone, to the last
bit, but predictions are sorted once, and their overlaps with instances are computed once.

What is left for each subset is which of its predictions takes which instance, and their ranks. All subsets are done at
once: a prediction counts as one of its own in each subset (an *entry*), and so does an instance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from trainables.data import Segments, intersection_over_hull
from trainables.evaluation.matching import Candidates, Floats, Ints, candidate_pairs, match, ranges
from trainables.evaluation.protocols import (
    PROTOCOLS,
    EvaluationProtocol,
    best_first_of_instances,
    by_video_among_equals,
    candidate_rows,
    ranked_rows,
    rows_in_file_order,
    taken,
    touches,
)


class Subsets(NamedTuple):
    """row, subset: which of ``number`` subsets has which rows of a table, (U,), in any order, no pair twice."""

    row: Ints
    subset: Ints
    number: int


class _Hits(NamedTuple):
    """entry: those that take an instance, ascending, (H,). rank: 1-based place of each among its subset's predictions
    of the class."""

    entry: Ints
    rank: Ints


@dataclass(frozen=True, eq=False)
class _Entries:
    """Predictions of all subsets, by subset, class, then best first. place: in the ranking of all predictions, (U,).
    group: subset * num_classes + class, ascending, (U,). first: entry of each group, (subsets * num_classes,)."""

    subset: Ints
    place: Ints
    group: Ints
    first: Ints

    @classmethod
    def of(cls, subsets: Subsets, place_of_row: Ints, label: Ints, num_classes: int) -> _Entries:
        place = place_of_row[subsets.row]
        counts = place >= 0
        bits = len(label).bit_length()
        # One number for each entry, so that a sort of numbers orders all.
        order = np.sort((subsets.subset[counts] << bits) | place[counts])
        subset, place = order >> bits, order & ((1 << bits) - 1)
        group = subset * num_classes + label[place]
        return cls(subset, place, group, np.searchsorted(group, np.arange(subsets.number * num_classes)))

    def with_candidates(self, pairs: Candidates, places: int) -> tuple[Ints, Ints]:
        """Every entry with every candidate of its prediction: entries, ascending, and rows of ``pairs``."""
        count = np.bincount(pairs.prediction, minlength=places)
        first = np.cumsum(count) - count
        entry = np.flatnonzero(count[self.place])
        place = self.place[entry]
        return np.repeat(entry, count[place]), ranges(first[place], count[place])


def maps_of_subsets(
    ground_truth: Segments,
    predictions: Segments,
    subsets: Subsets,
    num_classes: int,
    tiou: Sequence[float] | Floats,
    at: Sequence[float] | Floats,
    protocol: str = "activitynet",
    ambiguous: Segments | None = None,
) -> Floats:
    """mAP of every subset at some thresholds in percent, (number of subsets, len(at)).

    tiou: all thresholds of the evaluation; one threshold alone rounds otherwise than several. Raises ValueError when
    no instance is left to find.
    """
    rules = PROTOCOLS[protocol]
    ambiguous = Segments.empty() if ambiguous is None else ambiguous
    truth, ranked, place_of_row = _ranked(rules, ground_truth, predictions, ambiguous, num_classes)
    entries = _Entries.of(subsets, place_of_row, ranked.label, num_classes)

    # As the ordinary evaluation adds: over the classes of a table of thresholds, and over the hits of such a table, but
    # of one threshold at a time where its hits are found so.
    mean_sums = _in_order if len(tiou) > 1 else _pairwise
    area_sums = _pairwise if rules.instances_choose else mean_sums
    instances = np.bincount(truth.label, minlength=num_classes)
    evaluated = np.flatnonzero(instances)
    groups, owner = subsets.number * num_classes, np.repeat(np.arange(subsets.number), len(evaluated))
    maps = np.empty((subsets.number, len(at)))
    find = _instances_choose if rules.instances_choose else _predictions_choose
    for k, hits in enumerate(find(rules, truth, ranked, ambiguous, entries, np.asarray(at, np.float64))):
        group = entries.group[hits.entry]
        area = area_sums(_terms(hits.rank, group, rules.interpolated), group, groups).reshape(-1, num_classes)
        class_ap = 100 * (area[:, evaluated] / instances[evaluated])
        maps[:, k] = mean_sums(class_ap.reshape(-1), owner, subsets.number) / len(evaluated)
    if rules.needs_every_class:
        present = np.bincount(entries.group, minlength=groups).reshape(-1, num_classes) > 0
        maps[~present[:, evaluated].all(axis=1)] = 0.0
    return maps


def _ranked(
    rules: EvaluationProtocol, ground_truth: Segments, predictions: Segments, ambiguous: Segments, num_classes: int
) -> tuple[Segments, Segments, Ints]:
    """Instances and predictions that count, these in their ranking; the place in it of each prediction, (N,), -1 of
    one that does not count."""
    truth, kept = rules.prepare(ground_truth, predictions, ambiguous)
    if not np.any(truth.start_s < truth.end_s):
        raise ValueError("the ground truth has no instance with start < end: nothing to evaluate")
    rows = np.arange(len(predictions))
    if kept is not predictions:  # numbered by their scores, which no protocol looks at before it ranks
        numbered = replace(predictions, score=rows.astype(np.float64))
        rows = rules.prepare(ground_truth, numbered, ambiguous)[1].score.astype(np.int64)
    order = (by_video_among_equals if rules.instances_choose else ranked_rows)(kept, num_classes)
    place_of_row = np.full(len(predictions), -1)
    place_of_row[rows[order]] = np.arange(len(order))
    return truth, kept[order], place_of_row


def _predictions_choose(
    rules: EvaluationProtocol, truth: Segments, ranked: Segments, ambiguous: Segments, entries: _Entries, at: Floats
) -> list[_Hits]:
    """Each prediction in turn takes an instance, at each threshold."""
    pairs = candidate_pairs(truth, ranked, float(at.min()))
    if rules.in_file_order:
        pairs = rows_in_file_order(pairs)
    found = []
    for threshold in at:
        above = candidate_rows(pairs, np.flatnonzero(pairs.tiou >= threshold))
        entry, row = entries.with_candidates(above, len(ranked))
        hit = match(entry, entries.subset[entry] * len(truth) + above.instance[row])[0]
        found.append(_Hits(hit, hit - entries.first[entries.group[hit]] + 1))
    return found


def _instances_choose(
    rules: EvaluationProtocol, truth: Segments, ranked: Segments, ambiguous: Segments, entries: _Entries, at: Floats
) -> list[_Hits]:
    """Each instance in turn takes a prediction; what is left in ambiguous intervals is dropped before ranks count."""
    pairs = candidate_pairs(truth, ranked, float(at.min()), intersection_over_hull)
    wish = np.empty(len(pairs.tiou), dtype=np.int64)
    wish[best_first_of_instances(pairs)] = np.arange(len(wish))
    kept = ~touches(ranked, ambiguous)[entries.place]
    found = []
    for threshold in at:
        rows = np.flatnonzero(pairs.tiou > threshold)
        above = candidate_rows(pairs, rows)
        entry, row = entries.with_candidates(above, len(ranked))
        order = np.lexsort((wish[rows[row]], entries.subset[entry]))
        entry, instance = entry[order], above.instance[row[order]]
        hit = taken(entries.subset[entry] * len(truth) + instance, entry, len(kept))
        counted = np.cumsum(hit | kept)
        hits = np.flatnonzero(hit)
        first = entries.first[entries.group[hits]]
        before: Ints = counted[first] - (hit | kept)[first]
        found.append(_Hits(hits, counted[hits] - before))
    return found


def _terms(rank: Ints, group: Ints, interpolated: bool) -> Floats:
    """Precision at each hit; interpolated: made non-increasing from the right. group: ascending."""
    place = np.arange(len(group))
    first = np.maximum.accumulate(np.where(np.diff(group, prepend=-1) > 0, place, 0))
    precision: Floats = (place - first + 1) / rank
    # A maximum over twice as many hits in each round, exact in any order.
    step, longest = 1, int((place - first).max(initial=0)) + 1
    while interpolated and step < longest:
        later = np.where(group[step:] == group[:-step], precision[step:], 0.0)
        precision[:-step] = np.maximum(precision[:-step], later)
        step *= 2
    return precision


def _in_order(values: Floats, group: Ints, groups: int) -> Floats:
    """Sum of each group, one value after the other, as a sum over the first axis of a table adds its rows."""
    return np.bincount(group, values, minlength=groups).astype(np.float64)  # of no values it makes integers


def _pairwise(values: Floats, group: Ints, groups: int) -> Floats:
    """Sum of each group, as the sum of a table of one column rounds. group: ascending."""
    bounds = np.searchsorted(group, np.arange(groups + 1))
    found = np.zeros(groups)
    for one in np.flatnonzero(np.diff(bounds)):
        found[one] = values[bounds[one] : bounds[one + 1]].sum()
    return found
