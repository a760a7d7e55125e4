"""Pairs that may match, and who gets whom."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.data.segments import Segments, intersection_over_hull, temporal_iou
from trainables.evaluation import matching
from trainables.evaluation.matching import candidate_pairs, matches, true_positives

spans = st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.integers(1, 6), st.integers(0, 1))


def table(rows: list[tuple[str, int, int, int]]) -> Segments:
    return Segments.of(
        [video for video, *_ in rows],
        [start for _, start, _, _ in rows],
        [start + length for _, start, length, _ in rows],
        [label for *_, label in rows],
    )


tables = st.lists(spans, max_size=12).map(table)


def one_at_a_time(truth: Segments, ranked: Segments, tiou: float) -> list[tuple[int, int]]:
    """Each prediction in turn takes the free instance that it overlaps most; among equal ones the later."""
    free, found = set(range(len(truth))), []
    for p in range(len(ranked)):
        own = [i for i in free if truth.video[i] == ranked.video[p] and truth.label[i] == ranked.label[p]]
        overlap = {
            i: float(temporal_iou(ranked.start_s[p], ranked.end_s[p], truth.start_s[i], truth.end_s[i])) for i in own
        }
        best = max((i for i in own if overlap[i] >= tiou), key=lambda i: (overlap[i], i), default=None)
        if best is not None:
            free.remove(best)
            found.append((p, best))
    return found


@pytest.mark.parametrize("pairs_at_once", [2, 1_000_000])
@given(truth=tables, ranked=tables)
def test_all_at_once_is_one_at_a_time(pairs_at_once: int, truth: Segments, ranked: Segments) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "PAIRS_AT_ONCE", pairs_at_once)
        candidates = candidate_pairs(truth, ranked, 0.1)
    for tiou in (0.1, 0.3, 0.5):
        found, instance = matches(candidates, tiou)
        assert list(zip(found.tolist(), instance.tolist(), strict=True)) == one_at_a_time(truth, ranked, tiou)


def test_true_positives_by_threshold() -> None:
    truth = Segments.of(["a", "a"], [0, 10], [4, 14], [0, 0])
    ranked = Segments.of(["a", "a", "b"], [0, 10, 0], [4, 12, 4], [0, 0, 0])
    found, hits = true_positives(candidate_pairs(truth, ranked, 0.5), np.array([0.5, 0.6]))
    assert (found.tolist(), hits.tolist()) == ([0, 1], [[True, True], [True, False]])


def test_the_overlap_is_a_choice() -> None:
    truth, ranked = Segments.of(["a"], [0.0], [0.6], [0]), Segments.of(["a"], [0.0], [0.3], [0])
    assert candidate_pairs(truth, ranked, 0.1).tiou[0] > 0.5
    assert candidate_pairs(truth, ranked, 0.1, intersection_over_hull).tiou[0] == 0.5
