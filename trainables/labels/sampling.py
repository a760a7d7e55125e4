"""Foreground masks of a split, and the sample of them that a model trains with (paper, section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from trainables.data import BACKGROUND, FOREGROUND, HIDDEN, Split

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int8]


def union(masks: Sequence[Mask]) -> Mask:
    """Foreground in any of the masks: labels from the last m iterations (released code; D29)."""
    return np.logical_or.reduce(masks)


def of_any_class(foreground: Mask) -> Mask:
    """Foreground of any class, (N,), of a mask (N,) or (N, C)."""
    mask: Mask = np.logical_or.reduce(foreground.reshape(len(foreground), -1), axis=1)
    return mask


def sample(foreground: Mask, split: Split, share: float, rng: np.random.Generator) -> Labels:
    """Labels of which a random ``share`` S per video is used, the others HIDDEN; int8, shape of ``foreground``.

    foreground: (N,), or (N, C) where each class has labels of its own: the same snippets are hidden for all.

    int(T (1 - S)) distinct snippets of each video are hidden, as released (paper: "80%"; D12).
    """
    lengths = split.lengths
    # 1 - 0.8 is 0.19999..., of which int(10 *) would hide one snippet too few.
    hidden_V = np.floor(lengths * (1 - share) + 1e-9).astype(np.int64)
    # One key per snippet, the video's number and a random fraction: half the time of sorting by two keys.
    order = np.argsort(split.video_of_snippet + rng.random(split.num_snippets))
    rank = np.arange(split.num_snippets) - np.repeat(split.offsets[:-1], lengths)
    labels = np.where(foreground, FOREGROUND, BACKGROUND).astype(np.int8)
    labels[order[rank < np.repeat(hidden_V, lengths)]] = HIDDEN
    return labels


def background_share(foreground: Mask) -> float:
    """phi: share of pseudo background over a split, before sampling (refineloc.md, section 2)."""
    return float(1 - foreground.mean()) if foreground.size else 0.0
