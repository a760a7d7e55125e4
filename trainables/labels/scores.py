"""Scores of the snippets of a split by a trained base model: the input of prediction and pseudo labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SMALLEST_SCORE = 1e-12  # of what must stay positive: a threshold of 0 switches a condition off


@dataclass(frozen=True, eq=False)
class SnippetScores:
    """Scores of all N snippets of a split's V videos, one after another (``Split.offsets``); C classes.

    class_probability: (N, C), in [0, 1]: how surely a snippet shows a class; positive for a class that the model
    predicts in the video. foreground: (N,), probability of foreground, positive. temporal_weight: (N,), attention
    over time, sums to 1 per video. video_score: (V, C), higher is surer, positive; mean_score: (V, C), the same
    without attention. All float32. RefineLoc: a class probability's rows sum to 1, a video's is pooled by attention
    (paper, section 3.1) or by the plain mean over time. The other base models say at ``scores`` what they put here.
    """

    class_probability: npt.NDArray[np.float32]
    foreground: npt.NDArray[np.float32]
    temporal_weight: npt.NDArray[np.float32]
    video_score: npt.NDArray[np.float32]
    mean_score: npt.NDArray[np.float32]
    offsets: npt.NDArray[np.int64]

    @property
    def num_snippets(self) -> int:
        return len(self.foreground)

    @property
    def num_classes(self) -> int:
        return int(self.class_probability.shape[1])

    @property
    def video_of_snippet(self) -> npt.NDArray[np.int64]:
        """Index of each snippet's video, shape (N,)."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
