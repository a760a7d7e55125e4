"""Labels of whole THUMOS14 training videos as W-TALC publishes them, where they differ from those of the instances.

``labels_all.npy`` of Thumos14reduced, which the released code trains with, says something else of 8 of the 200 training
videos. Annotations in other formats lack that file; with this table they give the same labels.
"""

from __future__ import annotations

from functools import cache

from trainables.config import shipped

_PUBLISHED = {
    "video_validation_0000171": ("CricketBowling",),
    "video_validation_0000173": ("CricketBowling",),
    "video_validation_0000178": ("CricketBowling",),
    "video_validation_0000183": ("CricketShot",),
    "video_validation_0000316": ("HammerThrow", "ThrowDiscus"),
    "video_validation_0000665": ("PoleVault",),
    "video_validation_0000786": ("Shotput",),
    "video_validation_0000932": ("TennisSwing",),
}


@cache
def thumos14_classes() -> tuple[str, ...]:
    """The 20 classes in the order of their ids, as ``configs/datasets/thumos14.yaml`` lists them."""
    return shipped("thumos14").classes


@cache
def published_labels() -> dict[str, tuple[int, ...]]:
    """Class ids of the videos that differ."""
    classes = thumos14_classes()
    return {video: tuple(sorted(map(classes.index, labels))) for video, labels in _PUBLISHED.items()}
