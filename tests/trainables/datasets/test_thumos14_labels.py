"""The labels of whole videos that W-TALC trains with."""

from __future__ import annotations

from pathlib import Path

from tests.trainables.thumos14 import THUMOS14_CLASSES
from trainables.config.presets import preset
from trainables.data.annotation_files import read_annotations
from trainables.datasets.external import _labels
from trainables.datasets.thumos14_labels import published_labels


def test_the_table_is_what_the_released_arrays_say(shared: Path) -> None:
    train = read_annotations(shared / "data/thumos14/wtalc", THUMOS14_CLASSES).subset("train")
    of_instances, of_videos = train.labels(), train.labels("video")
    assert {video: own for video, own in of_videos.items() if own != of_instances[video]} == published_labels()


def test_every_format_gives_the_same_published_labels_and_none_changes_the_test_split(shared: Path) -> None:
    config = preset("thumos14", base_model="wtalc").dataset
    assert config.video_labels == "published"
    seen = []
    for path in ("", "annotations", "wtalc"):
        annotations = read_annotations(shared / "data/thumos14" / path, THUMOS14_CLASSES)
        train, test = annotations.subset("train"), annotations.subset("test")
        seen.append(_labels(train, "train", config))
        assert _labels(test, "test", config) == test.labels()
        assert _labels(train, "train", preset("thumos14").dataset) == train.labels()
    assert seen[0] == seen[1] == seen[2]
    assert sum(own != other for own, other in zip(seen[0].values(), train.labels().values(), strict=True)) == 8
