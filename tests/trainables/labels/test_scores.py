from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.trainables.worlds import random_scores


def test_the_counts_and_the_video_of_each_snippet_follow_from_the_arrays() -> None:
    scores = random_scores([2, 3], classes=4, rng=np.random.default_rng(0))
    assert (scores.num_snippets, scores.num_classes) == (5, 4)
    assert scores.video_of_snippet.tolist() == [0, 0, 1, 1, 1]
    with_an_empty_one = replace(scores, offsets=np.array([0, 2, 2, 5]))
    assert with_an_empty_one.video_of_snippet.tolist() == [0, 0, 2, 2, 2]
