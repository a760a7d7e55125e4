"""RefineLoc's own base model: widths, the shared product of both MLPs, its losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from tests.trainables.base_models.test_family import run_of
from tests.trainables.worlds import split_of
from trainables.base_models.refineloc import RefineLoc, SnippetLogits, layer_widths, snippet_losses
from trainables.batching.layout import VideoLayout
from trainables.batching.videos import Batch


def network(**changes: Any) -> RefineLoc:
    return RefineLoc(run_of("refineloc", **changes), 8, 3, torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("layers", "floor", "widths"),
    [
        (1, True, [8, 5]),
        (3, True, [8, 5, 5, 5]),
        (3, False, [8, 4, 2, 5]),
        (5, False, [8, 4, 2, 1, 1, 5]),
    ],
)
def test_widths_halve_and_the_released_code_never_goes_below_the_outputs(
    layers: int, floor: bool, widths: list[int]
) -> None:
    assert layer_widths(8, 5, layers, floor) == widths


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(("attention", "outputs"), [("two_value", 2), ("scalar", 1)])
def test_both_mlps_are_what_they_are_apart(layers: int, attention: str, outputs: int) -> None:
    """One matrix product makes the first hidden layers of both; each reads its own rows of it."""
    model = network(model__layers=layers, model__attention=attention)
    features = torch.randn(7, 8, generator=torch.Generator().manual_seed(1))
    found = model(features)
    assert (found.cas.shape, found.attention.shape) == ((7, 3), (7, outputs))
    cas = attention_logits = features
    if model.hidden is not None:
        width = model.hidden_widths[0]
        weight, bias = model.hidden.weight, model.hidden.bias
        cas = functional.relu(features @ weight[:width].T + bias[:width])
        attention_logits = functional.relu(features @ weight[width:].T + bias[width:])
    torch.testing.assert_close(found.cas, model.class_layers(cas))
    torch.testing.assert_close(found.attention, model.attention_layers(attention_logits))


def batch(label: torch.Tensor | None) -> Batch:
    lengths = np.array([3, 2])
    layout = VideoLayout.of(lengths, torch.device("cpu"))
    return Batch(torch.zeros(5, 8), layout, torch.eye(3)[:2], label, background_share=0.5, lengths=lengths)


def test_the_total_is_the_video_loss_and_beta_times_the_pseudo_label_loss() -> None:
    config = run_of("refineloc").loss
    rng = torch.Generator().manual_seed(0)
    outputs = SnippetLogits(torch.randn(5, 3, generator=rng), torch.randn(5, 2, generator=rng))
    label = torch.tensor([1, 0, 1, 0, 1], dtype=torch.int8)
    losses = snippet_losses(outputs, batch(label), config, 4.0)
    assert (losses.pseudo > 0).all()
    torch.testing.assert_close(losses.total, losses.video + 4 * losses.pseudo)
    each = snippet_losses(outputs, batch(label), config, torch.tensor([0.0, 2.0]))
    torch.testing.assert_close(each.total, losses.video + torch.tensor([0.0, 2.0]) * losses.pseudo)


def test_the_mean_score_is_the_mean_over_snippets_and_the_video_score_weighs_them() -> None:
    split = split_of([3, 2], dimensions=8)
    readout = SnippetLogits(torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), torch.zeros(5, 2))
    scores = network().scores(*readout, split=split)
    # The same attention everywhere: weights 1 / T, and both means agree.
    assert scores.temporal_weight == pytest.approx([1 / 3] * 3 + [1 / 2] * 2)
    assert scores.video_score == pytest.approx(scores.mean_score)
    assert scores.mean_score[1] == pytest.approx(readout.cas[3:].softmax(dim=1).mean(dim=0).numpy())
