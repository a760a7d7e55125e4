"""Every registered backbone: what it says of itself is so. torchvision's: its own transforms and its own features."""

from __future__ import annotations

import pytest

from trainables.errors import UserError
from trainables.videos.backbones import BACKBONES, build_backbone


def test_an_unknown_name_has_a_nearest_one() -> None:
    with pytest.raises(UserError, match=r"unknown backbone 'swin3dt'\. Did you mean 'swin3d_t'"):
        build_backbone("swin3dt")


def test_every_entry_says_what_it_is() -> None:
    assert all("-d" in entry.about for entry in BACKBONES.values())
