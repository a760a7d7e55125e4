from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.trainables.worlds import split_of
from trainables.labels.sampling import BACKGROUND, FOREGROUND, HIDDEN, background_share, of_any_class, sample, union


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=6), st.sampled_from([0.0, 0.2, 0.7, 0.8, 1.0]), st.integers(0, 99)
)
def test_sampling_hides_the_stated_number_in_every_video(lengths: list[int], share: float, seed: int) -> None:
    split = split_of(lengths)
    rng = np.random.default_rng(seed)
    foreground = rng.random(sum(lengths)) < 0.5
    labels = sample(foreground, split, share, rng)
    hidden_percent = round(100 * (1 - share))
    for first, end in zip(split.offsets[:-1], split.offsets[1:], strict=True):
        assert (labels[first:end] == HIDDEN).sum() == (end - first) * hidden_percent // 100
    shown = labels != HIDDEN
    np.testing.assert_array_equal(labels[shown], np.where(foreground, FOREGROUND, BACKGROUND)[shown])


def test_the_union_holds_every_snippet_of_any_iteration() -> None:
    masks = [np.array([True, False, False]), np.array([False, False, True])]
    assert union(masks).tolist() == [True, False, True]


def test_labels_by_class_are_hidden_for_all_classes_at_once() -> None:
    split, rng = split_of([10, 5]), np.random.default_rng(0)
    labels = sample(rng.random((15, 3)) < 0.5, split, 0.6, rng)
    assert ((labels == HIDDEN).all(axis=1) == (labels == HIDDEN).any(axis=1)).all()
    assert (labels == HIDDEN).all(axis=1).sum() == 4 + 2


def test_a_snippet_is_foreground_where_any_class_is() -> None:
    assert of_any_class(np.array([[True, False], [False, False], [True, True]])).tolist() == [True, False, True]
    assert of_any_class(np.array([True, False])).tolist() == [True, False]


def test_the_share_of_background_of_nothing_is_0() -> None:
    assert background_share(np.array([True, False, False, False])) == 0.75
    assert background_share(np.zeros(0, dtype=bool)) == 0.0
