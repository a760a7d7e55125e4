"""Object arrays are read without running what they name."""

from __future__ import annotations

import os
import pickle
import resource
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from trainables.data.object_arrays import is_object_array, read_object_array, read_pickled_arrays
from trainables.errors import UserError


class Attack:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("executed",)


def object_array(items: Sequence[object]) -> np.ndarray:
    array = np.empty(len(items), dtype=object)
    for index, item in enumerate(items):
        array[index] = item
    return array


def test_arrays_come_back(tmp_path: Path) -> None:
    matrices = [np.random.default_rng(t).normal(size=(t, 3)) for t in (2, 5)]
    np.save(tmp_path / "a.npy", object_array(matrices), allow_pickle=True)
    assert is_object_array(tmp_path / "a.npy")
    for read, written in zip(read_object_array(tmp_path / "a.npy"), matrices, strict=True):
        np.testing.assert_array_equal(read, written)


def test_plain_arrays_come_back(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([b"x", b"y"]))
    assert read_object_array(tmp_path / "a.npy").tolist() == [b"x", b"y"]
    assert not is_object_array(tmp_path / "a.npy")


def test_arrays_of_python_2_and_numpy_1_come_back(shared: Path) -> None:
    segments = read_object_array(shared / "data/thumos14/wtalc/segments.npy")
    assert segments[0] == [[67.5, 75.9], [85.9, 90.6], [139.3, 148.2]]


@pytest.mark.parametrize("payload", [Attack(), Path("x")])
def test_anything_else_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, payload: object) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", object_array([np.zeros((2, 3)), payload]), allow_pickle=True)
    with pytest.raises(UserError, match=r"a\.npy: object array refused: it names .*not one of numpy's own"):
        read_object_array(Path("a.npy"))
    assert not Path("executed").exists()


def test_a_plain_pickle_is_not_an_array(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(pickle.dumps(Attack()))
    with pytest.raises(UserError, match=r"a\.npy: truncated or damaged"):
        read_object_array(tmp_path / "a.npy")


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, object_array([np.zeros((20, 3))]), allow_pickle=True)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"a\.npy: (truncated or damaged|object array refused)"):
        read_object_array(path)


@pytest.mark.parametrize(
    "damage",
    [
        b"r\xff\xff\xff\x7f",  # what it has read last is object 2,147,483,647: C's reader makes room for all before it
        b"cnumpy\ndtype\n(\x8c\x02f4\x8c\x01xK\x01tRK\x03(NNNNNNNtb",  # a state that numpy's own dtype cannot have
        b"cnumpy._core.multiarray\n_reconstruct\n)R(K\x01J\xff\xff\xff\x7fcnumpy\ndtype\n\x8c\x02f4\x85R\x89J\xff\xff\xff\x7ftb",
    ],
)
def test_damage_takes_no_memory_and_does_not_end_the_process(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "a.npy"
    np.save(path, object_array([np.zeros(3)]), allow_pickle=True)
    path.write_bytes(path.read_bytes()[:128] + b"\x80\x04N" + damage + b".")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError, match=r"a\.npy: "):
        read_object_array(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.npy: cannot be read \(No such file"):
        read_object_array(tmp_path / "none.npy")


class TestPickledArrays:
    """Weights as users of JAX publish them."""

    def test_nested_arrays_come_back(self, tmp_path: Path) -> None:
        path = tmp_path / "weights.ckpt"
        path.write_bytes(pickle.dumps({"params": {"kernel": np.arange(6.0).reshape(2, 3)}}))
        assert read_pickled_arrays(path)["params"]["kernel"].tolist() == [[0, 1, 2], [3, 4, 5]]

    def test_a_pickle_that_names_anything_else_is_refused_unrun(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        path = tmp_path / "weights.ckpt"
        path.write_bytes(pickle.dumps({"params": Attack()}))
        with pytest.raises(UserError, match="nothing of it was run"):
            read_pickled_arrays(path)
        assert not (tmp_path / "executed").exists()
