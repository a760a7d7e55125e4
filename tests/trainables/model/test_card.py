"""The card of an exported model."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.trainables.model.models import CLASSES, RUN, a_description
from trainables.model.card import card_text
from trainables.model.description import ModelFeatures
from trainables.report import Pair, SplitMap, TunedThresholds


def test_it_names_model_data_classes_and_how_it_was_chosen() -> None:
    text = card_text(a_description())
    assert text.startswith("# refineloc on Jumps: study demo, trial t0003\n")
    assert f"Classes: {', '.join(CLASSES)}." in text
    assert "- made by i3d-rgb (16-d), 16 frames at 25 fps, stride 16" in text
    assert "It has the highest mAP." in text
    for line in ("- loss.beta: 2.0", "- data: Jumps, content 0123456789abcdef", "- versions: torch 2.13.0"):
        assert f"{line}\n" in text
    assert text.endswith("## Notes\n\n- one note\n")


def test_one_frame_is_no_frames() -> None:
    run = RUN.updated({"dataset.snippet_frames": 1, "dataset.window_frames": None, "dataset.snippet_fps": 40.0})
    text = card_text(a_description(run=run))
    assert "- a row is 1 frame at 40.0 fps, the next one begins 1 frame later\n" in text


def test_the_numbers_are_a_row_for_each_annotated_split() -> None:
    maps = {
        "train": SplitMap(12.25, (0.3, 0.5), (50.0, None), videos=8, instances=9).to_json(),
        "held_out": None,
        "test": SplitMap(None, (0.3, 0.5), (None, None)).to_json(),
    }
    text = card_text(a_description(origin=replace(a_description().origin, report={"map": maps})))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows == [
        "| split | videos | instances | mAP@0.3 | mAP@0.5 |",
        "|---|---|---|---|---|",
        "| training | 8 | 9 | 50.0 | – |",
    ]


def test_without_annotations_it_says_that_there_is_no_map() -> None:
    assert "No split has temporal annotations: there is no mAP." in card_text(a_description())


@pytest.mark.parametrize("rule", ["paper", "held-out", "video-labels"])
def test_the_rule_that_chose_is_explained(rule: str) -> None:
    signal = {"selection.signal": "contrast"} if rule == "video-labels" else {}
    text = card_text(a_description(run=RUN.updated({"selection.rule": rule, **signal})))
    assert f"(`selection.rule: {rule}`)" in text
    assert ("new videos will score lower" in text) == (rule == "paper")


def test_simulated_data_and_undescribed_features_are_said() -> None:
    origin = replace(a_description().origin, simulated=True, iteration=0)
    text = card_text(a_description(origin=origin, features=ModelFeatures(16, 16)))
    assert "**The data were simulated. This model says nothing about real videos.**" in text
    assert "how they were made is not described" in text
    assert "iteration 0 (M0, without refinement)" in text


def test_thresholds_that_were_chosen_after_the_training_are_told_with_what_the_configurations_give() -> None:
    tuned = TunedThresholds(Pair(0.3, 0.05), Pair(0.5, 0.1), {"train": None, "held_out": 41.25, "test": 38.0})
    origin = replace(a_description().origin, report={"tuned": tuned.to_json()})
    text = card_text(a_description(origin=origin))
    assert "from a grid of pairs: αA = 0.3, αC = 0.05." in text
    own = "With the configuration's pair, αA = 0.5, αC = 0.1, the mAP that selects would be: held out 41.2, test 38.0."
    assert own in text
    assert "from a grid of pairs" not in card_text(a_description())
