"""The folder of an extraction: whole files, finished videos are known again, other protocols are refused."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path

import numpy as np
import pytest

from trainables.data import FeatureDescription, FeatureProtocol, VideoFeatures, open_features, read_feature_description
from trainables.errors import UserError
from trainables.videos.extraction import Extracted
from trainables.videos.output import HDF5_FILE, JOURNAL, FeatureWriter, Layout
from trainables.videos.weights import sha256_of

DESCRIPTION = FeatureDescription(
    protocol=FeatureProtocol(backbone="i3d-rgb", dimensions=3, fps=25, window_frames=16, stride_frames=16),
    precision="float32",
    values_dtype="float32",
)


def video(folder: Path, name: str) -> Path:
    path = folder / f"{name}.mp4"
    path.write_text(f"content of {name}")
    return path


def result(path: Path, rows: int = 2) -> Extracted:
    about = VideoFeatures(file=path.name, sha256=sha256_of(path), frames=16 * rows, snippets=rows)
    return Extracted(path.stem, np.arange(3 * rows, dtype=np.float32).reshape(rows, 3), about)


@pytest.mark.parametrize("layout", ["npy", "hdf5"])
class TestEveryLayout:
    def test_the_features_are_a_layout_that_is_understood(self, tmp_path: Path, layout: Layout) -> None:
        paths = [video(tmp_path, name) for name in ("a", "b")]
        with FeatureWriter(tmp_path / "out", DESCRIPTION, layout) as writer:
            for rows, path in enumerate(paths, start=2):
                writer.add(result(path, rows), path)
        source = open_features(tmp_path / "out")
        assert [source.shape(name) for name in ("a", "b")] == [(2, 3), (3, 3)]
        out = np.empty((3, 3), dtype=np.float32)
        source.read("b", slice(0, 3), out)
        assert out.tolist() == np.arange(9).reshape(3, 3).tolist()
        source.close()
        there = read_feature_description(tmp_path / "out")
        assert there is not None
        assert {name: about.snippets for name, about in there.videos.items()} == {"a": 2, "b": 3}

    def test_finished_videos_are_known_again_and_more_can_be_added(self, tmp_path: Path, layout: Layout) -> None:
        a, b = video(tmp_path, "a"), video(tmp_path, "b")
        with FeatureWriter(tmp_path / "out", DESCRIPTION, layout) as writer:
            assert not writer.is_finished("a", a)
            writer.add(result(a), a)
            assert writer.is_finished("a", a)
        with FeatureWriter(tmp_path / "out", DESCRIPTION, layout) as writer:
            assert writer.is_finished("a", a)
            assert not writer.is_finished("b", b)
            writer.add(result(b), b)
        there = read_feature_description(tmp_path / "out")
        assert there is not None
        assert set(there.videos) == {"a", "b"}
        assert "b" in open_features(tmp_path / "out")
        assert "a" in open_features(tmp_path / "out")

    def test_half_precision_halves_the_numbers(self, tmp_path: Path, layout: Layout) -> None:
        path = video(tmp_path, "a")
        half = DESCRIPTION.model_copy(update={"values_dtype": "float16"})
        with FeatureWriter(tmp_path / "out", half, layout) as writer:
            writer.add(result(path), path)
        assert open_features(tmp_path / "out").shape("a") == (2, 3)
        if layout == "npy":
            assert np.load(tmp_path / "out" / "a.npy").dtype == np.float16


def test_a_video_that_was_replaced_is_not_finished(tmp_path: Path) -> None:
    path = video(tmp_path, "a")
    with FeatureWriter(tmp_path / "out", DESCRIPTION, "npy") as writer:
        writer.add(result(path), path)
        path.write_text("another film")
        assert not writer.is_finished("a", path)


def test_a_video_that_was_only_touched_is_finished(tmp_path: Path) -> None:
    path = video(tmp_path, "a")
    with FeatureWriter(tmp_path / "out", DESCRIPTION, "npy") as writer:
        writer.add(result(path), path)
        path.touch()
        assert writer.is_finished("a", path)


def test_features_that_were_deleted_are_not_finished(tmp_path: Path) -> None:
    path = video(tmp_path, "a")
    with FeatureWriter(tmp_path / "out", DESCRIPTION, "npy") as writer:
        writer.add(result(path), path)
        (tmp_path / "out" / "a.npy").unlink()
        assert not writer.is_finished("a", path)


def test_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    a, b = video(tmp_path, "a"), video(tmp_path, "b")
    with FeatureWriter(tmp_path / "out", DESCRIPTION, "npy") as writer:
        writer.add(result(a), a)
        writer.add(result(b), b)
    journal = tmp_path / "out" / JOURNAL
    journal.write_bytes(journal.read_bytes()[:-20])
    with FeatureWriter(tmp_path / "out", DESCRIPTION, "npy") as writer:
        assert writer.is_finished("a", a)
        assert not writer.is_finished("b", b)
        writer.add(result(b), b)
    with FeatureWriter(tmp_path / "out", DESCRIPTION, "npy") as writer:
        assert writer.is_finished("b", b)


def test_a_torn_pack_is_made_again(tmp_path: Path) -> None:
    path = video(tmp_path, "a")
    out = tmp_path / "out"
    writer = FeatureWriter(out, DESCRIPTION, "hdf5")
    writer.add(result(path), path)
    (out / f".{HDF5_FILE}.part").write_bytes(b"half a file")  # as a killed process leaves it
    writer.__exit__(KeyboardInterrupt, None, None)
    with FeatureWriter(out, DESCRIPTION, "hdf5") as again:
        assert again.is_finished("a", path)
    assert open_features(out).shape("a") == (2, 3)
    assert sorted(file.name for file in out.iterdir() if not file.name.startswith(".")) == [HDF5_FILE, "features.yaml"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"protocol": DESCRIPTION.protocol.model_copy(update={"stride_frames": 4})}, "stride_frames is 16, this extr"),
        ({"precision": "float16"}, "precision is float32, this extraction has float16"),
        ({"values_dtype": "float16"}, "values_dtype is float32, this extraction has float16"),
    ],
)
def test_another_protocol_in_the_same_folder_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    with FeatureWriter(tmp_path, DESCRIPTION, "npy"):
        assert (tmp_path / "features.yaml").exists()
    with pytest.raises(UserError, match=message):
        FeatureWriter(tmp_path, DESCRIPTION.model_copy(update=change), "npy")
    with FeatureWriter(tmp_path, DESCRIPTION, "npy") as again:  # the refused one holds no lock
        assert again.folder == tmp_path


def test_two_extractions_do_not_share_a_folder(tmp_path: Path) -> None:
    with FeatureWriter(tmp_path, DESCRIPTION, "npy"), pytest.raises(UserError, match="another extraction writes there"):
        FeatureWriter(tmp_path, DESCRIPTION, "npy")


def test_a_file_system_without_locks_is_not_told_as_another_extraction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_flock(file: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_flock)
    with FeatureWriter(tmp_path, DESCRIPTION, "npy"):
        assert (tmp_path / "features.yaml").exists()


def test_failed_videos_are_in_the_description(tmp_path: Path) -> None:
    path = video(tmp_path, "a")
    with FeatureWriter(tmp_path / "out", DESCRIPTION, "npy") as writer:
        writer.add(Extracted("a", None, None, "holds no frame"), path)
    there = read_feature_description(tmp_path / "out")
    assert there is not None
    assert there.failed == {"a": "holds no frame"}
    assert there.videos == {}
