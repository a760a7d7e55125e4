"""Frames on a grid of time, and windows of them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.videos.sampling import TOLERANCE_S, Timed, at_rate, num_windows, windows


def steady(count: int, fps: int, start: Fraction = Fraction(0)) -> list[Timed]:
    return [Timed(start + Fraction(k, fps), Fraction(1, fps), k) for k in range(count)]


def shown(frames: Sequence[Timed], fps: int | None) -> list[object]:
    return list(at_rate(frames, None if fps is None else Fraction(fps)))


def test_the_same_rate_gives_every_frame_once() -> None:
    assert shown(steady(10, 25), 25) == list(range(10))


def test_thirty_frames_a_second_become_25() -> None:
    assert shown(steady(12, 30), 25) == [k * 30 // 25 for k in range(10)]


def test_a_slow_video_shows_frames_twice() -> None:
    assert shown(steady(3, 10), 20) == [0, 0, 1, 1, 2, 2]


def test_the_rate_of_the_file_is_kept_when_none_is_asked_for() -> None:
    assert shown(steady(7, 13), None) == list(range(7))


def test_time_begins_with_the_first_frame() -> None:
    assert shown(steady(10, 25, start=Fraction(7, 3)), 25) == list(range(10))


def test_a_frame_that_is_held_is_shown_until_the_next_one() -> None:
    held = [Timed(Fraction(0), Fraction(1, 25), "a"), Timed(Fraction(1), Fraction(1, 25), "b")]
    assert shown(held, 25) == ["a"] * 25 + ["b"]


def test_times_rounded_to_milliseconds_skip_nothing() -> None:
    rounded = [Timed(Fraction(round(1000 * k / 30), 1000), Fraction(33, 1000), k) for k in range(90)]
    assert shown(rounded, 30) == list(range(90))


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 200))
def test_as_many_frames_as_the_duration_has(native: int, fps: int, count: int) -> None:
    # A frame counts as shown a millisecond before its time, as some files keep no finer times.
    times = [Fraction(k, fps) + TOLERANCE_S for k in range(count * fps // native + 1)]
    expected = [int(time * native) for time in times if time * native < count]
    assert shown(steady(count, native), fps) == expected


@given(st.integers(0, 80), st.integers(1, 20), st.integers(1, 30))
def test_windows_are_slices_and_their_number_follows_the_formula(frames: int, window: int, stride: int) -> None:
    found = [list(part) for part in windows(range(frames), window, stride)]
    assert found == [list(range(k, k + window)) for k in range(0, frames - window + 1, stride)]
    assert len(found) == num_windows(frames, window, stride)


@pytest.mark.parametrize(("frames", "rows"), [(201, 12), (16, 1), (15, 0), (0, 0)])
def test_201_frames_have_12_rows_of_16(frames: int, rows: int) -> None:
    assert num_windows(frames, 16, 16) == rows
