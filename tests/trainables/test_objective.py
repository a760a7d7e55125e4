"""How the number that trials are compared by is written: never a signal that looks like an mAP."""

from __future__ import annotations

import pytest

from trainables.objective import Objective, signal_name

LOSS = Objective.of("video-labels", "video_loss", "mAP@0.5")
CONTRAST = Objective.of("video-labels", "contrast", "mAP@0.5")
MAP = Objective.of("held-out", "video_loss", "mAP@0.5")


@pytest.mark.parametrize(
    ("objective", "value", "text", "brief"),
    [
        (MAP, 45.06, "mAP@0.5 45.1", "45.1"),
        (LOSS, -0.4123, "video loss 0.412", "video loss 0.412"),
        (CONTRAST, 20.31, "contrast 20.3 %", "contrast 20.3 %"),
        (LOSS, None, "video loss -", "-"),
        (MAP, float("nan"), "mAP@0.5 -", "-"),
    ],
)
def test_only_an_map_may_stand_without_its_name(objective: Objective, value: float, text: str, brief: str) -> None:
    assert objective.text(value) == text
    assert objective.brief(value) == brief


def test_people_read_a_loss_and_axes_its_negative() -> None:
    assert LOSS.is_loss
    assert LOSS.number(-0.25, 2) == "0.2500"
    assert (LOSS.recorded, CONTRAST.recorded, MAP.recorded) == (
        "−video loss (higher is better)", "contrast (%)", "mAP@0.5 (%)"
    )  # fmt: skip
    assert [signal_name(name) for name in ("video_loss", "video_map", "label_agreement")] == [
        "−video loss", "video mAP", "label agreement"
    ]  # fmt: skip


def test_a_difference_has_the_unit_of_what_is_compared() -> None:
    assert [one.difference(1.5) for one in (MAP, LOSS, CONTRAST)] == [
        "1.50 points", "1.5000 of video loss", "1.50 points of contrast"
    ]  # fmt: skip
