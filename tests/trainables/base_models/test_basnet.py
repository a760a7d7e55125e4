"""BaS-Net's samplers and losses against slow, obvious versions and cases worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from tests.trainables.worlds import split_of
from trainables.base_models import build_base_model
from trainables.base_models.basnet import (
    BasNet,
    branch_loss,
    class_scores,
    nearest_positions,
    normalised,
    perturbed_positions,
    uniform_positions,
)
from trainables.batching.device_features import FeatureStore
from trainables.batching.videos import SplitTensors
from trainables.config.run import RunConfig, parse_config
from trainables.training.loop import score_split

CPU = torch.device("cpu")


def basnet_run(**settings: Any) -> RunConfig:
    return parse_config(
        {
            "dataset": {"name": "tiny"},
            "model": {"name": "basnet", "basnet": {"length": 16, "hidden": 8, "attention_hidden": 4, **settings}},
            "loss": {"beta": 1.0},
            "training": {"batch_videos": 4, "batches_per_epoch": 3},
        },
        "test",
    )


@given(st.integers(1, 2000), st.sampled_from([16, 100, 750]))
def test_uniform_positions_are_those_of_the_text(length: int, count: int) -> None:
    expected = [math.floor(i * length / count) for i in range(count)]
    assert uniform_positions(np.array([length]), count)[0].tolist() == expected


@given(st.integers(1, 60), st.integers(0, 99))
def test_perturbed_positions_lie_between_their_own_and_the_next(length: int, seed: int) -> None:
    count = 16
    drawn = perturbed_positions(np.array([length] * 200), count, np.random.default_rng(seed))
    position = [i * length / count for i in range(count)]
    for i in range(count):
        last = int(position[i + 1]) if i + 1 < count else length - 1
        admitted = set(range(int(position[i]), last + 1))
        if length == count:
            admitted = {i}  # taken as it is
        assert set(drawn[:, i].tolist()) <= admitted
        if len(admitted) <= 3:
            assert set(drawn[:, i].tolist()) == admitted


@given(st.integers(1, 60), st.sampled_from([8, 16]))
def test_every_snippet_is_read_at_the_position_closest_to_it(length: int, count: int) -> None:
    at = nearest_positions(np.array([length]), count)
    shown = uniform_positions(np.array([length]), count)[0]
    if length <= count:
        assert shown[at].tolist() == list(range(length))
    else:
        for snippet, position in enumerate(at.tolist()):
            distance = abs(position * length / count - snippet)
            assert distance <= min(abs(i * length / count - snippet) for i in range(count)) + 1e-9


def test_class_scores_pool_the_largest_eighth() -> None:
    activation = torch.zeros(1, 16, 2)
    activation[0, 3, 0], activation[0, 9, 0] = 4.0, 2.0  # 16 // 8 = 2 positions: mean 3
    expected = 1 / (1 + math.exp(-3))
    assert class_scores(activation, 8)[0, 0].item() == pytest.approx(expected)


def test_the_branch_losses_by_hand() -> None:
    scores = torch.tensor([[0.5, 0.25, 0.25]])
    has_class = torch.tensor([[1.0, 0.0]])
    # Background present: targets 1/2, 0, 1/2.
    expected = -(math.log(0.5) + math.log(0.75) + 0.5 * (math.log(0.25) + math.log(0.75))) / 3
    assert branch_loss(scores, has_class, 1.0).item() == pytest.approx(expected)
    # Suppressed: targets 1, 0, 0.
    expected = -(math.log(0.5) + 2 * math.log(0.75)) / 3
    assert branch_loss(scores, has_class, 0.0).item() == pytest.approx(expected)


def test_normalisation_rectifies_its_bounds_and_survives_a_constant_curve() -> None:
    activation = torch.tensor([[[2.0, -1, -2], [4.0, 3, -3], [3.0, 1, -4]]])
    curve = normalised(activation)[0]
    torch.testing.assert_close(curve[:, 0], torch.tensor([0.0, 1.0, 0.5]))
    torch.testing.assert_close(curve[:, 1], torch.tensor([-1 / 3, 1.0, 1 / 3]))  # the minimum counts as 0
    torch.testing.assert_close(curve[:, 2], torch.tensor([-2.0, -3.0, -4.0]))  # no positive range: divided by 1


def _labelled() -> tuple[BasNet, SplitTensors]:
    split = split_of([5, 16, 40, 9, 12], labels=[(0,), (1,), (0, 1), (1,), (0,)])
    labels = np.random.default_rng(0).integers(-1, 2, size=split.num_snippets).astype(np.int8)
    data = SplitTensors.of(split, 2, "multi_hot", FeatureStore(CPU, torch.float32)).with_labels(labels, 0.5)
    model = build_base_model(basnet_run(), 3, 2, torch.Generator().manual_seed(0))
    assert isinstance(model, BasNet)
    return model, data


def test_batches_are_independent_draws_of_distinct_videos_with_labels_at_the_same_positions() -> None:
    model, data = _labelled()
    assert data.labels is not None
    batches = list(model.training_batches(data, np.random.default_rng(0)))
    assert [batch.layout.num_videos for batch in batches] == [4, 4, 4]
    by_features = {tuple(row): int(label) for row, label in zip(data.split.features, data.labels, strict=True)}
    for batch in batches:
        assert batch.lengths.tolist() == [16] * 4
        assert batch.label_N is not None
        assert [by_features[tuple(row)] for row in batch.features.numpy()] == batch.label_N.tolist()


def test_the_loss_adds_up_and_its_sparsity_follows_the_iteration() -> None:
    model, data = _labelled()
    batch = next(model.validation_batches(data))
    outputs = model(batch.features)
    losses = model.losses(outputs, batch)
    weights = outputs.attention.sigmoid().reshape(4, 16)
    has_class = (batch.target_VC > 0).float()
    plain = branch_loss(class_scores(outputs.base, 8), has_class, 1.0)
    plain = plain + branch_loss(class_scores(outputs.suppressed, 8), has_class, 0.0)
    torch.testing.assert_close(losses.video, plain + 1e-4 * weights.sum(dim=1))
    torch.testing.assert_close(losses.total, losses.video + losses.pseudo)
    other = build_base_model(basnet_run(sparsity_refine=0.0), 3, 2, torch.Generator().manual_seed(0))
    torch.testing.assert_close(other.losses(outputs, batch).video, plain)


def test_a_balanced_pseudo_loss_by_hand() -> None:
    """phi of the background: foreground weighs phi, background 1 - phi, divided by the sum of the weights."""
    model, data = _labelled()
    assert data.labels is not None
    model.run = model.run.updated({"loss.pseudo_weighting": "background_share"})
    batch = next(model.validation_batches(data.with_labels(data.labels.numpy(), 0.8)))
    outputs = model(batch.features)
    pseudo = model.losses(outputs, batch).pseudo
    assert batch.label_N is not None
    for v, (m, g) in enumerate(
        zip(outputs.attention.sigmoid().reshape(4, 16).tolist(), batch.label_N.reshape(4, 16).tolist(), strict=True)
    ):
        used = [(p, label) for p, label in zip(m, g, strict=True) if label >= 0]
        weight = [0.8 if label else 0.2 for _, label in used]
        loss = [-math.log(p if label else 1 - p) for p, label in used]
        expected = sum(w * x for w, x in zip(weight, loss, strict=True)) / sum(weight)
        assert pseudo[v].item() == pytest.approx(expected, rel=1e-5)


def test_without_a_class_above_the_threshold_the_likeliest_makes_labels_but_no_detection() -> None:
    model, data = _labelled()
    model.settings = model.settings.model_copy(update={"min_video_score": 0.99})
    scores = score_split(model, data)
    bounds = zip(scores.offsets[:-1], scores.offsets[1:], strict=True)
    predicted = np.stack([scores.class_probability[first:end].max(axis=0) > 0 for first, end in bounds])
    assert predicted.sum(axis=1).tolist() == [1] * 5
    assert predicted.argmax(axis=1).tolist() == scores.video_score.argmax(axis=1).tolist()
    assert len(model.predict(scores, data.split)) == 0


def test_labels_can_come_from_the_surest_detections() -> None:
    model, data = _labelled()
    model.settings = model.settings.model_copy(
        update={"label_source": "proposals", "label_quantile": 0.8, "min_video_score": 0.1}
    )
    scores = score_split(model, data)
    found = model.predict(scores, data.split)
    labels = model.label(scores, data.split, model.run.pseudo_labels, np.random.default_rng())
    kept = found[found.score >= np.quantile(found.score, 0.8)]
    assert 0 < len(kept) <= 0.3 * len(found)
    np.testing.assert_array_equal(labels, data.split.truth_of(kept))


def test_labels_can_be_read_from_the_network_run_over_every_snippet() -> None:
    """A slow version: each video by itself through the layers that torch has."""
    model, data = _labelled()
    model.settings = model.settings.model_copy(update={"label_resolution": "every_snippet", "min_video_score": 0.0})
    scores = score_split(model, data)
    nearest = score_split(_labelled()[0], data)
    np.testing.assert_allclose(scores.video_score, nearest.video_score, rtol=1e-5)  # detection stays at the positions
    for v in range(len(data.split)):
        rows = slice(data.split.offsets[v], data.split.offsets[v + 1])
        x = data.features[rows].T[None]
        weight = model.attend(functional.leaky_relu(model.filtering(x), 0.01)).sigmoid()
        hidden = functional.leaky_relu(model.first(weight * x), 0.01)
        hidden = functional.leaky_relu(model.second(hidden), 0.01)
        curve = normalised(model.classify(hidden).transpose(1, 2))[0, :, :2].detach()
        np.testing.assert_allclose(scores.foreground[rows], weight[0, 0].detach(), rtol=1e-5)
        np.testing.assert_allclose(scores.class_probability[rows], curve.clamp(1e-12, 1), rtol=1e-4, atol=1e-5)


def test_the_network_is_that_of_torchs_convolutions() -> None:
    model, data = _labelled()
    batch = next(model.validation_batches(data))
    outputs = model.eval()(batch.features)
    x = batch.features.view(4, 16, 3).transpose(1, 2)
    attention = model.attend(functional.leaky_relu(model.filtering(x), 0.01))
    for ours, branch in ((outputs.base, x), (outputs.suppressed, attention.sigmoid() * x)):
        hidden = branch
        for layer in (model.first, model.second):
            hidden = functional.leaky_relu(layer(hidden), 0.01)
        torch.testing.assert_close(ours, model.classify(hidden).transpose(1, 2), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(outputs.attention.view(4, 16), attention[:, 0])
