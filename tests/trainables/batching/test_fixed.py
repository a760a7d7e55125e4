from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.trainables.worlds import split_of
from trainables.batching.device_features import FeatureStore
from trainables.batching.fixed import SIZES_PER_OCTAVE, DeviceSplit, batch_lengths, fixed_size
from trainables.batching.videos import SplitTensors
from trainables.labels.sampling import HIDDEN

CPU = torch.device("cpu")


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=7),
    padding=st.integers(0, 20),
    runs=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_a_batch_is_its_videos_then_padding_that_has_no_label_and_no_class(
    lengths: list[int], padding: int, runs: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    split = split_of(lengths, labels=[(v % 2,) for v in range(len(lengths))])
    data = SplitTensors.of(split, 2, "first", FeatureStore(CPU, torch.float32))
    labels = rng.integers(-1, 2, size=(runs, sum(lengths))).astype(np.int8)
    device_split = DeviceSplit.of(data, runs)
    device_split.labels.copy_(torch.from_numpy(labels))
    order = rng.permutation(len(lengths))[: rng.integers(1, len(lengths) + 1)]
    count, total = len(order), int(split.lengths[order].sum())
    batch = device_split.batch(torch.from_numpy(order), total + padding)

    (plain,) = data.batches(order, count)
    np.testing.assert_array_equal(batch.features[:total], plain.features)
    assert batch.layout.num_videos == runs * (count + 1)
    for k in range(runs):
        own = slice(k * (total + padding), k * (total + padding) + total)
        rest = slice(own.stop, (k + 1) * (total + padding))
        np.testing.assert_array_equal(batch.layout.video_N[own] - k * (count + 1), plain.layout.video_N)
        np.testing.assert_array_equal(batch.layout.time_N[own], plain.layout.time_N)
        assert set(batch.layout.video_N[rest].tolist()) <= {k * (count + 1) + count}
        assert batch.label_N is not None
        (labelled,) = data.with_labels(labels[k], 0.5).batches(order, count)
        assert labelled.label_N is not None
        np.testing.assert_array_equal(batch.label_N[own], labelled.label_N)
        assert set(batch.label_N[rest].tolist()) <= {HIDDEN}
        targets = batch.target_VC[k * (count + 1) : (k + 1) * (count + 1)]
        np.testing.assert_array_equal(targets[:-1], plain.target_VC)
        assert not targets[-1].any()
    assert batch.layout.longest == max(lengths)


@given(st.integers(1, 100_000), st.integers(1, 100_000))
def test_a_fixed_size_holds_the_snippets_and_wastes_little(snippets: int, typical: int) -> None:
    size = fixed_size(snippets, typical)
    assert size >= snippets
    assert size - snippets <= max(1, typical // SIZES_PER_OCTAVE)


def test_a_few_sizes_hold_all_batches() -> None:
    rng = np.random.default_rng(0)
    totals = [int(rng.gamma(4, 100, 32).sum()) for _ in range(1000)]
    assert len({fixed_size(total, 12_800) for total in totals}) <= 20


def test_snippets_of_each_batch_are_counted() -> None:
    assert batch_lengths(np.array([3, 1, 4, 1, 5]), 2) == [4, 5, 5]
