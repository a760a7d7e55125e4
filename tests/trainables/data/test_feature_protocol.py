"""The description of features comes back from its file, and says in words where two protocols differ."""

from __future__ import annotations

from pathlib import Path

import pytest

from trainables.data.feature_protocol import (
    FILE_NAME,
    FeatureDescription,
    FeatureProtocol,
    VideoFeatures,
    read_feature_description,
)
from trainables.errors import UserError

I3D = FeatureProtocol(
    backbone="i3d-rgb",
    dimensions=1024,
    fps=25,
    window_frames=16,
    stride_frames=16,
    coverage="windows",
    resize="shorter side 256",
    crop="centre 224",
    values="x * 2 / 255 - 1",
    flow="none",
    weights_sha256="af5c50f0" + 56 * "0",
)


def test_it_comes_back_from_its_file(tmp_path: Path) -> None:
    video = VideoFeatures(file="a.mp4", sha256="ab", frames=100, snippets=6, native_fps=29.97, duration_s=4.0)
    description = FeatureDescription(protocol=I3D, torch="2.13.0", precision="float32", videos={"a": video})
    description.write(tmp_path)
    assert read_feature_description(tmp_path) == description
    assert read_feature_description(tmp_path / "a.npy") == description


def test_a_folder_without_one_has_none(tmp_path: Path) -> None:
    assert read_feature_description(tmp_path) is None


def test_a_difference_is_told_in_words() -> None:
    other = I3D.model_copy(update={"stride_frames": 4, "fps": 30.0})
    assert I3D.differences(other, "the model") == [
        "fps is 25.0, the model has 30.0",
        "stride_frames is 16, the model has 4",
    ]


def test_what_is_not_known_does_not_differ() -> None:
    assert I3D.differences(FeatureProtocol(backbone="i3d-rgb", fps=25)) == []
    assert FeatureProtocol(backbone="i3d-rgb").differences(I3D) == []


def test_one_line_says_what_they_are() -> None:
    assert str(I3D) == (
        "i3d-rgb (1024-d), weights af5c50f0, 16 frames at 25 fps, stride 16, shorter side 256, centre 224"
    )
    assert str(FeatureProtocol(backbone="TSN")) == "TSN"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("protocol: {backbone: x, strides_frames: 4}", "unknown key. Did you mean 'stride_frames'?"),
        ("protocol: {backbone: x, stride_frames: 0}", "protocol.stride_frames: input should be greater than 0, got 0"),
        ("[1, 2", "not valid YAML"),
        ("- 1", "expected a mapping"),
        ("format: 2\nprotocol: {backbone: x}", "format 2, this version reads up to 1"),
    ],
)
def test_a_bad_file_is_named_with_its_key(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(UserError) as error:
        read_feature_description(tmp_path)
    assert str(error.value).startswith(str(tmp_path / FILE_NAME))
    assert message in str(error.value)
