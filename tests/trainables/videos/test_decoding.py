"""Files of all kinds are decoded upright, with their times; a damaged one says how far it goes."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av", reason="the extra 'video' is not installed")

from tests.trainables.videos.clips import number_of, numbered, pictures, write_clip  # noqa: E402
from trainables.errors import UserError  # noqa: E402
from trainables.videos.decoding import UnreadableVideo, Video, find_videos, picture  # noqa: E402
from trainables.videos.sampling import at_rate  # noqa: E402


def numbers(path: Path, fps: int | None = None) -> list[int]:
    video = Video(path)
    shown = at_rate(video.frames(), None if fps is None else Fraction(fps))
    return [number_of(picture(frame)) for frame in shown]


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("h264.mp4", "libx264", "yuv420p"),
        ("h264.mkv", "libx264", "yuv444p"),
        ("ten_bits.mp4", "libx264", "yuv420p10le"),
        ("grey.mkv", "ffv1", "gray"),
        ("grey_ten_bits.mkv", "ffv1", "gray10le"),
        ("mpeg4.avi", "mpeg4", "yuv420p"),
        ("vp9.webm", "libvpx-vp9", "yuv420p"),
    ],
)
def test_every_frame_of_every_kind_is_read(tmp_path: Path, name: str, codec: str, pixels: str) -> None:
    path = write_clip(tmp_path / name, numbered(20), codec=codec, pixels=pixels)
    video = Video(path)
    frames = [picture(timed.frame) for timed in video.frames()]
    assert [number_of(frame) for frame in frames] == list(range(20))
    assert {(frame.shape, frame.dtype.name) for frame in frames} == {((32, 48, 3), "uint8")}
    assert video.problem is None
    assert (video.frames_read, float(video.read_s)) == (20, pytest.approx(0.8, abs=0.05))


def test_odd_sizes_are_kept(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "odd.mkv", numbered(3, 31, 47), codec="ffv1", pixels="yuv444p")
    assert picture(next(iter(Video(path).frames())).frame).shape == (31, 47, 3)


def test_a_variable_rate_is_read_by_its_times(tmp_path: Path) -> None:
    times = [0, 40, 80, 400, 440, 1000, 1040]
    path = write_clip(tmp_path / "variable.mkv", numbered(7), times_ms=times)
    expected = [max(k for k, time in enumerate(times) if time <= 40 * index) for index in range(27)]
    assert numbers(path, 25) == expected


@pytest.mark.parametrize(("degrees", "turns"), [(90, 1), (180, 2), (-90, 3), (0, 0)])
def test_a_rotation_flag_turns_the_picture(tmp_path: Path, degrees: int, turns: int) -> None:
    image = pictures(1, 32, 48)[0]
    path = write_clip(tmp_path / "turned.mp4", [image] * 3)
    set_rotation(path, degrees)
    found = picture(next(iter(Video(path).frames())).frame)
    assert found.shape == np.rot90(image, turns).shape
    assert np.abs(found.astype(int) - np.rot90(image, turns)).mean() < 12


def set_rotation(path: Path, degrees: int) -> None:
    """Write the display matrix of an MP4's track header, as phones do: 16.16 numbers, counter-clockwise."""
    cos, sin = {0: (1, 0), 90: (0, 1), 180: (-1, 0), -90: (0, -1)}[degrees]
    matrix = np.array([cos, -sin, 0, sin, cos, 0, 0, 0, 0x4000], dtype=">i4") * np.int32(0x10000)
    content = bytearray(path.read_bytes())
    header = content.index(b"tkhd") + 4  # version 0: 40 bytes before the matrix
    content[header + 40 : header + 76] = matrix.astype(">i4").tobytes()
    path.write_bytes(bytes(content))


def test_a_truncated_file_says_how_far_it_goes(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", pictures(60), codec="mpeg4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    video = Video(path)
    read = sum(1 for _ in video.frames())
    assert 0 < read < 60
    assert video.problem is not None
    assert f"{read} frames" in video.problem


def test_a_file_with_a_hole_is_called_damaged(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.avi", pictures(60, 144, 176), codec="mpeg4")
    content = bytearray(path.read_bytes())
    third = len(content) // 3
    content[third : third + 2000] = bytes(np.random.default_rng(0).integers(0, 256, 2000, dtype=np.uint8))
    path.write_bytes(bytes(content))
    video = Video(path)
    read = sum(1 for _ in video.frames())
    assert 0 < read < 60
    assert video.problem is not None
    assert f"{read} frames" in video.problem


@pytest.mark.parametrize("content", [b"", b"no video at all", b"\x00" * 5000])
def test_what_is_no_video_is_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(UnreadableVideo):
        list(Video(path).frames())


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), dtype=np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(UnreadableVideo, match="no video stream"):
        Video(path)


class TestFindVideos:
    def test_names_are_the_stems_of_all_folders(self, tmp_path: Path) -> None:
        (tmp_path / "deep").mkdir()
        for name in ("b.mp4", "deep/a.MKV", "notes.txt"):
            (tmp_path / name).touch()
        assert find_videos(tmp_path) == {"b": tmp_path / "b.mp4", "a": tmp_path / "deep/a.MKV"}

    def test_linked_folders_are_followed_and_hidden_files_are_not_videos(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere/a.mp4").touch()
        (tmp_path / "videos").mkdir()
        (tmp_path / "videos/linked").symlink_to(tmp_path / "elsewhere")
        (tmp_path / "videos/._a.mp4").touch()  # as macOS writes beside what it copies
        assert find_videos(tmp_path / "videos") == {"a": tmp_path / "videos/linked/a.mp4"}

    def test_two_of_one_name_are_refused(self, tmp_path: Path) -> None:
        for name in ("a.mp4", "a.avi"):
            (tmp_path / name).touch()
        with pytest.raises(UserError, match="both be the video 'a'; rename one"):
            find_videos(tmp_path)

    def test_a_folder_without_any_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="has no video"):
            find_videos(tmp_path)
        shutil.rmtree(tmp_path)
        with pytest.raises(UserError, match="does not exist"):
            find_videos(tmp_path)
