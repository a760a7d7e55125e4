"""Labels of whole THUMOS14 training videos as W-TALC publishes them, where they differ from those of the instances.

``labels_all.npy`` of Thumos14reduced, which the released code trains with, says something else of 8 of the 200 training
videos. Annotations in other formats lack that file; with this table they give the same labels.
"""

from __future__ import annotations

from trainables.data import THUMOS14_CLASSES

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

PUBLISHED_LABELS = {
    video: tuple(sorted(THUMOS14_CLASSES.index(label) for label in labels)) for video, labels in _PUBLISHED.items()
}
