"""Which videos train, and which choose the epoch, the iteration and the configuration (D21)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from trainables.config import RunConfig
from trainables.data import Dataset, Split
from trainables.errors import UserError
from trainables.refinement.randomness import numpy_stream


class SelectionSplits(NamedTuple):
    """train: videos that train. valid: videos that choose. test: videos that are reported (``paper``: valid)."""

    train: Split
    valid: Split
    test: Split

    def reported(self) -> dict[str, Split]:
        """Splits with an mAP of their own, by name."""
        return {split.name: split for split in (self.train, self.valid, self.test)}


def selection_splits(config: RunConfig, data: Dataset) -> SelectionSplits:
    """``paper``: the test split chooses, as the authors did. ``held-out``: a stratified part of the training videos."""
    if config.selection.rule == "paper":
        return SelectionSplits(data.train, data.test, data.test)
    held_out = held_out_videos(data.train, config.selection.held_out_share, config.seed)
    if not held_out.any() or held_out.all():
        raise UserError(
            f"selection.held_out_share: {config.selection.held_out_share:g} of {len(data.train)} training videos "
            f"holds out {int(held_out.sum())}; both parts need videos: choose another share or selection.rule paper"
        )
    return SelectionSplits(
        data.train.subset(np.flatnonzero(~held_out), "train"),
        data.train.subset(np.flatnonzero(held_out), "held_out"),
        data.test,
    )


def held_out_videos(split: Split, share: float, seed: int) -> np.ndarray:
    """Mask of held-out videos, shape (V,): of each class (a video's first) the nearest whole number to ``share``.

    A class keeps at least one training video. Depends on the replicate seed alone, so that the trials of a seed
    are compared on the same videos.
    """
    rng = numpy_stream(seed, 0, "held_out")
    first_class = np.array([video.labels[0] if video.labels else -1 for video in split.videos])
    held_out = np.zeros(len(split), dtype=bool)
    for label in np.unique(first_class):
        members = np.flatnonzero(first_class == label)
        count = min(round(share * len(members)), len(members) - 1)
        held_out[rng.permutation(members)[:count]] = True
    return held_out
