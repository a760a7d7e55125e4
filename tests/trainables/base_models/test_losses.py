"""Losses and attention against the reference implementation and against plain loops over videos."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from trainables.base_models.attention import foreground_probability, temporal_weights
from trainables.base_models.losses import pseudo_label_loss, video_loss
from trainables.batching.layout import VideoLayout
from trainables.labels.sampling import FOREGROUND, HIDDEN

CASES = 4


@pytest.mark.parametrize("case", range(CASES))
def test_losses_and_gradients_equal_the_reference(parity: Path, case: int) -> None:
    expected = json.loads((parity / "losses.json").read_text())[case]
    inputs = np.load(parity / "losses_inputs.npz")
    cas = torch.from_numpy(inputs[f"cas_{case}"]).requires_grad_()
    attention = torch.from_numpy(inputs[f"attention_{case}"]).requires_grad_()
    layout = VideoLayout.of(inputs[f"lengths_{case}"])
    labels = torch.from_numpy(inputs[f"labels_{case}"])
    target = torch.nn.functional.one_hot(labels, cas.shape[1]).float()
    share = expected["background_share"] if expected["class_weighted"] else None

    weights = temporal_weights(attention, layout)
    video = video_loss(cas, weights, target, layout).mean()
    pseudo = pseudo_label_loss(attention, torch.from_numpy(inputs[f"pseudo_{case}"]), layout, share).mean()
    loss = video + expected["beta"] * pseudo
    loss.backward()

    assert video.item() == pytest.approx(expected["video_loss"], rel=1e-5)
    assert pseudo.item() == pytest.approx(expected["pseudo_loss"], rel=1e-5)
    assert loss.item() == pytest.approx(expected["loss"], rel=1e-5)
    for ours, name in ((cas.grad, "grad_cas"), (attention.grad, "grad_attention")):
        assert ours is not None
        reference = inputs[f"{name}_{case}"]
        np.testing.assert_allclose(ours.numpy(), reference, rtol=1e-5, atol=1e-5 * np.abs(reference).max())


def test_log_outside_is_the_cross_entropy_of_the_pooled_distribution() -> None:
    cas = torch.tensor([[2.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    weights = torch.tensor([0.25, 0.75, 1.0])
    target = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    layout = VideoLayout.of(np.array([2, 1]))
    first = 0.25 / (1 + math.exp(-2)) + 0.75 / (1 + math.exp(1))
    loss = video_loss(cas, weights, target, layout, "log_outside")
    assert loss.tolist() == pytest.approx([-math.log(first), -math.log(0.5)])


def test_log_inside_bounds_log_outside_from_above() -> None:
    generator = torch.Generator().manual_seed(0)
    cas, attention = torch.randn(40, 5, generator=generator), torch.randn(40, 1, generator=generator)
    layout = VideoLayout.of(np.full(4, 10))
    target = torch.eye(5)[:4]
    weights = temporal_weights(attention, layout)
    inside = video_loss(cas, weights, target, layout, "log_inside")
    assert (inside >= video_loss(cas, weights, target, layout, "log_outside")).all()


def test_a_video_without_labels_has_no_pseudo_loss_and_a_finite_gradient() -> None:
    attention = torch.zeros(3, 1, requires_grad=True)
    labels = torch.full((3,), HIDDEN, dtype=torch.int8)
    loss = pseudo_label_loss(attention, labels, VideoLayout.of(np.array([2, 1])), background_share=0.5)
    loss.sum().backward()
    assert loss.tolist() == [0.0, 0.0]
    assert attention.grad is not None
    assert (attention.grad == 0).all()


@pytest.mark.parametrize("mean_over", ["sampled", "all_snippets"])
def test_the_mean_is_over_sampled_or_over_all_snippets(mean_over: str) -> None:
    attention = torch.zeros(4, 1)
    labels = torch.tensor([FOREGROUND, HIDDEN, HIDDEN, HIDDEN], dtype=torch.int8)
    loss = pseudo_label_loss(attention, labels, VideoLayout.of(np.array([4])), None, mean_over)  # type: ignore[arg-type]
    assert loss.item() == pytest.approx(math.log(2) / (1 if mean_over == "sampled" else 4))


def test_two_value_weights_never_differ_by_more_than_e() -> None:
    attention = torch.tensor([[-50.0, 50.0], [50.0, -50.0], [0.0, 0.0]])
    weights = temporal_weights(attention, VideoLayout.of(np.array([3])))
    assert foreground_probability(attention).tolist() == pytest.approx([1.0, 0.0, 0.5])
    assert (weights.max() / weights.min()).item() == pytest.approx(math.e)
