"""Batches of whole videos: every snippet once, features shared."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.trainables.worlds import split_of
from trainables.batching.device_features import FeatureStore
from trainables.batching.videos import SplitTensors

CPU = torch.device("cpu")


@given(st.lists(st.integers(1, 6), min_size=1, max_size=7), st.integers(1, 4), st.integers(0, 99))
def test_batches_hold_the_rows_of_their_videos_in_order(lengths: list[int], batch_videos: int, seed: int) -> None:
    split = split_of(lengths, labels=[(v % 2,) for v in range(len(lengths))])
    labels = np.random.default_rng(seed).integers(-1, 2, size=sum(lengths)).astype(np.int8)
    data = SplitTensors.of(split, 2, "first", FeatureStore(CPU, torch.float32)).with_labels(labels, 0.5)
    order = np.random.default_rng(seed).permutation(len(lengths))
    batches = list(data.batches(order, batch_videos))
    assert [batch.layout.num_videos for batch in batches] == [
        len(order[i : i + batch_videos]) for i in range(0, len(order), batch_videos)
    ]
    for b, batch in enumerate(batches):
        videos = order[b * batch_videos : (b + 1) * batch_videos]
        rows = np.concatenate([np.arange(split.offsets[v], split.offsets[v + 1]) for v in videos])
        np.testing.assert_array_equal(batch.features.numpy(), split.features[rows])
        assert batch.label_N is not None
        np.testing.assert_array_equal(batch.label_N.numpy(), labels[rows])
        np.testing.assert_array_equal(
            batch.layout.video_N.numpy(), np.repeat(range(len(videos)), split.lengths[videos])
        )
        assert batch.layout.longest == split.lengths[videos].max()
        assert batch.target_VC.argmax(dim=1).tolist() == [v % 2 for v in videos]


def test_videos_without_snippets_do_not_train() -> None:
    split = split_of([4, 0, 5])
    data = SplitTensors.of(split, 1, "first", FeatureStore(CPU, torch.float32))
    assert data.split.names.tolist() == ["v00", "v02"]
