from __future__ import annotations

import numpy as np
import pytest

from trainables.labels.quality import label_quality


def test_quality_counts_both_classes_and_leaves_the_undefined_open() -> None:
    quality = label_quality(np.array([True, True, False, False]), np.array([True, False, False, False]))
    assert (quality.foreground_precision, quality.foreground_recall) == (50.0, 100.0)
    assert quality.background_recall == pytest.approx(200 / 3)
    assert quality.background_share == 50.0
    assert label_quality(np.zeros(3, dtype=bool), np.zeros(3, dtype=bool)).foreground_precision is None
