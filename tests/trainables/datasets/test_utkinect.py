"""UTKinect: real recordings, cut into clips of one action."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from trainables.config.run import DatasetConfig
from trainables.datasets import Dataset, load_dataset
from trainables.datasets.utkinect import Action, read_actions, skeleton_features, usable_actions
from trainables.errors import UserError

CONFIG = DatasetConfig(name="utkinect", snippet_frames=4, snippet_fps=30.0)


@pytest.fixture(scope="module")
def utkinect(shared: Path) -> Dataset:
    return load_dataset(CONFIG, shared / "data")


def test_has_the_documented_size(utkinect: Dataset) -> None:
    assert len(utkinect.train) + len(utkinect.test) == 198
    assert len(utkinect.classes) == 10
    assert utkinect.dimensions == 240
    subjects = [sorted({name[:3] for name in split.names}) for split in (utkinect.train, utkinect.test)]
    assert subjects == [[f"s{s:02d}" for s in range(1, 8)], ["s08", "s09", "s10"]]


def test_training_features_are_standardised(utkinect: Dataset) -> None:
    assert utkinect.train.features.dtype == np.float32
    np.testing.assert_allclose(utkinect.train.features.mean(axis=0), 0, atol=1e-3)
    spread = utkinect.train.features.std(axis=0)
    assert set(np.flatnonzero(spread < 0.5) % 60) == {0, 1, 2}
    np.testing.assert_allclose(spread[spread > 0.5], 1, atol=1e-3)


def test_every_clip_has_one_action_inside_it(utkinect: Dataset) -> None:
    for split in (utkinect.train, utkinect.test):
        truth = split.ground_truth
        assert truth.video.tolist() == split.names.tolist()
        assert [(label,) for label in truth.label] == [video.labels for video in split.videos]
        assert (truth.start_s < truth.end_s).all()
        assert all(end <= video.duration_s for end, video in zip(truth.end_s, split.videos, strict=True))
        assert all(split.subset([v], "one").snippet_truth.any() for v in range(len(split)))


def test_times_are_frame_numbers_at_30_fps(utkinect: Dataset) -> None:
    """s01_e01: first row is frame 190, walk 252-390, sitDown 572-686."""
    row = utkinect.train.names.tolist().index("s01_e01_walk")
    truth = utkinect.train.ground_truth[[row]]
    assert truth.start_s[0] == pytest.approx((252 - 190) / 30)
    assert truth.end_s[0] == pytest.approx((390 - 190) / 30)
    cut = (390 + 572) / 2
    assert utkinect.train.videos[row].duration_s == pytest.approx((cut - 190) / 30, abs=4 / 30)


def test_a_nan_and_an_enclosing_range_are_unlabelled(shared: Path, utkinect: Dataset) -> None:
    names = {*utkinect.train.names, *utkinect.test.names}
    assert "s10_e02_carry" not in names
    assert "s03_e01_push" not in names
    assert "s03_e01_throw" in names
    assert utkinect.notes == (
        "2 annotated actions without a usable frame range are unlabelled and count as background",
    )
    annotated = read_actions(shared / "data/utkinect/actionLabel.txt")
    assert sum(map(len, annotated.values())) == 200


def test_usable_actions_are_sorted_and_touching_ones_stay() -> None:
    push, pull = Action(6, 10, 20), Action(7, 15, 20)
    assert usable_actions([pull, push]) == [push, pull]
    assert usable_actions([Action(0, 0, 30), pull]) == [pull]


def test_features_do_not_depend_on_where_the_person_stands() -> None:
    joints = np.random.default_rng(0).normal(size=(20, 60))
    moved = joints + np.tile([1.0, -2.0, 3.0], 20)
    np.testing.assert_allclose(skeleton_features(joints), skeleton_features(moved), atol=1e-5)
    assert skeleton_features(joints).shape == (20, 240)


class TestBadInput:
    @pytest.fixture
    def copy(self, shared: Path, tmp_path: Path) -> Path:
        folder = tmp_path / "utkinect"
        folder.mkdir()
        for recording in ("s01_e01", "s08_e01"):
            shutil.copyfile(shared / f"data/utkinect/joints_{recording}.txt", folder / f"joints_{recording}.txt")
        lines = (shared / "data/utkinect/actionLabel.txt").read_text().splitlines()
        kept = [lines.index(recording) for recording in ("s01_e01", "s08_e01")]
        text = "\n".join(line for first in kept for line in lines[first : first + 11])
        (folder / "actionLabel.txt").write_text(text)
        return tmp_path

    def test_a_part_of_the_recordings_loads(self, copy: Path) -> None:
        dataset = load_dataset(CONFIG, copy)
        assert (len(dataset.train), len(dataset.test)) == (10, 10)

    def test_missing_files_name_the_folder_and_a_way_out(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"utkinect: .*actionLabel\.txt does not exist.*spoken-digits runs"):
            load_dataset(CONFIG, tmp_path)

    def test_a_missing_recording_is_named(self, copy: Path) -> None:
        (copy / "utkinect/joints_s08_e01.txt").unlink()
        with pytest.raises(UserError, match=r"joints_s08_e01\.txt does not exist"):
            load_dataset(CONFIG, copy)

    def test_a_truncated_recording_is_named(self, copy: Path) -> None:
        path = copy / "utkinect/joints_s08_e01.txt"
        path.write_text(path.read_text()[:-300])
        with pytest.raises(UserError, match=r"joints_s08_e01\.txt, row \d+: a number is missing"):
            load_dataset(CONFIG, copy)

    def test_an_empty_split_is_named(self, copy: Path) -> None:
        path = copy / "utkinect/actionLabel.txt"
        path.write_text("\n".join(path.read_text().splitlines()[:11]))
        with pytest.raises(UserError, match="split test is empty"):
            load_dataset(CONFIG, copy)

    def test_an_unknown_action_is_named(self, copy: Path) -> None:
        path = copy / "utkinect/actionLabel.txt"
        path.write_text(path.read_text().replace("walk:", "wlak:", 1))
        with pytest.raises(UserError, match=r"line 2: label 'wlak' is in no class list\. Did you mean 'walk'"):
            load_dataset(CONFIG, copy)

    def test_another_frame_rate_is_refused(self, copy: Path) -> None:
        with pytest.raises(UserError, match=r"dataset\.snippet_fps: utkinect has 30"):
            load_dataset(DatasetConfig(name="utkinect"), copy)
