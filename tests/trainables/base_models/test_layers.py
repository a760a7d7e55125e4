"""Dropout from a given stream."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from trainables.base_models.layers import RectifiedDropout


def layer(share: float = 0.7, seed: int = 0, slope: float = 0.0) -> RectifiedDropout:
    return RectifiedDropout(share, torch.Generator().manual_seed(seed), slope).train()


@pytest.mark.parametrize("slope", [0.0, 0.01])
def test_it_is_a_rectifier_times_a_mask_over_its_share_and_so_is_its_gradient(slope: float) -> None:
    x = torch.randn(50, 31, generator=torch.Generator().manual_seed(1), dtype=torch.float64, requires_grad=True)
    of_out = torch.randn(50, 31, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    ours = layer(slope=slope)(x * 1)
    kept = layer(slope=slope)(torch.ones(50, 31, dtype=torch.float64)) > 0  # the same mask, on ones
    obvious = functional.leaky_relu(x, slope) * kept / (round(0.3 * 65536) / 65536)
    torch.testing.assert_close(ours, obvious)
    gradients = [torch.autograd.grad((out * of_out).sum(), x)[0] for out in (ours, obvious)]
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.7])
def test_masks_keep_their_share_independently_of_place_and_call(share: float) -> None:
    dropout = layer(share)
    kept = np.stack([(dropout(torch.ones(500, 41)) > 0).numpy() for _ in range(3)])
    assert kept.mean() == pytest.approx(1 - share, abs=5 * (share * (1 - share) / kept.size) ** 0.5)
    variance = share * (1 - share)
    deviation = kept - (1 - share)
    pairs = [
        (deviation[0], deviation[1]),
        (deviation[:, 1:], deviation[:, :-1]),
        (deviation[..., 1:], deviation[..., :-1]),
    ]
    for one, other in pairs:  # between calls, rows, and columns (which share a random word)
        assert abs((one * other).mean()) < 5 * variance / one.size**0.5


def test_masks_depend_on_the_seed_alone_and_there_are_none_in_evaluation() -> None:
    first, same, other = (layer(seed=seed)(torch.ones(9, 9)) for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert torch.equal(layer().eval()(torch.ones(9, 9)), torch.ones(9, 9))
    assert torch.equal(layer(share=0.0)(torch.ones(9, 9)), torch.ones(9, 9))


def test_the_type_of_the_activations_changes_no_mask() -> None:
    single, half = (layer()(torch.ones(40, 40, dtype=dtype)) > 0 for dtype in (torch.float32, torch.bfloat16))
    assert torch.equal(single, half)
