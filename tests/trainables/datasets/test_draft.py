"""A data set file from what lies in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.trainables.datasets.test_own import load, new
from tests.trainables.own_data import own_videos, write_own
from trainables.config.presets import preset
from trainables.data import FeatureDescription, FeatureProtocol
from trainables.datasets.__main__ import main


class TestNew:
    def test_a_folder_becomes_a_data_set_that_can_be_checked(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = new(write_own(tmp_path / "jumps"), "--title", "Jumps")
        out = capsys.readouterr().out
        assert "(ActivityNet JSON), 12 training and 6 test videos, 2 classes, 18 segments" in out
        assert "(folder of .npy files), 8-d, of 18 of 18 videos" in out
        assert "assumed  16 frames at 25.0 fps, stride 16: T of the features fits the durations so" in out
        assert main(["check", "--dataset", str(file.parent)]) == 0
        card = capsys.readouterr().out
        assert card.startswith("Jumps (features)  [jumps; real data]")
        assert f"described by {file}" in card
        assert "no problem found" in card

    def test_a_place_that_cannot_be_written_is_said(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "file").touch()
        wanted = tmp_path / "file" / "dataset.yaml"
        assert main(["new", str(write_own(tmp_path / "jumps")), "--out", str(wanted)]) == 2
        assert capsys.readouterr().err == (
            f"error: --out: {wanted.parent}: is no folder; choose a folder that can be written\n"
        )

    @pytest.mark.parametrize(("fps", "window", "stride"), [(30.0, 16, 4), (25.0, 16, 16), (25.0, 16, 8)])
    def test_the_grid_is_read_from_durations(self, tmp_path: Path, fps: float, window: int, stride: int) -> None:
        file = new(write_own(tmp_path, fps=fps, window=window, stride=stride))
        data = preset(str(file)).dataset
        assert (data.snippet_fps, data.window_frames or data.snippet_frames, data.snippet_frames) == (
            fps, window, stride,
        )  # fmt: skip

    def test_an_unknown_grid_is_told_in_rows_a_second(self, tmp_path: Path) -> None:
        file = new(write_own(tmp_path, fps=10.0, window=1, stride=1))
        data = preset(str(file)).dataset
        assert data.snippet_frames == 1
        assert data.snippet_fps == pytest.approx(10, rel=0.01)
        load(file)

    def test_what_is_there_twice_must_be_named(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        write_own(tmp_path)
        (tmp_path / "weak.json").write_text((tmp_path / "annotations.json").read_text())
        assert main(["new", str(tmp_path)]) == 2
        assert "2 annotations found: annotations.json, weak.json; say which by --annotations" in capsys.readouterr().err
        write_own(tmp_path, features="more")
        assert main(["new", str(tmp_path), "--annotations", str(tmp_path / "weak.json")]) == 2
        assert "2 features found: features, more; say which by --features" in capsys.readouterr().err
        new(tmp_path, "--annotations", str(tmp_path / "weak.json"), "--features", str(tmp_path / "more"))

    def test_a_file_is_not_overwritten(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        new(write_own(tmp_path))
        assert main(["new", str(tmp_path)]) == 2
        assert "dataset.yaml exists; --out FILE writes another one, --force replaces it" in capsys.readouterr().err

    def test_splits_can_be_named(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        database = own_videos()
        for video in database.values():
            video["subset"] = "training"
        write_own(tmp_path, database)
        assert main(["new", str(tmp_path)]) == 2
        assert "no test video found; say which videos train and which test by --train" in capsys.readouterr().err
        for name, videos in (("train", range(10)), ("test", range(10, 18))):
            (tmp_path / f"{name}.txt").write_text("\n".join(f"clip{v:02d}" for v in videos))
        data = load(new(tmp_path, "--train", str(tmp_path / "train.txt"), "--test", str(tmp_path / "test.txt")))
        assert (len(data.train), len(data.test)) == (10, 8)

    def test_labels_without_subsets_are_told_what_they_lack(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_own(tmp_path)
        names = sorted(own_videos())
        labels = tmp_path / "labels.csv"
        labels.write_text("video,label\n" + "".join(f"{name},clap\n" for name in names))
        given = ["new", str(tmp_path), "--annotations", str(labels)]

        def told(*more: str) -> str:
            assert main([*given, *more]) == 2
            return capsys.readouterr().err

        assert "nothing says which of its videos train and which test; add a column 'subset'" in told()
        assert "has no subset 'training'. It names none: list the" in told("--train", "training", "--test", "b")
        assert "error: --train: train.txt: no such file\n" in told("--train", "train.txt", "--test", "b")
        (tmp_path / "train.txt").write_text("\n".join(names[:10]))
        inside = tmp_path / "train.txt"
        assert f"--train: train.txt: no such file; {inside} is one" in told("--train", "train.txt", "--test", "b")
        (tmp_path / "test.txt").write_text("\n".join(names[10:]))
        assert main([*given, "--train", str(inside), "--test", str(tmp_path / "test.txt")]) == 0


def test_features_that_say_how_they_were_made_are_believed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_own(tmp_path, fps=24.0, window=12, stride=6)
    protocol = FeatureProtocol(backbone="i3d-rgb", fps=24.0, window_frames=12, stride_frames=6)
    FeatureDescription(protocol=protocol).write(tmp_path / "features")
    data = preset(str(new(tmp_path))).dataset
    assert (data.features, data.snippet_fps, data.window_frames, data.snippet_frames) == ("i3d-rgb", 24.0, 12, 6)
    assert "found    features.yaml: i3d-rgb, 12 frames at 24 fps, stride 6" in capsys.readouterr().out


def test_videos_without_any_label_are_told_with_what_to_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = own_videos()
    for name in ("clip00", "clip01"):
        videos[name]["annotations"] = []
    file = new(write_own(tmp_path / "jumps", videos))
    assert "found    2 videos without any label (clip00, ...): say in the file what they are" in capsys.readouterr().out
    file.write_text(f"{file.read_text()}labels: {{background: exclude}}\n")
    assert len(load(file).train) == 10
