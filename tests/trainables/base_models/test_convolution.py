"""Convolutions as matrix products against torch's own, values and gradients."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from trainables.base_models.convolution import branches, convolve, positions_of, taps

sizes = st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 4), st.integers(1, 4), st.integers(0, 9999))


def drawn(seed: int, *shapes: tuple[int, ...]) -> list[Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=rng, dtype=torch.float64) for shape in shapes]


def as_torch_does(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """(B, L, D) -> (B, L, H) by torch's convolution."""
    return functional.conv1d(x.transpose(1, 2), weight, bias, padding=1).transpose(1, 2)


def values_and_gradients(out: Tensor, of_out: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    return [out, *torch.autograd.grad((out * of_out).sum(), inputs)]


@pytest.mark.parametrize("with_base", [True, False])
@given(size=sizes)
def test_both_branches_of_the_first_convolution_agree_with_two_of_torchs(
    size: tuple[int, int, int, int, int], with_base: bool
) -> None:
    videos, length, inputs, channels, seed = size
    x, m, weight, bias, of_out = drawn(
        seed,
        (videos, length, inputs),
        (videos, length),
        (channels, inputs, 3),
        (channels,),
        ((1 + with_base) * videos, length, channels),
    )
    trained = [value.requires_grad_() for value in (m, weight, bias)]
    products = (x @ taps(weight, x.dtype).flatten(0, 1).T).view(videos, length, 3, channels)
    ours = positions_of(branches(products, m, bias, with_base), length)
    suppressed = as_torch_does(m[..., None] * x, weight, bias)
    theirs = torch.cat([as_torch_does(x, weight, bias), suppressed]) if with_base else suppressed
    for one, other in zip(
        values_and_gradients(ours, of_out, trained), values_and_gradients(theirs, of_out, trained), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@given(sizes)
def test_a_convolution_of_a_spaced_matrix_agrees_with_torchs(size: tuple[int, int, int, int, int]) -> None:
    videos, length, inputs, channels, seed = size
    x, weight, bias, of_out = drawn(
        seed, (videos, length, inputs), (channels, inputs, 3), (channels,), (videos, length, channels)
    )
    trained = [value.requires_grad_() for value in (x, weight, bias)]
    spaced = functional.pad(functional.pad(x, (0, 0, 1, 0)).flatten(0, 1), (0, 0, 0, 1))
    ours = positions_of(convolve(spaced, taps(weight, x.dtype), bias), length)
    theirs = as_torch_does(x, weight, bias)
    for one, other in zip(
        values_and_gradients(ours, of_out, trained), values_and_gradients(theirs, of_out, trained), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@given(sizes)
def test_in_bfloat16_it_is_the_same_convolution_within_its_rounding(size: tuple[int, int, int, int, int]) -> None:
    videos, length, inputs, channels, seed = size
    x, weight, bias, of_out = drawn(
        seed, (videos, length, inputs), (channels, inputs, 3), (channels,), (videos, length, channels)
    )
    found = []
    for dtype in (torch.float64, torch.bfloat16):
        trained = [value.bfloat16().to(dtype).requires_grad_() for value in (x, weight, bias)]
        spaced = functional.pad(functional.pad(trained[0], (0, 0, 1, 0)).flatten(0, 1), (0, 0, 0, 1))
        out = positions_of(convolve(spaced, taps(trained[1], dtype), trained[2]), length)
        found.append(values_and_gradients(out, of_out.bfloat16().to(dtype), trained))
    for exact, rounded in zip(*found, strict=True):
        largest = float(exact.detach().abs().max())
        torch.testing.assert_close(rounded.double(), exact, rtol=0.02, atol=0.02 * largest + 0.05)


def test_the_rows_between_the_videos_are_zero_for_the_next_convolution() -> None:
    products, m, bias = drawn(0, (2, 3, 3, 4), (2, 3), (4,))
    spaced = branches(products, m, bias)
    assert spaced.shape == (17, 4)
    assert (spaced[::4] == 0).all()
