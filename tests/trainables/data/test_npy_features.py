"""``.npy`` files of features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trainables.data.npy_features import NpyFeatures
from trainables.errors import UserError


def saved(folder: Path, name: str, array: np.ndarray) -> Path:
    np.save(folder / f"{name}.npy", array, allow_pickle=True)
    return folder / f"{name}.npy"


def test_parts_lie_side_by_side(tmp_path: Path) -> None:
    rgb, flow = saved(tmp_path, "a", np.full((3, 2), 1.0)), saved(tmp_path, "b", np.full((3, 4), 2.0))
    source = NpyFeatures([{"v": rgb}, {"v_v": flow}], "parts")
    assert source.shape("v") == (3, 6)
    out = np.empty((3, 2), np.float32)
    source.read("v", slice(1, 3), out)
    assert out.tolist() == [[1, 2]] * 3
    assert "w" not in source


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((3, 2), complex), "features must be real numbers, got complex128"),
        (np.array([["1", "2"]]), "features must be real numbers, got <U1"),
        (np.ones((3, 2, 2)), "must be a T x D matrix"),
        (np.ones((0, 2)), "must be a T x D matrix"),
        (np.array([[None]], dtype=object), "an object array where a T x D array"),
    ],
)
def test_other_arrays_are_refused(tmp_path: Path, array: np.ndarray, message: str) -> None:
    with pytest.raises(UserError, match=message):
        NpyFeatures([{"v": saved(tmp_path, "v", array)}], "x").shape("v")


def test_parts_of_unequal_length_are_refused(tmp_path: Path) -> None:
    rgb, flow = saved(tmp_path, "a", np.ones((3, 2))), saved(tmp_path, "b", np.ones((4, 2)))
    with pytest.raises(UserError, match="its rgb and flow files have 3 and 4 rows"):
        NpyFeatures([{"v": rgb}, {"v": flow}], "parts").shape("v")
