"""HDF5 files of features, also damaged ones."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from trainables.data.hdf5_features import Hdf5Features
from trainables.errors import UserError


def test_the_only_matrix_of_a_group_is_read_and_the_layout_says_so(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["v/features"], file["v/timestamps"] = np.full((4, 2), 3.0), np.arange(4)
        file["w/anything"] = np.full((5, 2), 4.0)
    source = Hdf5Features([tmp_path / "f.h5"])
    assert (source.shape("v"), source.shape("w")) == ((4, 2), (5, 2))
    assert source.layout == "HDF5 (groups hold 2 arrays: features is read, timestamps is not)"
    out = np.empty((4, 1), np.float32)
    source.read("v_v.mp4", slice(1, 2), out)
    assert (out == 3).all()
    source.close()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"v/rgb": np.ones((4, 2)), "v/flow": np.ones((4, 2))}, r"v holds 2 arrays \(flow \(4, 2\), rgb \(4, 2\)\)"),
        ({"v/a": np.arange(3), "v/b": np.arange(3)}, "holds 2 arrays"),
        ({"v/a/b": np.ones((4, 2))}, r"holds 0 arrays \(none\)"),
        ({"v": np.ones((4, 2), complex)}, "features must be real numbers, got complex128"),
        ({"v": np.array([[b"1", b"2"]])}, "features must be real numbers"),
        ({"v": np.ones(4)}, r"must be a T x D matrix, got shape \(4,\)"),
    ],
)
def test_other_contents_are_a_problem_of_that_video(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        for name, array in arrays.items():
            file[name] = array
    source = Hdf5Features([tmp_path / "f.h5"])
    assert "v" in source
    with pytest.raises(UserError, match=message):
        source.shape("v")


def test_a_header_that_says_more_than_the_file_holds_is_not_believed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file.create_dataset("v", shape=(10**9, 1024), dtype="f4", chunks=(1, 1024))
    with pytest.raises(UserError, match="its header says"):
        Hdf5Features([tmp_path / "f.h5"]).shape("v")


def test_a_video_in_two_files_and_a_file_of_something_else_are_refused(tmp_path: Path) -> None:
    for name in ("a.h5", "b.h5"):
        with h5py.File(tmp_path / name, "w") as file:
            file["v"] = np.ones((4, 2))
    with pytest.raises(UserError, match=r"b\.h5: v is also in .*a\.h5"):
        Hdf5Features([tmp_path / "a.h5", tmp_path / "b.h5"])
    (tmp_path / "c.h5").write_bytes(b"no")
    with pytest.raises(UserError, match=r"c\.h5: truncated or not HDF5"):
        Hdf5Features([tmp_path / "c.h5"])
