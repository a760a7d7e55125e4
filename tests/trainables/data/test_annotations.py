"""Annotations as a value: subsets, exclusions, labels of videos."""

from __future__ import annotations

from pathlib import Path

from trainables.data.annotations import AnnotatedVideo, Annotations
from trainables.data.segments import Segments

VIDEOS = tuple(AnnotatedVideo(name, split, None, None, None) for name, split in (("a", "train"), ("b", "train"),
                                                                                 ("c", "test")))  # fmt: skip
FOUND = Annotations(
    "format",
    Path("x"),
    ("run", "jump"),
    VIDEOS,
    Segments.of(["a", "c", "a"], [0, 0, 2], [1, 1, 3], [1, 0, 0]),
    {"train": Segments.of(["a"], [5], [6], [-1]), "test": Segments.of(["z"], [5], [6], [-1])},
    video_labels={"a": (1,), "b": (1, 0)},
    reversed=("b", "c"),
)


def test_a_subset_has_its_ambiguous_intervals_also_of_videos_that_are_not_listed() -> None:
    test = FOUND.subset("test")
    assert [video.name for video in test.videos] == ["c"]
    assert (len(test.instances), test.ambiguous.video.tolist(), test.reversed) == (1, ["z"], ("c",))
    assert FOUND.ambiguous.video.tolist() == ["a", "z"]


def test_removed_videos_take_all_of_theirs_along() -> None:
    kept = FOUND.without(["a", "z"])
    assert (kept.instances.video.tolist(), len(kept.ambiguous)) == (["c"], 0)


def test_labels_come_from_the_instances_or_from_the_list_and_else_from_the_other() -> None:
    assert FOUND.labels() == {"a": (0, 1), "b": (0, 1), "c": (0,)}
    assert FOUND.labels("video") == {"a": (1,), "b": (0, 1), "c": (0,)}
