"""Which videos train, and which choose the epoch, the iteration and the configuration (D21)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from trainables.config import RunConfig
from trainables.data import Dataset, Split
from trainables.errors import UserError, nearest
from trainables.refinement.randomness import numpy_stream
from trainables.refinement.unsupervised import SIGNALS, Signal


class SelectionSplits(NamedTuple):
    """train: videos that train. valid: videos that choose. test: videos that are reported (``paper``: valid)."""

    train: Split
    valid: Split
    test: Split

    def reported(self) -> dict[str, Split]:
        """Splits with an mAP of their own, by name."""
        return {split.name: split for split in (self.train, self.valid, self.test)}


def selection_splits(config: RunConfig, data: Dataset) -> SelectionSplits:
    """``paper``: the test split chooses, as the authors did. ``held-out``, ``video-labels``: a stratified part of the
    training videos. Raises UserError where that cannot be."""
    found = _splits(config, data)
    require_annotations(config, found)
    return found


def _splits(config: RunConfig, data: Dataset) -> SelectionSplits:
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


def require_annotations(config: RunConfig, splits: SelectionSplits, generators: Iterable[str] | None = None) -> None:
    """Raise UserError for settings that need temporal annotations which there are not.

    generators: all that will make labels; None: the configured one.
    """
    signal_named(config.selection.signal)  # under every rule: a misspelled name is no wish
    trains_background(config)
    rule, needed = config.selection.rule, splits.valid.annotated_part()
    if rule == "video-labels":
        if config.selection.signal == "label_agreement" and config.refinement.iterations == 1:
            raise UserError(
                "selection.signal: label_agreement is known from iteration 1 on, and refinement.iterations is 1, M0 "
                "alone; choose another signal, or more iterations"
            )
        if config.training.choice == "best_map":
            raise UserError(
                "training.choice: best_map chooses by mAP, rule video-labels without; set lowest_loss or last"
            )
    elif needed is None or not len(needed.ground_truth):
        whose = "test videos" if rule == "paper" else "held-out training videos"
        raise UserError(
            f"selection.rule: {rule} compares by the mAP of the {whose}, which have no temporal annotation; choose by "
            "--selection video-labels"
        )
    for name in (config.pseudo_labels.generator,) if generators is None else generators:
        if name == "oracle" and not (splits.train.is_annotated and splits.valid.is_annotated):
            raise UserError(
                "pseudo_labels.generator: the oracle makes its labels from the temporal annotations of all videos that "
                "train and choose, and some have none; leave it out"
            )
    if config.pseudo_labels.foreground_share == "annotated" and splits.train.annotated_part() is None:
        raise UserError(
            "pseudo_labels.foreground_share: 'annotated' is the share of foreground in the training videos' temporal "
            "annotations, and they have none; set a number, as --set pseudo_labels.foreground_share=0.6"
        )


def trains_background(config: RunConfig) -> bool:
    """Whether videos without any label train, as background throughout; only RefineLoc's losses know such videos.

    Raises UserError for another base model.
    """
    if config.dataset.background != "background":
        return False
    if config.model.name != "refineloc":
        raise UserError(
            f"labels.background: background trains videos without labels, which base model {config.model.name} cannot; "
            "set exclude"
        )
    return True


def signal_named(name: str) -> Signal:
    """The registered signal, or UserError with the nearest known name."""
    if name not in SIGNALS:
        raise UserError(f"selection.signal: no signal '{name}'. {nearest(name, SIGNALS)}")
    return SIGNALS[name]


def held_out_videos(split: Split, share: float, seed: int) -> np.ndarray:
    """Mask of held-out videos, shape (V,): of each class (a video's first) the nearest whole number to ``share``.

    A class keeps at least one training video. Depends on the replicate seed alone, so that the trials of a seed
    are compared on the same videos.
    """
    rng = numpy_stream(seed, 0, "held_out")
    # A video counts for one class only, so that it lies in one stratum.
    first_class = np.array([video.labels[0] if video.labels else -1 for video in split.videos])
    held_out = np.zeros(len(split), dtype=bool)
    for label in np.unique(first_class):
        members = np.flatnonzero(first_class == label)
        count = min(round(share * len(members)), len(members) - 1)
        held_out[rng.permutation(members)[:count]] = True
    return held_out
