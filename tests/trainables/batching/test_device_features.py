"""Features as tensors: the same memory where that can be, the same values always."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from trainables.batching.device_features import FeatureStore, copy_in_parts
from trainables.data.array_file import ArrayFile, write_array

CPU = torch.device("cpu")
FINITE = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 9), st.integers(1, 4)), elements=st.floats(width=32, allow_nan=False)
)


def same_bits(one: torch.Tensor, other: torch.Tensor) -> bool:
    integers = {4: torch.int32, 2: torch.int16}[one.element_size()]
    return one.dtype == other.dtype and torch.equal(one.view(integers), other.view(integers))


def mapped(folder: Path, array: np.ndarray) -> np.ndarray:
    return write_array(folder / "a.npy", array.shape, "<f4", [array]).open()


def test_on_the_cpu_features_are_the_same_memory_also_when_read_only() -> None:
    features = np.ones((4, 3), np.float32)
    features.flags.writeable = False
    store = FeatureStore(CPU, torch.float32)
    tensor = store.tensor(features)
    assert tensor.data_ptr() == features.ctypes.data
    assert store.tensor(features) is tensor


def test_mapped_features_stay_mapped(tmp_path: Path) -> None:
    features = mapped(tmp_path, np.ones((4, 3), np.float32))
    assert FeatureStore(CPU, torch.float32).tensor(features).data_ptr() == features.ctypes.data
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npy"]


@given(FINITE)
def test_mapped_bfloat16_is_what_torch_rounds_to(tmp_path_factory: pytest.TempPathFactory, array: np.ndarray) -> None:
    features = mapped(tmp_path_factory.mktemp("x"), array)
    tensor = FeatureStore(CPU, torch.bfloat16).tensor(features)
    assert same_bits(tensor, torch.from_numpy(array).to(torch.bfloat16))


def test_bfloat16_is_one_file_for_all_stores(tmp_path: Path) -> None:
    features = mapped(tmp_path, np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32))
    FeatureStore(CPU, torch.bfloat16).tensor(features)
    made = tmp_path / "a.bfloat16.npy"
    before = made.stat()
    other = ArrayFile.of(features)
    assert other is not None
    tensor = FeatureStore(CPU, torch.bfloat16).tensor(other.open())
    assert (made.stat().st_ino, made.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    _assert_mapped(tensor, made)


def _assert_mapped(tensor: torch.Tensor, path: Path) -> None:
    """Its memory lies in a mapping of this file."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        bounds, *_, name = line.split(maxsplit=5)
        first, end = (int(bound, 16) for bound in bounds.split("-"))
        if first <= tensor.data_ptr() < end:
            assert name == str(path)
            return
    raise AssertionError("no mapping holds the tensor")


def _bits(file: ArrayFile) -> list[int]:
    return FeatureStore(CPU, torch.bfloat16).tensor(file.open()).view(torch.int16).flatten().tolist()


def test_processes_that_begin_together_make_one_file(tmp_path: Path) -> None:
    features = mapped(tmp_path, np.random.default_rng(0).normal(size=(500, 8)).astype(np.float32))
    file = ArrayFile.of(features)
    assert file is not None
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        found = pool.map(_bits, [file] * 3)
    expected = torch.from_numpy(np.array(features)).to(torch.bfloat16).view(torch.int16).flatten().tolist()
    assert found == [expected] * 3
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["a.bfloat16.npy", "a.bfloat16.npy.lock", "a.npy"]


@given(FINITE, st.integers(1, 80), st.sampled_from([torch.float32, torch.bfloat16]))
def test_a_copy_in_parts_is_the_copy(array: np.ndarray, staged_bytes: int, dtype: torch.dtype) -> None:
    copy = copy_in_parts(array, CPU, dtype, staged_bytes)
    assert same_bits(copy, torch.from_numpy(array).to(dtype))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_features_reach_the_gpu_unchanged(dtype: torch.dtype) -> None:
    array = np.random.default_rng(0).normal(size=(3000, 64)).astype(np.float32)
    on_device = copy_in_parts(array, torch.device("cuda"), dtype, staged_bytes=100_000)
    assert same_bits(on_device.cpu(), torch.from_numpy(array).to(dtype))
