"""The spellings of a video's name."""

from __future__ import annotations

import pytest

from trainables.data.video_names import find_name


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        ("a", {"a", "v_a"}, "a"),
        ("v_a", {"a", "v_a"}, "v_a"),
        ("v_a", {"a"}, "a"),
        ("a", {"v_a"}, "v_a"),
        ("a.mp4", {"a"}, "a"),
        ("v_a.MP4", {"a"}, "a"),
        ("a", {"v_a.mkv"}, "v_a.mkv"),
        ("a.b", {"a"}, None),
        ("b", {"a"}, None),
        ("", {"a"}, None),
    ],
)
def test_prefix_and_suffix_may_be_there_or_not(name: str, known: set[str], found: str | None) -> None:
    assert find_name(name, known) == found
