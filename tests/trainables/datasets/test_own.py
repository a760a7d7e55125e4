"""Data sets of one's own: from a folder to a data set file, and from it to splits."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.trainables.own_data import own_videos, write_own
from trainables.config.presets import preset
from trainables.datasets import Dataset, load_dataset, require_files
from trainables.datasets.__main__ import main
from trainables.errors import UserError


def new(folder: Path, *options: str) -> Path:
    assert main(["new", str(folder), *options]) == 0
    return folder / "dataset.yaml"


def load(file: Path, **changes: Any) -> Dataset:
    config = preset(str(file)).dataset.model_copy(update=changes)
    return load_dataset(config, Path("nowhere"))


def test_described_files_that_are_gone_are_a_line_each(tmp_path: Path) -> None:
    file = new(write_own(tmp_path / "own"))
    config = preset(str(file)).dataset
    shutil.rmtree(tmp_path / "own")
    with pytest.raises(UserError) as caught:
        require_files(config, Path("nowhere"))
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{file}: annotations: {tmp_path}")
    assert first.endswith("does not exist; get it back")
    assert second.startswith(f"{file}: features: {tmp_path}")
    assert second.endswith("does not exist; get them back")


class TestLoading:
    def test_snippets_of_overlapping_windows_stand_for_their_middle(self, tmp_path: Path) -> None:
        """ActivityNet-style JSON with 16 frames at stride 4 and 30 fps, as ActionFormer and OpenTAD have THUMOS14."""
        data = load(new(write_own(tmp_path, fps=30.0, window=16, stride=4)))
        split = data.train
        # Row i sees frames 4 i to 4 i + 16: its centre, 4 i + 8, is the middle of the snippet.
        centres = split.seconds(split.video_of_snippet, np.arange(split.num_snippets) - split.offsets[
            split.video_of_snippet] + 0.5)  # fmt: skip
        rows = np.concatenate([np.arange(length) for length in split.lengths])
        np.testing.assert_allclose(centres, (4 * rows + 8) / 30)
        # The features were made by their centres, so they tell the ground truth without an error of a row.
        seen = split.features[:, 2] < 2
        assert np.mean(seen == split.snippet_truth) > 0.97
        shifted = np.roll(split.snippet_truth, 2)  # what leaving the shift out would give
        assert np.mean(seen == split.snippet_truth) > np.mean(seen == shifted) + 0.02

    def test_the_layout_of_actionformer_and_opentad_is_read_as_it_is_published(self, tmp_path: Path) -> None:
        """T x 2048 .npy named after the video, annotations with 'label_id', 'Test' and 'Validation' as subsets."""
        rng = np.random.default_rng(0)
        database = {
            f"video_{subset}_{v:07d}": {
                "subset": subset.capitalize(), "duration": 20.0, "fps": 30.0,
                "annotations": [
                    {"label": "Diving", "segment": [2.0, 5.0], "segment(frames)": [60.0, 150.0], "label_id": 7}
                ],
            }
            for subset in ("validation", "test") for v in (1, 2)
        }  # fmt: skip
        (tmp_path / "annotations").mkdir()
        (tmp_path / "annotations" / "thumos14.json").write_text(
            json.dumps({"version": "Thumos14-30fps", "database": database})
        )
        (tmp_path / "i3d_features").mkdir()
        for name in database:
            np.save(tmp_path / "i3d_features" / f"{name}.npy", rng.normal(size=(147, 2048)).astype(np.float32))
        data = load(new(tmp_path))
        assert (len(data.train), len(data.test), data.dimensions) == (2, 2, 2048)
        assert data.train.videos[0].shift_s == pytest.approx(0.2)
        # 2 s is frame 60: (60 - 6) / 4 = 13.5 snippets after the first one begins, and halves round to even.
        assert np.flatnonzero(data.train.snippet_truth[:147]).tolist() == list(range(14, 36))

    def test_the_splits_are_those_of_the_file(self, tmp_path: Path) -> None:
        file = new(write_own(tmp_path))
        file.write_text(file.read_text() + "train: validation\ntest: {videos: [clip00, clip01, clip02]}\n")
        data = load(file)
        assert data.train.names.tolist() == [f"clip{v:02d}" for v in range(12, 18)]
        assert data.test.names.tolist() == ["clip00", "clip01", "clip02"]

    @pytest.mark.parametrize(
        ("split", "message"),
        [
            ("train: trainig\ntest: validation\n", r"has no subset 'trainig'. Did you mean 'training'"),
            ("train: training\ntest: {videos: [clip99]}\n", r"test: 1 of 1 videos of its list are not in"),
            ("train: training\ntest: {videos: [clip00]}\n", r"1 videos are in train and in test \(clip00\)"),
        ],
    )
    def test_a_split_that_cannot_be_is_said(self, tmp_path: Path, split: str, message: str) -> None:
        file = new(write_own(tmp_path))
        file.write_text(file.read_text() + split)
        with pytest.raises(UserError, match=message):
            load(file)

    def test_a_split_without_videos_is_said(self, tmp_path: Path) -> None:
        file = new(write_own(tmp_path))
        file.write_text(file.read_text() + f"exclude_videos: [{', '.join(f'clip{v}' for v in range(12, 18))}]\n")
        with pytest.raises(UserError, match=r"split test is empty.*exclude_videos"):
            load(file)

    def test_features_of_two_widths_are_said(self, tmp_path: Path) -> None:
        file = new(write_own(tmp_path))
        path = tmp_path / "features" / "clip03.npy"
        np.save(path, np.load(path)[:, :5])
        with pytest.raises(UserError, match="clip03: features have 5 dimensions, the other videos 8"):
            load(file)

    def test_a_label_of_test_videos_only_is_said(self, tmp_path: Path) -> None:
        database = own_videos()
        file = new(write_own(tmp_path, database))
        database["clip14"]["annotations"][0]["label"] = "jmp"
        (tmp_path / "annotations.json").write_text(json.dumps({"database": database}))
        with pytest.raises(UserError, match=r"label 'jmp' of clip14 is in no class list: no training.*mean 'jump'"):
            load(file)
        assert len(load(file, exclude_videos=("clip14",)).test) == 5

    def test_a_class_without_training_videos_is_said(self, tmp_path: Path) -> None:
        file = new(write_own(tmp_path))
        file.write_text(file.read_text() + "classes: [jump, clap, wave]\n")
        with pytest.raises(UserError, match=r"1 of 3 classes have no training video \(wave\)"):
            load(file)
