"""Features kept in a folder: the same values as in memory, made once, whole or absent."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
from collections import namedtuple
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.trainables.datasets.test_external import config, small_thumos14
from trainables.data.array_file import ArrayFile
from trainables.datasets import DataProblems, Dataset, FeatureFolder, load_dataset, make_card
from trainables.datasets import external as external_module
from trainables.datasets.card import content_hash
from trainables.errors import UserError


@pytest.fixture
def kept(tmp_path: Path) -> FeatureFolder:
    return FeatureFolder(tmp_path / "kept")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Four videos of random features."""
    small_thumos14(tmp_path)
    rng = np.random.default_rng(0)
    for path in sorted((tmp_path / "thumos14/i3d").iterdir()):
        np.save(path, rng.normal(size=(100, 4)))
    return tmp_path


def load(data_dir: Path, kept: FeatureFolder | None, **changes: Any) -> Dataset:
    return load_dataset(config(**changes), data_dir, kept)


def names(folder: FeatureFolder) -> list[str]:
    return sorted(str(path.relative_to(folder.path)) for path in folder.path.rglob("*") if path.is_file())


def assert_same(one: Dataset, other: Dataset) -> None:
    for a, b in ((one.train, other.train), (one.test, other.test)):
        np.testing.assert_array_equal(a.features, b.features)
        np.testing.assert_array_equal(a.starts, b.starts)
        assert a.videos == b.videos
    assert one.notes == other.notes
    assert content_hash(one) == content_hash(other)


@pytest.mark.parametrize("stream", ["both", "first_half", "last_half"])
def test_kept_features_equal_those_in_memory(data_dir: Path, kept: FeatureFolder, stream: str) -> None:
    in_memory = load(data_dir, None, stream=stream)
    assert ArrayFile.of(in_memory.train.features) is None
    for _ in range(2):
        mapped = load(data_dir, kept, stream=stream)
        assert ArrayFile.of(mapped.train.features) is not None
        assert_same(mapped, in_memory)


def test_the_next_load_reads_no_feature_file(
    data_dir: Path, kept: FeatureFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load(data_dir, kept)
    monkeypatch.setattr(external_module, "open_features", lambda *given: pytest.fail("read again"))
    assert_same(load(data_dir, kept), first)


def test_other_files_videos_and_halves_are_other_features(data_dir: Path, kept: FeatureFolder) -> None:
    load(data_dir, kept)
    load(data_dir, kept, stream="first_half")
    load(data_dir, kept, exclude_videos=("test_1",))
    changed = data_dir / "thumos14/i3d/test_1.npy"
    np.save(changed, np.load(changed) + 1)
    os.utime(changed, ns=(0, 0))
    assert load(data_dir, kept).test.features[-1].tolist() == np.load(changed)[-1].astype(np.float32).tolist()
    assert len([name for name in names(kept) if name.endswith("index.json")]) == 4


def test_missing_videos_are_remembered(data_dir: Path, kept: FeatureFolder) -> None:
    (data_dir / "thumos14/i3d/test_0.npy").unlink()
    for _ in range(2):
        dataset = load(data_dir, kept, allow_missing=True)
        assert dataset.test.lengths.tolist() == [0, 100]
        assert dataset.test.starts.tolist() == [0, 0]
        with pytest.raises(DataProblems, match="1 of 2 videos have no features"):
            load(data_dir, kept)


def test_features_with_problems_are_told_and_not_kept(data_dir: Path, kept: FeatureFolder) -> None:
    broken = np.ones((100, 4))
    broken[3, 1] = np.nan
    np.save(data_dir / "thumos14/i3d/valid_0.npy", broken)
    path = data_dir / "thumos14/i3d/test_0.npy"
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(DataProblems) as caught:
        load(data_dir, kept)
    with pytest.raises(DataProblems) as expected:
        load(data_dir, None)
    assert caught.value.problems == expected.value.problems
    assert caught.value.dataset is not None
    assert expected.value.dataset is not None
    np.testing.assert_array_equal(caught.value.dataset.train.features, expected.value.dataset.train.features)
    assert [name for name in names(kept) if not name.endswith(".lock")] == []


def test_a_folder_that_must_not_be_written_stays_as_it_is(data_dir: Path, kept: FeatureFolder) -> None:
    reader = FeatureFolder(kept.path, may_write=False)
    assert ArrayFile.of(load(data_dir, reader).train.features) is None
    assert not kept.path.exists()
    load(data_dir, kept)
    assert ArrayFile.of(load(data_dir, reader).train.features) is not None


@pytest.mark.parametrize("damage", ["cut", "gone", "no index", "torn index", "left over"])
def test_damaged_features_are_made_again(data_dir: Path, kept: FeatureFolder, damage: str) -> None:
    first = load(data_dir, kept)
    (home,) = (path for path in kept.path.iterdir() if path.is_dir())
    if damage == "cut":
        (home / "train.npy").write_bytes((home / "train.npy").read_bytes()[:-1])
    elif damage == "gone":
        (home / "test.npy").unlink()
    elif damage == "no index":
        (home / "index.json").unlink()
    elif damage == "torn index":
        (home / "index.json").write_text((home / "index.json").read_text()[:20])
    else:  # killed while writing
        shutil.copytree(home, home.with_name(f"{home.name}.part"))
        shutil.rmtree(home)
    again = load(data_dir, kept)
    assert ArrayFile.of(again.train.features) is not None
    assert_same(again, load(data_dir, None))
    assert len(first.train) == len(again.train)
    assert sorted(path.name for path in kept.path.iterdir()) == [home.name, f"{home.name}.lock"]


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.EMFILE])
@pytest.mark.parametrize("file", ["index.json", "train.npy"])
def test_features_that_cannot_be_read_now_are_not_removed(
    data_dir: Path, kept: FeatureFolder, monkeypatch: pytest.MonkeyPatch, number: int, file: str
) -> None:
    """Other studies may be mapping them."""
    load(data_dir, kept)
    before = {path: path.stat().st_ino for path in kept.path.rglob("*.npy")}
    load_array, read_text = np.load, Path.read_text

    def refuse(original: Any) -> Any:
        def call(path: Any, *more: Any, **options: Any) -> Any:
            if Path(path).name == file and kept.path in Path(path).parents:
                raise OSError(number, os.strerror(number), str(path))
            return original(path, *more, **options)

        return call

    with monkeypatch.context() as patched:
        patched.setattr(np, "load", refuse(load_array))
        patched.setattr(Path, "read_text", refuse(read_text))
        with pytest.raises(UserError, match=rf"^--study-dir: .*{file}: {os.strerror(number)}"):
            load(data_dir, kept)
        (listed,) = kept.kept()
        assert not listed.whole
    assert {path: path.stat().st_ino for path in kept.path.rglob("*.npy")} == before
    assert ArrayFile.of(load(data_dir, kept).train.features) is not None


