"""What counts as a matrix of features."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from trainables.data.feature_files import forget_file, matrix_shape
from trainables.errors import UserError


@pytest.mark.parametrize("dtype", ["f2", ">f8", "i4", "u1", "?"])
def test_real_numbers_of_any_kind_are_features(dtype: str) -> None:
    assert matrix_shape((3, 2), np.dtype(dtype), "x") == (3, 2)


@pytest.mark.parametrize("dtype", ["c8", "U3", "S3", "O", "M8[s]"])
def test_other_values_are_refused(dtype: str) -> None:
    with pytest.raises(UserError, match="x: features must be real numbers"):
        matrix_shape((3, 2), np.dtype(dtype), "x")


def test_a_file_that_is_forgotten_can_be_read_again(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    with (tmp_path / "a").open("rb") as file:
        forget_file(file.fileno())
        assert os.read(file.fileno(), 3) == b"abc"
