"""Held-out videos: stratified, by seed, never all of a class."""

from __future__ import annotations

import numpy as np
import pytest

from tests.trainables.refinement.test_refine import tiny_run
from tests.trainables.worlds import split_of, tiny_dataset
from trainables.errors import UserError
from trainables.refinement.selection import held_out_videos, selection_splits


def test_each_class_gives_its_share() -> None:
    labels = [(c,) for c in [0] * 8 + [1] * 12 + [2]]
    held_out = held_out_videos(split_of([3] * 21, labels=labels), 0.25, seed=0)
    assert [int(held_out[part].sum()) for part in (slice(0, 8), slice(8, 20), slice(20, 21))] == [2, 3, 0]


def test_the_choice_follows_the_seed_alone() -> None:
    split = split_of([3] * 40)
    first, again, other = (held_out_videos(split, 0.25, seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_parts_share_the_feature_array_and_no_video() -> None:
    data = tiny_dataset()
    splits = selection_splits(tiny_run(selection__rule="held-out"), data)
    assert splits.train.features is splits.valid.features is data.train.features
    assert not set(splits.train.names) & set(splits.valid.names)
    assert set(splits.train.names) | set(splits.valid.names) == set(data.train.names)
    assert set(splits.valid.ground_truth.video) <= set(splits.valid.names)


def test_under_paper_the_test_split_is_reported_once() -> None:
    splits = selection_splits(tiny_run(), tiny_dataset())
    assert splits.valid is splits.test
    assert list(splits.reported()) == ["train", "test"]


def test_a_share_that_holds_out_nothing_is_an_error() -> None:
    with pytest.raises(UserError, match=r"selection.held_out_share: 0.01 of 12 training videos holds out 0"):
        selection_splits(tiny_run(selection__rule="held-out", selection__held_out_share=0.01), tiny_dataset())


def test_a_signal_that_m0_does_not_have_cannot_compare_m0s_alone() -> None:
    values = {"selection__rule": "video-labels", "selection__signal": "label_agreement"}
    with pytest.raises(
        UserError, match=r"label_agreement is known from iteration 1 on, and refinement.iterations is 1"
    ):
        selection_splits(tiny_run(**values, refinement__iterations=1), tiny_dataset())
    selection_splits(tiny_run(**values, refinement__iterations=2), tiny_dataset())
