from __future__ import annotations

from itertools import product
from typing import get_args

import torch

from trainables.refinement.randomness import Purpose, numpy_stream, torch_stream


def test_every_seed_iteration_and_purpose_has_a_stream_of_its_own() -> None:
    keys = list(product(range(3), range(3), get_args(Purpose)))
    assert len({numpy_stream(*key).integers(2**62) for key in keys}) == len(keys)
    assert len({int(torch.randint(2**62, (), generator=torch_stream(*key))) for key in keys}) == len(keys)


def test_a_stream_does_not_depend_on_what_was_drawn_elsewhere() -> None:
    first = numpy_stream(5, 1, "shuffling").permutation(9).tolist()
    numpy_stream(5, 1, "held_out").permutation(9)
    torch.manual_seed(1)
    assert numpy_stream(5, 1, "shuffling").permutation(9).tolist() == first


def test_the_streams_are_those_of_earlier_versions() -> None:
    """Numbers of recorded studies depend on them."""
    assert numpy_stream(0, 0, "shuffling").permutation(8).tolist() == SHUFFLING
    assert torch.randint(100, (4,), generator=torch_stream(0, 0, "initial_weights")).tolist() == WEIGHTS


SHUFFLING: list[int] = [4, 1, 5, 3, 6, 7, 2, 0]
WEIGHTS: list[int] = [76, 38, 73, 57]
