"""W-TALC's formulas against slow, obvious versions and cases worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.trainables.worlds import split_of, tiny_dataset
from trainables.attention import VideoLayout
from trainables.base_model_config import WtalcConfig
from trainables.base_models import build_base_model
from trainables.base_models.wtalc import (
    Wtalc,
    WtalcScores,
    co_activity_loss,
    detect,
    draw_videos,
    mean_of_largest,
    mil_loss,
)
from trainables.batches import SplitTensors
from trainables.config import ConfigError, RunConfig, parse_config
from trainables.datasets.contract import Split
from trainables.feature_store import FeatureStore
from trainables.training import score_split

lengths_and_seed = st.tuples(st.lists(st.integers(1, 20), min_size=2, max_size=4), st.integers(0, 9999))
CPU = torch.device("cpu")


def wtalc_run(**settings: Any) -> RunConfig:
    return parse_config(
        {
            "dataset": {"name": "tiny"},
            "model": {"name": "wtalc", "wtalc": {"hidden": 8, **settings}},
            "loss": {"beta": 1.0},
            "training": {"batch_videos": 10, "batches_per_epoch": 3},
        },
        "test",
    )


@given(lengths_and_seed)
def test_the_mean_of_the_largest_logits_is_that_of_a_sorted_list(case: tuple[list[int], int]) -> None:
    lengths, seed = np.array(case[0]), case[1]
    cas = torch.randn(int(lengths.sum()), 3, generator=torch.Generator().manual_seed(seed))
    count = -(-lengths // 8)
    pooled = mean_of_largest(cas, VideoLayout.of(lengths), count)
    for v, video in enumerate(cas.split(lengths.tolist())):
        for c in range(3):
            largest = sorted(video[:, c].tolist(), reverse=True)[: math.ceil(lengths[v] / 8)]
            assert float(pooled[v, c]) == pytest.approx(sum(largest) / len(largest), abs=1e-5)


def test_the_mil_loss_by_hand() -> None:
    # Nine snippets: the two largest logits count, k = ceil(9 / 8). Class 0: (3 + 1) / 2 = 2; class 1: 0.
    cas = torch.zeros(9, 2)
    cas[4, 0], cas[7, 0] = 3.0, 1.0
    loss = mil_loss(cas, torch.tensor([[1.0, 0.0]]), VideoLayout.of(np.array([9])), np.array([9]), 8)
    assert float(loss[0]) == pytest.approx(math.log(1 + math.exp(-2)))
    both = mil_loss(cas, torch.tensor([[0.5, 0.5]]), VideoLayout.of(np.array([9])), np.array([9]), 8)
    assert float(both[0]) == pytest.approx(math.log(1 + math.exp(-2)) + 1)


def slow_co_activity(
    hidden: Sequence[np.ndarray], cas: Sequence[np.ndarray], has_class: np.ndarray, margin: float
) -> float:
    """Pair by pair, class by class, word by word after wtalc.md, section 4."""
    total, count = 0.0, 0
    for a in range(0, len(hidden), 2):
        for c in np.flatnonzero(has_class[a] & has_class[a + 1]):
            high, low = [], []
            for v in (a, a + 1):
                exponential = np.exp(cas[v][:, c])
                weight = exponential / exponential.sum()
                high.append(sum(w * x for w, x in zip(weight, hidden[v], strict=True)))
                rest = sum((1 - w) * x for w, x in zip(weight, hidden[v], strict=True))
                low.append(rest / max(len(hidden[v]) - 1, 1))

            def distance(x: np.ndarray, y: np.ndarray) -> float:
                norm = np.linalg.norm(x) * np.linalg.norm(y)
                return 1 - float(x @ y) / max(float(norm), 1e-8)

            alike = distance(high[0], high[1])
            total += 0.5 * max(0.0, alike - distance(high[0], low[1]) + margin)
            total += 0.5 * max(0.0, alike - distance(high[1], low[0]) + margin)
            count += 1
    return total / max(count, 1)


@given(st.lists(st.integers(1, 7), min_size=4, max_size=4), st.integers(0, 9999))
def test_the_co_activity_loss_agrees_with_the_slow_one(lengths: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    hidden = [rng.normal(size=(n, 5)) for n in [*lengths, 3]]  # the last video is in no pair
    cas = [rng.normal(size=(n, 3)) for n in [*lengths, 3]]
    has_class = rng.random((5, 3)) < 0.6
    x, logits = (torch.from_numpy(np.concatenate(parts)) for parts in (hidden, cas))
    fast = co_activity_loss(x, logits, torch.from_numpy(has_class), np.array([*lengths, 3]), 2, 0.5)
    assert float(fast) == pytest.approx(slow_co_activity(hidden[:4], cas[:4], has_class, 0.5), abs=1e-9)


def test_the_co_activity_loss_by_hand() -> None:
    # Two snippets each; the first shows the class (weight 1), the second does not: H = x1, L = x2.
    cas = torch.tensor([[50.0], [0.0], [50.0], [0.0]])
    both = torch.ones(2, 1, dtype=torch.bool)
    like = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    # Alike where active (d = 0), at right angles elsewhere (d = 1): 0 - 1 + 0.5 < 0 on both sides.
    assert float(co_activity_loss(like, cas, both, np.array([2, 2]), 1, 0.5)) == 0
    swapped = like[[0, 1, 3, 2]]
    # d(Ha, Hb) = 1, d(Ha, Lb) = d(Hb, La) = 0: 1 - 0 + 0.5 on both sides.
    assert float(co_activity_loss(swapped, cas, both, np.array([2, 2]), 1, 0.5)) == pytest.approx(1.5)
    without = torch.tensor([[True], [False]])
    assert float(co_activity_loss(swapped, cas, without, np.array([2, 2]), 1, 0.5)) == 0


def test_features_of_zero_have_a_finite_loss_and_gradient() -> None:
    hidden = torch.zeros(4, 3, requires_grad=True)
    cas = torch.zeros(4, 1)
    loss = co_activity_loss(hidden, cas, torch.ones(2, 1, dtype=torch.bool), np.array([2, 2]), 1, 0.5)
    loss.backward()
    assert torch.isfinite(loss)
    assert hidden.grad is not None
    assert torch.isfinite(hidden.grad).all()


def test_the_released_padding_to_750_changes_no_loss() -> None:
    """The released code pads with zeros and cuts by the true length; here nothing is padded."""
    rng = torch.Generator().manual_seed(0)
    cas = torch.randn(30, 2, generator=rng)
    padded = torch.cat([cas, torch.zeros(720, 2)])[:30]
    k = math.ceil(30 / 8)
    expected = torch.stack([padded[:, c].topk(k).values.mean() for c in range(2)]).log_softmax(0)[1]
    loss = mil_loss(cas, torch.tensor([[0.0, 1.0]]), VideoLayout.of(np.array([30])), np.array([30]), 8)
    torch.testing.assert_close(-loss[0], expected)


def test_drawn_videos_come_in_pairs_of_a_class_and_may_repeat() -> None:
    rng = np.random.default_rng(0)
    by_class = [np.array([0, 1]), np.array([2]), np.array([3, 4, 5])]
    of_video = {int(v): c for c, videos in enumerate(by_class) for v in videos}
    drawn = np.stack([draw_videos(by_class, 6, 3, 10, rng) for _ in range(300)])
    classes = np.vectorize(of_video.__getitem__)(drawn)
    assert (classes[:, 0:6:2] == classes[:, 1:6:2]).all()
    assert (drawn[:, 0] == drawn[:, 1]).any()
    # Every class is as likely as the others, whatever its number of videos.
    np.testing.assert_allclose(np.bincount(classes[:, 0:6:2].ravel()) / 900, 1 / 3, atol=0.06)
    np.testing.assert_allclose(np.bincount(drawn[:, 6:].ravel()) / 1200, 1 / 6, atol=0.05)


def test_a_long_video_trains_by_random_windows_with_their_own_labels() -> None:
    split = split_of([30, 4], labels=[(0,), (1,)], features=np.arange(34, dtype=np.float32)[:, None].repeat(2, axis=1))
    labels = (np.arange(34) % 3 - 1).astype(np.int8)
    data = SplitTensors.of(split, 2, "multi_hot", FeatureStore(CPU, torch.float32)).with_labels(labels, 0.5)
    model = build_base_model(wtalc_run(window=6), 2, 2, torch.Generator())
    starts = set()
    for batch in model.training_batches(data, np.random.default_rng(1)):
        assert batch.num_pairs == 3
        assert batch.layout.num_videos == 10
        assert batch.label_N is not None
        for x, label in zip(
            batch.features[:, 0].split(batch.lengths.tolist()), batch.label_N.split(batch.lengths.tolist()), strict=True
        ):
            first = int(x[0])
            assert x.tolist() == list(range(first, first + (6 if first < 30 else 4)))
            assert label.tolist() == labels[first : first + len(x)].tolist()
            starts.add(first)
    assert len(starts) > 5


def test_scores_say_0_for_what_is_not_predicted_and_one_half_at_the_threshold() -> None:
    model = build_base_model(wtalc_run(), 2, 3, torch.Generator())
    split = split_of([4, 4])
    cas = torch.tensor([[0.0, -5], [1.0, -4], [3.0, -3], [4.0, -6]] * 2)
    cas = torch.cat([cas, torch.ones(8, 1)], dim=1)
    scores = model.scores(cas, split=split)
    np.testing.assert_allclose(scores.class_probability[:4, 0], [1e-12, 0.25, 0.75, 1], rtol=1e-6)
    assert (scores.class_probability[:, 1] == 0).all()
    assert (scores.class_probability[:, 2] < 0.5).all()  # constant: nothing lies above its midpoint
    np.testing.assert_allclose(scores.foreground[:4], 1 / (1 + np.exp(-np.array([1.0, 1, 3, 4]))), rtol=1e-6)


def slow_detections(split: Split, cas: np.ndarray, settings: WtalcConfig) -> list[tuple[str, int, float, float, float]]:
    """Word by word after wtalc.md, section 5; sorted."""
    found = []
    for v, video in enumerate(split.videos):
        for c in range(cas.shape[1]):
            curve = cas[split.offsets[v] : split.offsets[v + 1], c].tolist()
            largest = sorted(curve, reverse=True)[: max(1, int(len(curve) / 8))]
            class_logit = sum(largest) / len(largest)
            if class_logit <= 0:
                continue
            threshold = max(curve) - (max(curve) - min(curve)) * 0.5
            t = 0
            while t < len(curve):
                end = t
                while end < len(curve) and curve[end] > threshold:
                    end += 1
                if end - t >= settings.min_snippets:
                    score = max(curve[t:end]) + settings.video_score_weight * class_logit
                    found.append((video.name, c, t * video.snippet_s, end * video.snippet_s, score))
                t = max(end, t + 1)
    return sorted(found)


@given(lengths_and_seed)
def test_detections_agree_with_the_slow_detector(case: tuple[list[int], int]) -> None:
    lengths, seed = case
    split = split_of(lengths)
    # Quarters, so that no rounding decides at the threshold.
    cas = np.random.default_rng(seed).integers(-8, 9, size=(sum(lengths), 3)).astype(np.float32) / 4
    model = build_base_model(wtalc_run(), 2, 3, torch.Generator())
    scores = model.scores(torch.from_numpy(cas), split=split)
    assert isinstance(scores, WtalcScores)
    settings = WtalcConfig()
    found = detect(scores, split, settings)
    rows = sorted(zip(found.video, found.label, found.start_s, found.end_s, found.score, strict=True))
    expected = slow_detections(split, cas, settings)
    assert [row[:2] for row in rows] == [row[:2] for row in expected]
    np.testing.assert_allclose([row[2:] for row in rows], [row[2:] for row in expected], rtol=1e-5)


def test_a_head_gates_only_after_it_has_seen_labels() -> None:
    data = tiny_dataset()
    model = build_base_model(wtalc_run(supervision="head"), data.dimensions, 3, torch.Generator().manual_seed(0))
    assert isinstance(model, Wtalc)
    assert model.head is not None
    with torch.no_grad():
        model.head.bias.fill_(-100)  # background everywhere
    tensors = SplitTensors.of(data.train, 3, "multi_hot", FeatureStore(CPU, torch.float32))
    before = score_split(model, tensors)
    assert isinstance(before, WtalcScores)
    assert before.gate.all()
    assert before.foreground.max() > 0.1
    labelled = tensors.with_labels(np.ones(data.train.num_snippets, np.int8), 0.5)
    batch = next(model.training_batches(labelled, np.random.default_rng(0)))
    model.losses(model(batch.features), batch)
    after = score_split(model, tensors)
    assert isinstance(after, WtalcScores)
    assert not after.gate.any()
    assert len(model.predict(after, data.train)) == 0


def test_the_head_does_not_change_iteration_0() -> None:
    plain, with_head = (
        build_base_model(wtalc_run(supervision=kind), 8, 3, torch.Generator().manual_seed(0)).state_dict()
        for kind in ("class_logit", "head")
    )
    assert all(torch.equal(plain[name], with_head[name]) for name in plain)


def test_a_batch_too_small_for_the_pairs_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"training.batch_videos: must hold the 3 pairs of model.wtalc.pairs, got 4"):
        build_base_model(wtalc_run().updated({"training.batch_videos": 4}), 2, 2, torch.Generator())
