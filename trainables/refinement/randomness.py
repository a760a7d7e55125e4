"""Random streams from (replicate seed, iteration, purpose): no global seed, no order of calls to keep.

Two trials of one replicate seed share every stream, so they share M0, the shuffling and the held-out videos.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    import torch

Purpose = Literal[
    "initial_weights",
    "shuffling",
    "held_out",
    "labels_train",
    "labels_valid",
    "sampling_train",
    "sampling_valid",
    "shuffling_valid",
]

# Released code: numpy is seeded with this constant whatever the run's seed is (D37).
FIXED_LABEL_SEED = 424242


def _sequence(seed: int, iteration: int, purpose: Purpose) -> np.random.SeedSequence:
    # By place: a new purpose belongs at the end of the list, or the streams of earlier versions change.
    return np.random.SeedSequence([seed, iteration, get_args(Purpose).index(purpose)])


def numpy_stream(seed: int, iteration: int, purpose: Purpose) -> np.random.Generator:
    """Numpy generator of this purpose."""
    return np.random.default_rng(_sequence(seed, iteration, purpose))


def torch_stream(seed: int, iteration: int, purpose: Purpose) -> torch.Generator:
    """Torch CPU generator of this purpose; weights are drawn on the CPU whatever device trains."""
    import torch  # takes seconds to import; which videos are held out is known without

    state = int(_sequence(seed, iteration, purpose).generate_state(1, np.uint64)[0])
    return torch.Generator().manual_seed(state)
