"""W-TALC's formulas against slow, obvious versions and cases worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.trainables.worlds import split_of, tiny_dataset
from trainables.base_models import build_base_model
from trainables.base_models.wtalc import (
    Wtalc,
    WtalcScores,
    classify_and_pool,
    co_activity_loss,
    detect,
    draw_videos,
    mean_of_largest,
    mil_loss,
)
from trainables.batching.device_features import FeatureStore
from trainables.batching.layout import VideoLayout
from trainables.batching.videos import SplitTensors
from trainables.config.base_models import WtalcConfig
from trainables.config.run import PseudoLabelConfig, RunConfig, SegmentConfig, parse_config
from trainables.data.split import Dataset, Split
from trainables.errors import UserError
from trainables.training.loop import score_split

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


def pooled_by(hidden: torch.Tensor, cas: torch.Tensor, lengths: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """The obvious version of what ``classify_and_pool`` pools."""
    parts = list(zip(hidden.split(lengths), cas.split(lengths), strict=True))
    return torch.stack([s.softmax(dim=0).T @ x for x, s in parts]), torch.stack([x.sum(dim=0) for x, _ in parts])


def co_activity(
    hidden: torch.Tensor, cas: torch.Tensor, has_class: torch.Tensor, lengths: list[int], margin: float
) -> torch.Tensor:
    used = sum(lengths)
    pooled, total = pooled_by(hidden[:used], cas[:used], lengths)
    return co_activity_loss(pooled, total, has_class, np.array(lengths), margin)


@given(st.lists(st.integers(1, 7), max_size=4), st.integers(0, 9999))
def test_one_pass_classifies_and_pools_as_the_obvious_code_does(lengths: list[int], seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=rng, dtype=torch.float64)

    hidden, weight, bias = drawn(sum(lengths) + 5, 4), drawn(3, 4), drawn(3)
    of_cas, of_pooled, of_total = drawn(len(hidden), 3), drawn(len(lengths), 3, 4), drawn(len(lengths), 4)
    gradients = []
    for version in ("one pass", "obvious"):
        inputs = [value.clone().requires_grad_() for value in (hidden, weight, bias)]
        if version == "one pass":
            cas, pooled, total = classify_and_pool(inputs[0], inputs[1], inputs[2], lengths)
        else:
            cas = inputs[0] @ inputs[1].T + inputs[2]
            used = sum(lengths)
            pooled, total = pooled_by(inputs[0][:used], cas[:used], lengths) if lengths else (pooled, total)
        loss = (cas * of_cas).sum() + (pooled * of_pooled).sum() + (total * of_total).sum()
        gradients.append([loss, *torch.autograd.grad(loss, inputs)])
    for ours, obvious in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, obvious, rtol=1e-9, atol=1e-9)


@given(st.lists(st.integers(1, 7), min_size=4, max_size=4), st.integers(0, 9999))
def test_the_co_activity_loss_agrees_with_the_slow_one(lengths: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    hidden = [rng.normal(size=(n, 5)) for n in [*lengths, 3]]  # the last video is in no pair
    cas = [rng.normal(size=(n, 3)) for n in [*lengths, 3]]
    has_class = rng.random((5, 3)) < 0.6
    x, logits = (torch.from_numpy(np.concatenate(parts)) for parts in (hidden, cas))
    fast = co_activity(x, logits, torch.from_numpy(has_class), lengths, 0.5)
    assert float(fast) == pytest.approx(slow_co_activity(hidden[:4], cas[:4], has_class, 0.5), abs=1e-9)


def test_the_co_activity_loss_by_hand() -> None:
    # Two snippets each; the first shows the class (weight 1), the second does not: H = x1, L = x2.
    cas = torch.tensor([[50.0], [0.0], [50.0], [0.0]])
    both = torch.ones(2, 1, dtype=torch.bool)
    like = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    # Alike where active (d = 0), at right angles elsewhere (d = 1): 0 - 1 + 0.5 < 0 on both sides.
    assert float(co_activity(like, cas, both, [2, 2], 0.5)) == 0
    swapped = like[[0, 1, 3, 2]]
    # d(Ha, Hb) = 1, d(Ha, Lb) = d(Hb, La) = 0: 1 - 0 + 0.5 on both sides.
    assert float(co_activity(swapped, cas, both, [2, 2], 0.5)) == pytest.approx(1.5)
    without = torch.tensor([[True], [False]])
    assert float(co_activity(swapped, cas, without, [2, 2], 0.5)) == 0


def test_features_of_zero_have_a_finite_loss_and_gradient() -> None:
    hidden = torch.zeros(4, 3, requires_grad=True)
    cas = torch.zeros(4, 1)
    loss = co_activity(hidden, cas, torch.ones(2, 1, dtype=torch.bool), [2, 2], 0.5)
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


def labelled(split: Split, labels: np.ndarray, share: float) -> SplitTensors:
    data = SplitTensors.of(split, 3, "multi_hot", FeatureStore(CPU, torch.float32))
    return data.with_labels(labels.astype(np.int8), share)


@pytest.mark.parametrize("mean_over", ["sampled", "all_snippets"])
@pytest.mark.parametrize("weighting", ["none", "background_share"])
def test_each_class_of_a_video_is_supervised_by_its_own_labels(weighting: str, mean_over: str) -> None:
    """Snippet by snippet and class by class after wtalc.md, section 7, variant A2."""
    split = split_of([5, 3, 4], labels=[(0, 2), (1,), (2,)], dimensions=4)
    labels = np.random.default_rng(0).integers(-1, 2, size=(12, 3))
    config = wtalc_run(supervision="class_labels").updated(
        {"loss.pseudo_weighting": weighting, "loss.pseudo_mean": mean_over}
    )
    model = build_base_model(config, 4, 3, torch.Generator().manual_seed(0)).eval()
    batch = next(model.validation_batches(labelled(split, labels, 0.7)))
    found = model.losses(model(batch.features), batch).pseudo
    cas = model.readout(batch.features)[0].detach().double().numpy()
    for v, video in enumerate(split.videos):
        total, weights, pairs = 0.0, 0.0, 0
        for t in range(split.offsets[v], split.offsets[v + 1]):
            for c in video.labels:
                pairs += 1
                if labels[t, c] < 0:
                    continue
                p = 1 / (1 + math.exp(-cas[t, c]))
                w = 1.0 if weighting == "none" else 0.7 if labels[t, c] else 1 - 0.7
                total, weights = total - w * math.log(p if labels[t, c] else 1 - p), weights + w
        assert found[v].item() == pytest.approx(total / (weights if mean_over == "sampled" else pairs), rel=1e-5)


def test_labels_by_class_are_the_segments_of_the_class_and_balance_over_the_videos_classes() -> None:
    split = split_of([8, 8], labels=[(0,), (1, 2)])
    model = build_base_model(wtalc_run(supervision="class_labels"), 2, 3, torch.Generator())
    cas = torch.full((16, 3), -1.0)
    cas[1:3, 0], cas[2:5, 2], cas[10:14, 1] = 4.0, 3.0, 2.0
    config = PseudoLabelConfig(
        segments=SegmentConfig(min_class_score=0.5, min_attention=0.0, dilation=0, inflation=0), end_snippet="excluded"
    )
    scores = model.scores(cas, split=split)
    found = model.label(scores, split, config, np.random.default_rng(0))
    np.testing.assert_array_equal(found, (cas > 0).numpy())
    # Of video 0 class 0 counts (2 of 8), of video 1 classes 1 and 2 (4 of 16): 6 of 24.
    assert model.background_share(found, split) == pytest.approx(1 - 6 / 24)
    union = build_base_model(wtalc_run(), 2, 3, torch.Generator()).label(
        scores, split, config, np.random.default_rng(0)
    )
    np.testing.assert_array_equal(union, found.any(axis=1))
    own = model.label(
        scores, split, config.model_copy(update={"restrict_to_video_labels": True}), np.random.default_rng(0)
    )
    assert not own[:8, 2].any()


def test_a_generator_that_knows_no_classes_labels_all_alike() -> None:
    split = split_of([8, 8])
    model = build_base_model(wtalc_run(supervision="class_labels"), 2, 3, torch.Generator())
    scores, config = model.scores(torch.randn(16, 3), split=split), PseudoLabelConfig(generator="uniform_random")
    found = model.label(scores, split, config, np.random.default_rng(0))
    assert found.shape == (16, 3)
    assert (found == found[:, :1]).all()


def with_a_head(**settings: str) -> tuple[Wtalc, Dataset, SplitTensors]:
    data = tiny_dataset()
    run = wtalc_run(supervision="head", **settings)
    model = build_base_model(run, data.dimensions, 3, torch.Generator().manual_seed(0))
    assert isinstance(model, Wtalc)
    return model, data, labelled(data.train, np.ones(data.train.num_snippets), 0.5)


def test_a_head_can_weight_the_pooled_logits_and_then_gates_nothing() -> None:
    model, data, tensors = with_a_head(head_use="pooling")
    batch = next(model.validation_batches(tensors))
    outputs = model.eval()(batch.features)
    assert outputs.foreground is not None
    cas = model.readout(batch.features)[0]
    weighted = cas * outputs.foreground.sigmoid()
    expected = 0.5 * mil_loss(weighted, batch.target_VC, batch.layout, batch.lengths, 8)
    unlabelled = model.losses(outputs, replace(batch, label_N=None)).video
    torch.testing.assert_close(unlabelled, 0.5 * mil_loss(cas, batch.target_VC, batch.layout, batch.lengths, 8))
    before = score_split(model, tensors)
    torch.testing.assert_close(model.losses(outputs, batch).video, expected)
    after = score_split(model, tensors)
    assert isinstance(before, WtalcScores)
    assert isinstance(after, WtalcScores)
    assert after.gate.all()
    assert not np.allclose(after.class_logit, before.class_logit)
    first = slice(0, int(data.train.lengths[0]))
    pooled = after.cas[first] * (1 / (1 + np.exp(-model.readout(tensors.features[first])[1].detach().numpy())))
    count = max(int(data.train.lengths[0]) // 8, 1)
    np.testing.assert_allclose(after.class_logit[0], np.sort(pooled, axis=0)[-count:].mean(axis=0), rtol=1e-4)


@pytest.mark.parametrize("head_use", ["gate", "pooling"])
@pytest.mark.parametrize("head_input", ["hidden", "features"])
def test_the_labels_alone_train_the_head(head_input: str, head_use: str) -> None:
    model, _, tensors = with_a_head(head_input=head_input, head_use=head_use)
    batch = next(model.training_batches(tensors, np.random.default_rng(0)))
    losses = model.losses(model(batch.features), batch)
    assert model.head is not None
    head = list(model.head.parameters())
    of_video = torch.autograd.grad(losses.video.mean(), head, retain_graph=True, allow_unused=True)
    assert all(gradient is None for gradient in of_video)
    assert all(gradient.abs().sum() > 0 for gradient in torch.autograd.grad(losses.pseudo.mean(), head))


def test_a_head_gates_only_after_it_has_seen_labels() -> None:
    data = tiny_dataset()
    model = build_base_model(wtalc_run(supervision="head"), data.dimensions, 3, torch.Generator().manual_seed(0))
    assert isinstance(model, Wtalc)
    assert isinstance(model.head, torch.nn.Linear)
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


@pytest.mark.parametrize("head_input", ["hidden", "features"])
def test_the_head_does_not_change_iteration_0(head_input: str) -> None:
    plain, with_head = (
        build_base_model(
            wtalc_run(supervision=kind, head_input=head_input), 8, 3, torch.Generator().manual_seed(0)
        ).state_dict()
        for kind in ("class_logit", "head")
    )
    assert all(torch.equal(plain[name], with_head[name]) for name in plain)


def test_a_batch_too_small_for_the_pairs_is_refused() -> None:
    with pytest.raises(UserError, match=r"training.batch_videos: must hold the 3 pairs of model.wtalc.pairs, got 4"):
        build_base_model(wtalc_run().updated({"training.batch_videos": 4}), 2, 2, torch.Generator())
