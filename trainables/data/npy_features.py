"""Features in ``.npy`` files: one per video and part, or W-TALC's single file of all videos."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainables.data.feature_files import forget_file, matrix_shape
from trainables.data.object_arrays import is_object_array, read_object_array
from trainables.data.video_names import find_name
from trainables.errors import UserError
from trainables.text_files import one_line


class NpyFeatures:
    """A file per video and part; parts (rgb, flow) lie side by side in the feature vector, in this order."""

    def __init__(self, parts: Sequence[Mapping[str, Path]], layout: str) -> None:
        self.layout = layout
        self._parts = parts

    def names(self) -> list[str]:
        return sorted(set.intersection(*(set(part) for part in self._parts)))

    def __contains__(self, name: str) -> bool:
        return all(find_name(name, part) is not None for part in self._parts)

    def shape(self, name: str) -> tuple[int, int]:
        shapes = [matrix_shape(array.shape, array.dtype, str(path)) for path, array in self._arrays(name)]
        if len({rows for rows, _ in shapes}) != 1:
            rows = " and ".join(str(rows) for rows, _ in shapes)
            raise UserError(f"{name}: its rgb and flow files have {rows} rows; they must agree")
        return shapes[0][0], sum(width for _, width in shapes)

    def read(self, name: str, columns: slice, out: npt.NDArray[np.float32]) -> None:
        wanted_from, wanted_to = columns.start or 0, columns.stop
        offset = 0
        for _, array in self._arrays(name):
            first, last = max(wanted_from, offset), min(wanted_to, offset + array.shape[1])
            if first < last:
                out[:, first - wanted_from : last - wanted_from] = array[:, first - offset : last - offset]
            offset += array.shape[1]

    def forget(self, name: str) -> None:
        for path, _ in self._arrays(name):
            with path.open("rb") as file:
                forget_file(file.fileno())

    def close(self) -> None:
        """Nothing is held open."""

    def _arrays(self, name: str) -> Iterable[tuple[Path, npt.NDArray[Any]]]:
        for part in self._parts:
            path = part[find_name(name, part) or name]
            yield path, _mapped(path)


class ObjectArrayFeatures:
    """W-TALC: element i of one object array is the T x D matrix of the i-th video of ``videoname.npy``."""

    layout = "W-TALC object array"

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        arrays = read_object_array(path).ravel()
        if len(arrays) != len(names):
            raise UserError(f"{path}: holds {len(arrays)} videos but videoname.npy names {len(names)}")
        for name, array in zip(names, arrays, strict=True):
            if not isinstance(array, np.ndarray) or array.dtype.hasobject:
                raise UserError(f"{path}: {name}: expected an array of numbers, got {type(array).__name__}; refused")
        self._path = path
        self._videos = dict(zip(names, arrays, strict=True))

    def names(self) -> list[str]:
        return sorted(self._videos)

    def __contains__(self, name: str) -> bool:
        return name in self._videos

    def shape(self, name: str) -> tuple[int, int]:
        return matrix_shape(self._videos[name].shape, self._videos[name].dtype, f"{self._path}: {name}")

    def read(self, name: str, columns: slice, out: npt.NDArray[np.float32]) -> None:
        out[...] = self._videos[name][:, columns]

    def forget(self, name: str) -> None:
        """All of them are in memory."""

    def close(self) -> None:
        self._videos.clear()


def _mapped(path: Path) -> npt.NDArray[Any]:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header may fail in any way
        if is_object_array(path):
            raise UserError(f"{path}: an object array where a T x D array of numbers belongs; refused") from None
        # numpy takes any other file for a pickle and advises to load it unsafely
        why = "" if "pickle" in str(error) else f" ({one_line(error)})"
        raise UserError(f"{path}: truncated or not .npy{why}; get the file again") from None
