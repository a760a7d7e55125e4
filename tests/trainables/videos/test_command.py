"""The command: exit status, what it lists, and that a killed one goes on where it was."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av", reason="the extra 'video' is not installed")

from tests.trainables.videos.clips import pictures, write_clip
from trainables.data import open_features, read_feature_description
from trainables.videos import weights
from trainables.videos.command import main

SMALL = ["--resize", "40", "--crop", "32", "--device", "cpu"]


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    folder.mkdir()
    for k, name in enumerate("abcd"):
        write_clip(folder / f"{name}.mp4", pictures(40 + 8 * k, seed=k))
    return folder


def command(clips: Path, weights: Path, out: Path, *more: str) -> list[str]:
    return ["extract", "--videos", str(clips), "--weights", str(weights), "--out", str(out), *SMALL, *more]


def test_features_and_their_protocol_are_written(
    clips: Path, untrained_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(clips, untrained_weights, tmp_path / "out", "--stride", "8")) == 0
    told = capsys.readouterr().out
    assert "i3d-rgb (1024-d)" in told
    assert "16 frames at 25 fps, stride 8, shorter side 40, bilinear, centre 32" in told
    assert "note: 16 frames of 32 pixels are mostly padding to I3D" in told
    assert "4 of 4 videos are whole" in told
    assert {name: np.load(tmp_path / "out" / f"{name}.npy").shape for name in "abcd"} == {
        "a": (4, 1024), "b": (5, 1024), "c": (6, 1024), "d": (7, 1024)}  # fmt: skip
    about = read_feature_description(tmp_path / "out")
    assert about is not None
    assert about.protocol.values == "x * 2 / 255 - 1"
    assert about.protocol.coverage == "windows"
    assert (about.precision, about.values_dtype, about.device) == ("float32", "float32", "CPU")
    assert about.decoder is not None
    assert about.decoder.startswith("PyAV")
    assert about.protocol.weights_sha256 is not None


def test_whole_videos_have_rows_of_8_frames_and_say_so(
    clips: Path, untrained_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(clips, untrained_weights, tmp_path / "out", "--whole-video", "--layout", "hdf5")) == 0
    told = capsys.readouterr().out
    assert "whole video at 25 fps, stride 8" in told
    assert "note:" not in told
    source = open_features(tmp_path / "out")
    assert [source.shape(name)[0] for name in "abcd"] == [4, 5, 6, 7]
    source.close()


def test_a_second_call_has_nothing_to_do(
    clips: Path, untrained_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    main(command(clips, untrained_weights, out))
    written = {file: file.stat().st_mtime_ns for file in out.glob("*.npy")}
    assert main(command(clips, untrained_weights, out)) == 0
    assert "4 videos, 4 of them finished" in capsys.readouterr().out
    assert {file: file.stat().st_mtime_ns for file in out.glob("*.npy")} == written


def test_damaged_videos_are_listed_and_the_others_are_there(
    clips: Path, untrained_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clips / "a.mp4").write_bytes(b"no video")
    broken = write_clip(clips / "e.mkv", pictures(90), codec="mpeg4")
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size * 2 // 3])
    out = tmp_path / "out"
    assert main(command(clips, untrained_weights, out)) == 1
    captured = capsys.readouterr()
    assert "2 of 5 videos:\n  a: cannot be opened" in captured.err
    assert "  e: ends early" in captured.err or "  e: damaged" in captured.err
    assert "--allow-damaged" in captured.err
    assert sorted(file.stem for file in out.glob("*.npy")) == ["b", "c", "d"]
    about = read_feature_description(out)
    assert about is not None
    assert set(about.failed) == {"a", "e"}
    assert main(command(clips, untrained_weights, out, "--allow-damaged")) == 1
    assert "extracted as far as it goes" in capsys.readouterr().err
    assert (out / "e.npy").is_file()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--backbone", "i3d-rbg"], "unknown backbone 'i3d-rbg'. Did you mean 'i3d-rgb'?"),
        (["--crop", "64"], "--crop: 64 pixels do not fit into a frame of 40 (--resize)"),
        (["--whole-video", "--stride", "4"], "--whole-video: rows lie 8 frames apart by nature"),
        (["--backbone", "i3d-two-stream"], "--weights: i3d-two-stream takes 2 file(s), got 1"),
        (["--backbone", "i3d-flow"], "sees RGB, optical flow is needed here"),
        (["--device", "cuda"], "this torch sees no GPU; take cpu"),
    ],
)
def test_a_wrong_request_is_one_line_and_status_2(
    clips: Path,
    untrained_weights: Path,
    tmp_path: Path,
    more: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import torch

    if more[-1] == "cuda" and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert main(command(clips, untrained_weights, tmp_path / "out", *more)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_absent_weights_say_how_to_get_them(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REFINELOC_CACHE", str(tmp_path / "empty"))
    assert main(["extract", "--videos", str(clips), "--out", str(tmp_path / "out")]) == 2
    assert "python -m trainables.videos weights" in capsys.readouterr().err


def test_help_needs_no_torch() -> None:
    code = "import sys; from trainables.videos import command as c; c.command_parser(); print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_a_killed_extraction_goes_on_where_it_was(clips: Path, untrained_weights: Path, tmp_path: Path) -> None:
    for k in range(4, 16):
        write_clip(clips / f"v{k}.mp4", pictures(120, seed=k))
    out, undisturbed = tmp_path / "out", tmp_path / "undisturbed"
    arguments = [sys.executable, "-m", "trainables.videos"]
    process = subprocess.Popen(
        arguments + command(clips, untrained_weights, out), env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    deadline = time.monotonic() + 120
    while len(list(out.glob("*.npy"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = {file.name: file.stat().st_mtime_ns for file in out.glob("*.npy")}
    assert 3 <= len(kept) < 16
    assert main(command(clips, untrained_weights, out)) == 0
    assert main(command(clips, untrained_weights, undisturbed)) == 0
    same = [name for name, stamp in kept.items() if (out / name).stat().st_mtime_ns == stamp]
    assert len(same) >= len(kept) - 1  # a video whose line was not yet written is extracted again
    for file in sorted(undisturbed.glob("*.npy")):
        np.testing.assert_allclose(np.load(out / file.name), np.load(file), rtol=1e-4, atol=1e-5)
    assert len(list(out.glob("*.npy"))) == 16


def test_a_disk_that_takes_no_more_is_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full() -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "cache/weights")

    monkeypatch.setattr(weights, "download_i3d_rgb", full)
    assert main(["weights"]) == 2
    assert capsys.readouterr().err.startswith("error: cache/weights: No space left on device; make it possible")
