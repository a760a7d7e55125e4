"""W-TALC's losses against slow, obvious versions and cases worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from trainables.base_models.wtalc_losses import classify_and_pool, co_activity_loss, mean_of_largest, mil_loss
from trainables.batching.layout import VideoLayout

lengths_and_seed = st.tuples(st.lists(st.integers(1, 20), min_size=2, max_size=4), st.integers(0, 9999))


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
