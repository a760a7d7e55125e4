"""W-TALC's formulas against slow, obvious versions and cases worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import strategies as st

from tests.trainables.worlds import split_of, tiny_dataset
from trainables.base_models import build_base_model
from trainables.base_models.wtalc import Wtalc, draw_videos
from trainables.base_models.wtalc_detection import WtalcScores
from trainables.base_models.wtalc_losses import mil_loss
from trainables.batching.device_features import FeatureStore
from trainables.batching.videos import SplitTensors
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
