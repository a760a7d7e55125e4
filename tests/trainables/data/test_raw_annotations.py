"""What every format's reader checks of single values, and the field's words for subsets."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainables.data.raw_annotations import RawVideo, by_convention, frame_rate, interval, positive, video_name
from trainables.errors import UserError


@pytest.mark.parametrize(
    ("words", "splits"),
    [
        (("training", "validation", "testing"), ("train", "test", "unused")),
        (("Validation", "Test"), ("train", "test")),
        (("train", "test"), ("train", "test")),
        (("train", "val"), ("train", "test")),
        (("testing",), ("test",)),
        (("validation",), ("train",)),
    ],
)
def test_subsets_are_understood_as_the_field_uses_them(words: tuple[str, ...], splits: tuple[str, ...]) -> None:
    found = by_convention([RawVideo(f"v{place}", word) for place, word in enumerate(words)], Path("x"))
    assert tuple(found.values()) == splits


def test_an_unknown_subset_is_named() -> None:
    with pytest.raises(UserError, match="x: subset 'dev' is unknown; understood: test, testing, train"):
        by_convention([RawVideo("v", "dev")], Path("x"))


def test_numbers_are_positive_or_unknown() -> None:
    assert (positive(None, "it", "x"), positive("2.5", "it", "x")) == (None, 2.5)
    assert (frame_rate(None, "x"), frame_rate(0, "x"), frame_rate("0.0", "x"), frame_rate(25, "x")) == (
        None, None, None, 25,
    )  # fmt: skip


@pytest.mark.parametrize("value", [-1, "x", "inf", [], {}, True, "1_0"])
def test_what_is_no_positive_number_is_refused(value: object) -> None:
    with pytest.raises(UserError, match="x: it must be"):
        positive(value, "it", "x")
    with pytest.raises(UserError, match="x: the frame rate must be"):
        frame_rate(value, "x")
    with pytest.raises(UserError, match="x: it must be above 0, got 0"):
        positive(0, "it", "x")


def test_times_are_numbers_and_may_be_the_wrong_way_round() -> None:
    assert interval("v", "2", 1, "a", "x")[1:3] == (2.0, 1.0)
    with pytest.raises(UserError, match="x: a time must be a number, got None"):
        interval("v", None, 1, "a", "x")
    with pytest.raises(UserError, match="x: a video's name must be a name"):
        video_name(" ", "x")
