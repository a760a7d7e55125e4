"""W-TALC's detections against a slow, obvious detector."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.trainables.base_models.test_wtalc import wtalc_run
from tests.trainables.worlds import split_of
from trainables.base_models import build_base_model
from trainables.base_models.wtalc_detection import WtalcScores, detect
from trainables.config.base_models import WtalcConfig
from trainables.data.split import Split

lengths_and_seed = st.tuples(st.lists(st.integers(1, 20), min_size=2, max_size=4), st.integers(0, 9999))


def slow_detections(split: Split, cas: np.ndarray, settings: WtalcConfig) -> list[tuple[str, int, float, float, float]]:
    """Word by word after wtalc.md, section 5; sorted."""
    found = []
    for v, video in enumerate(split.videos):
        for c in range(cas.shape[1]):
            curve = cas[split.offsets[v] : split.offsets[v + 1], c].tolist()
            largest = sorted(curve, reverse=True)[: max(1, int(len(curve) / 8))]
            class_logit = sum(largest) / len(largest)
            if class_logit <= 0:
                continue
            threshold = max(curve) - (max(curve) - min(curve)) * 0.5
            t = 0
            while t < len(curve):
                end = t
                while end < len(curve) and curve[end] > threshold:
                    end += 1
                if end - t >= settings.min_snippets:
                    score = max(curve[t:end]) + settings.video_score_weight * class_logit
                    found.append((video.name, c, t * video.snippet_s, end * video.snippet_s, score))
                t = max(end, t + 1)
    return sorted(found)


@given(lengths_and_seed)
def test_detections_agree_with_the_slow_detector(case: tuple[list[int], int]) -> None:
    lengths, seed = case
    split = split_of(lengths)
    # Quarters, so that no rounding decides at the threshold.
    cas = np.random.default_rng(seed).integers(-8, 9, size=(sum(lengths), 3)).astype(np.float32) / 4
    model = build_base_model(wtalc_run(), 2, 3, torch.Generator())
    scores = model.scores(torch.from_numpy(cas), split=split)
    assert isinstance(scores, WtalcScores)
    settings = WtalcConfig()
    found = detect(scores, split, settings)
    rows = sorted(zip(found.video, found.label, found.start_s, found.end_s, found.score, strict=True))
    expected = slow_detections(split, cas, settings)
    assert [row[:2] for row in rows] == [row[:2] for row in expected]
    np.testing.assert_allclose([row[2:] for row in rows], [row[2:] for row in expected], rtol=1e-5)
