"""Several networks in one: the same logits and gradients as each network on its own."""

from __future__ import annotations

import pytest
import torch

from tests.trainables.refinement.test_refine import tiny_run
from trainables.base_models import RefineLoc
from trainables.gpu.refineloc_stack import RefineLocStack

DIMENSIONS, CLASSES = 8, 3


def models_of(layers: int, attention: str) -> list[RefineLoc]:
    run = tiny_run(model__layers=layers, model__attention=attention)
    return [RefineLoc(run, DIMENSIONS, CLASSES, torch.Generator().manual_seed(seed)) for seed in range(3)]


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("attention", ["two_value", "scalar"])
def test_logits_and_gradients_are_those_of_each_network(layers: int, attention: str) -> None:
    alone, stacked = models_of(layers, attention), models_of(layers, attention)
    features = torch.randn((11, DIMENSIONS), generator=torch.Generator().manual_seed(9))
    stack = RefineLocStack(stacked)
    together = stack.forward(features)
    weight = torch.arange(1.0, 1 + together.cas.numel()).reshape_as(together.cas)
    ((weight * together.cas).sum() + together.attention.square().sum()).backward()
    stack.share_gradients()
    for k, (one, other) in enumerate(zip(alone, stacked, strict=True)):
        own = one(features)
        rows = slice(11 * k, 11 * (k + 1))
        torch.testing.assert_close(together.cas[rows], own.cas)
        torch.testing.assert_close(together.attention[rows], own.attention)
        ((weight[rows] * own.cas).sum() + own.attention.square().sum()).backward()
        for ours, theirs in zip(one.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(theirs.grad, ours.grad, rtol=1e-4, atol=1e-4)


def test_a_change_of_a_network_is_a_change_of_the_stack() -> None:
    models = models_of(2, "two_value")
    stack = RefineLocStack(models)
    features = torch.ones((1, DIMENSIONS))
    before = stack.forward(features).cas.detach()
    with torch.no_grad():
        for parameter in models[1].parameters():
            parameter.zero_()
    after = stack.forward(features).cas.detach()
    assert after[1].tolist() == [0.0] * CLASSES
    assert after[[0, 2]].tolist() == before[[0, 2]].tolist()