def test_too_little_room_is_told_before_writing(
    data_dir: Path, kept: FeatureFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 3_000_000, 3_000_000))
    with pytest.raises(UserError, match=r"--study-dir: .*kept has 0\.0 GB free, the features .* need 0\.0 GB there"):
        load(data_dir, kept)
    assert [name for name in names(kept) if not name.endswith(".lock")] == []


def test_a_folder_that_cannot_be_made_is_named(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"--study-dir: .*file/kept: Not a directory; .* choose another --study-dir"):
        load(data_dir, FeatureFolder(tmp_path / "file/kept"))


def test_a_split_travels_without_the_values_of_its_features(data_dir: Path, kept: FeatureFolder) -> None:
    dataset = load(data_dir, kept)
    sent = pickle.dumps(dataset)
    assert dataset.train.features[0].tobytes() not in sent
    arrived = pickle.loads(sent)
    assert_same(arrived, dataset)
    assert not arrived.train.features.flags.writeable
    part = pickle.loads(pickle.dumps(dataset.train.subset([1], "part")))
    assert ArrayFile.of(part.features) == ArrayFile.of(dataset.train.features)


def test_a_split_in_memory_travels_whole(data_dir: Path) -> None:
    dataset = load(data_dir, None)
    assert_same(pickle.loads(pickle.dumps(dataset)), dataset)


def test_the_card_of_kept_features_is_the_same(data_dir: Path, kept: FeatureFolder) -> None:
    assert make_card(load(data_dir, kept), config()) == make_card(load(data_dir, None), config())


def nobody_needs_it(users: Iterable[str]) -> None:
    assert list(users) == []


def test_features_are_removed_also_after_a_removal_that_was_killed(data_dir: Path, kept: FeatureFolder) -> None:
    load(data_dir, kept)
    (home,) = (path for path in kept.path.iterdir() if path.is_dir())
    left_over = home.with_name(f"{home.name}.removed")
    shutil.copytree(home, left_over)
    assert [(one.path.name, one.whole) for one in kept.kept()] == [(home.name, True), (left_over.name, False)]
    kept.remove(home.name, nobody_needs_it)
    assert kept.kept() == []
    shutil.copytree(data_dir / "thumos14", left_over)
    kept.remove(left_over.name, nobody_needs_it)
    assert kept.kept() == []


def test_what_vanishes_while_it_is_listed_is_left_out(
    data_dir: Path, kept: FeatureFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where another process removes it, or renames what it has written."""
    load(data_dir, kept)
    (home,) = (path for path in kept.path.iterdir() if path.is_dir())
    shutil.copytree(home, home.with_name(f"{home.name}.part"))
    find = FeatureFolder.find

    def removing_the_other(folder: FeatureFolder, key: str) -> Any:
        shutil.rmtree(home.with_name(f"{home.name}.part"))
        return find(folder, key)

    monkeypatch.setattr(FeatureFolder, "find", removing_the_other)
    assert [one.path for one in kept.kept()] == [home]
