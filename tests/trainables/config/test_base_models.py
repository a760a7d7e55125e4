"""Settings of the published base models."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from trainables.config.base_models import BaseModelSettings, BasnetConfig, WtalcConfig


def test_without_settings_a_model_is_as_published() -> None:
    assert BaseModelSettings().model_dump() == {"wtalc": None, "basnet": None}
    wtalc, basnet = WtalcConfig(), BasnetConfig()
    assert (wtalc.hidden, wtalc.window, wtalc.pairs, wtalc.pool, wtalc.dropout) == (2048, 750, 3, 8, 0.7)
    assert (basnet.length, basnet.hidden, basnet.pool, basnet.sparsity, basnet.max_overlap) == (750, 2048, 8, 1e-4, 0.7)
    assert basnet.thresholds == tuple(round(0.025 * k, 3) for k in range(10))


def test_quirks_of_the_released_code_are_off_by_default() -> None:
    basnet = BasnetConfig()
    quirks = basnet.released_empty_check, basnet.released_nms_overlap, basnet.video_score == "binarised"
    assert quirks == (False, False, False)


@pytest.mark.parametrize(
    "tree",
    [
        {"wtalc": {"dropout": 1.0}},  # nothing would be left
        {"wtalc": {"mil_share": 1.5}},
        {"wtalc": {"head_use": "gates"}},
        {"basnet": {"thresholds": []}},
        {"basnet": {"max_overlap": 0}},
        {"refineloc": {}},
    ],
)
def test_values_without_a_meaning_are_refused(tree: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BaseModelSettings.model_validate(tree)
