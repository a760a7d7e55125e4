"""Segments of all pairs (alpha_A, alpha_C) of a grid from one set of scores, without a prediction for each pair.

A bit stands for a pair: a word per (class rank, snippet) says which pairs keep it, so that dilation and the borders of
runs are operations on words. A run that several pairs make is one row, scored once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from trainables.config import SegmentConfig
from trainables.labels.prediction import (
    Indices,
    SnippetRuns,
    Words,
    class_scores,
    dilated,
    keep_attention,
    keep_class,
    neighbours,
    scored_runs,
    top_classes,
)
from trainables.labels.scores import SnippetScores
from trainables.report import Pair

WORD_DIGITS = 6
WORD = 1 << WORD_DIGITS  # pairs in one word
MOST_VALUES = 255  # of one threshold: how many of them a score passes is counted in a byte


@dataclass(frozen=True)
class ThresholdGrid:
    """Values of alpha_A and alpha_C, ascending; all their combinations are pairs, alpha_A changing last."""

    min_attention: tuple[float, ...]
    min_class_score: tuple[float, ...]

    def __post_init__(self) -> None:
        for name, values in vars(self).items():
            if not 0 < len(values) <= MOST_VALUES or any(low >= high for low, high in pairwise(values)):
                raise ValueError(f"{name}: from 1 to {MOST_VALUES} ascending values, got {values}")

    @property
    def pairs(self) -> list[Pair]:
        """In the order of their numbers."""
        return [Pair(*values) for values in product(self.min_attention, self.min_class_score)]


class RunsOfPairs(NamedTuple):
    """runs: distinct segments of all pairs, by video, class rank, first and last snippet, (D,). row, pair: which pair
    has which of them, (U,), in no order."""

    runs: SnippetRuns
    row: Indices
    pair: Indices


def predict_pairs(scores: SnippetScores, config: SegmentConfig, grid: ThresholdGrid) -> RunsOfPairs:
    """What ``predict_runs`` finds with each pair of the grid in place of the configuration's."""
    top_VK = top_classes(scores.video_score, config.top_k)
    class_KM = class_scores(scores, top_VK, np.arange(scores.num_snippets), scores.video_of_snippet)
    ranks, size = class_KM.shape
    borders = np.add.outer(np.arange(ranks) * size, scores.offsets)
    starts, ends = borders[:, :-1].reshape(-1), borders[:, 1:].reshape(-1)
    found = [
        _runs_of_word(kept, starts, ends, config, first_pair)
        for first_pair, kept in _kept(class_KM, scores.foreground, config, grid)
    ]
    pair, first, end = (np.concatenate(columns) for columns in zip(*found, strict=True))
    first, end, row, pair = _distinct(first, end, pair)
    runs = scored_runs(scores, config, top_VK, class_KM, np.arange(size), first, end)
    order = np.argsort(runs.video, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return RunsOfPairs(runs[order], place[row], pair)


def _kept(
    class_KM: npt.NDArray[np.float32], foreground: npt.NDArray[np.float32], config: SegmentConfig, grid: ThresholdGrid
) -> Iterator[tuple[int, Words]]:
    """Which pairs keep each (class rank, snippet), (K * N,): a word for each WORD pairs, with the first of them.

    The thresholds of one kind are nested: what passes the stricter passes the looser too. So how many of them a score
    passes says which.
    """
    passed_N = _passed(keep_attention(foreground, least, config.thresholding) for least in grid.min_attention)
    passed_KM = _passed(keep_class(class_KM, least, config.thresholding) for least in grid.min_class_score)
    both = (passed_N * (len(grid.min_class_score) + 1) + passed_KM).reshape(-1)
    # keep_above: the lowest thresholds are passed; drop_below: the lowest of the class score, the highest of attention.
    attention, class_score = np.arange(len(grid.min_attention)), np.arange(len(grid.min_class_score))
    if config.thresholding == "drop_below":
        attention = attention[::-1]
    by_attention = np.arange(len(attention) + 1)[:, None] > attention
    by_class = np.arange(len(class_score) + 1)[:, None] > class_score
    table = (by_attention[:, None, :, None] & by_class[None, :, None, :]).reshape(-1, len(attention) * len(class_score))
    for first_pair in range(0, table.shape[1], WORD):
        bits = table[:, first_pair : first_pair + WORD]
        words = (bits.astype(np.uint64) << np.arange(bits.shape[1], dtype=np.uint64)).sum(axis=1, dtype=np.uint64)
        yield first_pair, words.take(both)


def _passed(masks: Iterable[npt.NDArray[np.bool_]]) -> Indices:
    """Of so many, (...); summed as bytes, a row of additions of which is short."""
    return reduce(np.add, (mask.view(np.uint8) for mask in masks)).astype(np.int64)


def _runs_of_word(
    kept: Words, starts: Indices, ends: Indices, config: SegmentConfig, first_pair: int
) -> tuple[Indices, Indices, Indices]:
    """Pair, first and end of the runs of each pair of a word, by pair, then place."""
    kept = dilated(_bridged(kept, starts, ends, config.bridge), starts, ends, config.dilation)
    before, after = neighbours(kept, starts, ends)
    # The k-th run of a pair begins at its k-th start and ends at its k-th end.
    bit, first = _set_bits(kept & ~before)
    last = _set_bits(kept & ~after)[1]
    long_enough = last + 1 - first >= config.min_snippets
    return first_pair + bit[long_enough], first[long_enough], last[long_enough] + 1


def _bridged(kept: Words, starts: Indices, ends: Indices, bridge: int) -> Words:
    """Gaps of at most ``bridge`` filled: the nearest kept ones on both sides are bridge + 1 apart or nearer."""
    if not bridge:
        return kept
    left, right = [kept], [kept]
    for _ in range(bridge):
        left.append(neighbours(left[-1], starts, ends)[0])
        right.append(neighbours(right[-1], starts, ends)[1] | right[-1])
    # left[i]: the one i before it is kept; right[j]: one of the j after it, or it itself
    filled = kept
    for i in range(1, bridge + 1):
        filled = filled | (left[i] & right[bridge + 1 - i])
    return filled


def _set_bits(words: Words) -> tuple[Indices, Indices]:
    """Bit and place of the bits that are set, by bit, then place."""
    (places,) = (words != 0).nonzero()
    flags = np.unpackbits(words[places].astype("<u8").view(np.uint8), bitorder="little")
    (found,) = flags.view(np.bool_).nonzero()  # of bytes it takes three times as long
    order = np.argsort((found & (WORD - 1)).astype(np.uint8), kind="stable")
    found = found[order]
    return found & (WORD - 1), places[found >> WORD_DIGITS]


def _distinct(first: Indices, end: Indices, pair: Indices) -> tuple[Indices, Indices, Indices, Indices]:
    """First and end of the distinct runs, by place; then the row among them and the pair of each, by row, then pair."""
    if not len(first):
        return first, end, first, pair
    spans, pairs = int((end - first).max()).bit_length(), int(pair.max()).bit_length()
    # One number for each, so that a sort of numbers orders all.
    ordered = np.sort((((first << spans) | (end - first)) << pairs) | pair)
    run = ordered >> pairs
    new = np.diff(run, prepend=-1) > 0
    distinct = run[new]
    first = distinct >> spans
    return first, first + (distinct & ((1 << spans) - 1)), np.cumsum(new) - 1, ordered & ((1 << pairs) - 1)
