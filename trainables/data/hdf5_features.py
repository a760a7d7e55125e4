"""Features in HDF5 files: one data set per video, at the top or in a group of the video's name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from trainables.data.feature_files import NUMBERS, forget_file, matrix_shape
from trainables.data.video_names import find_name
from trainables.errors import UserError
from trainables.text_files import one_line

FORGET_BYTES = 256 * 2**20
MOST_EXPANSION = 2000  # gzip reaches about 1,000; more is a damaged header that would take all memory

Value = TypeVar("Value")


class Hdf5Features:
    """One or several files. Of a group with several arrays, the only T x D matrix is the features.

    ``layout`` names the arrays of such groups, as a reader of the card must know which one is used.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        import h5py  # here, as a machine that trains on other data need not have it

        self.layout = "HDF5"
        self._unforgotten = 0
        self._files: list[h5py.File] = []
        self._videos: dict[str, h5py.Dataset] = {}
        self._unusable: dict[str, str] = {}
        for path in paths:
            file = _opened(path)
            self._files.append(file)
            for name in _of_damaged(path, lambda file=file: list(file)):  # type: ignore[misc]
                self._add(path, name, _of_damaged(path, lambda file=file, name=name: file[name]))  # type: ignore[misc]

    def _add(self, path: Path, name: str, node: Any) -> None:
        import h5py

        if name in self._videos or name in self._unusable:
            first = self._videos[name].file.filename if name in self._videos else str(path)
            raise UserError(f"{path}: {name} is also in {first}; keep one")
        if isinstance(node, h5py.Dataset):
            self._videos[name] = node
        elif isinstance(node, h5py.Group):
            self._add_group(path, name, _of_damaged(path, lambda: dict(node.items())))

    def _add_group(self, path: Path, name: str, members: dict[str, Any]) -> None:
        import h5py

        arrays = {key: member for key, member in members.items() if isinstance(member, h5py.Dataset)}
        matrices = [key for key, array in arrays.items() if array.ndim == 2 and array.dtype.kind in NUMBERS]
        chosen = next(iter(arrays)) if len(arrays) == 1 else matrices[0] if len(matrices) == 1 else None
        if chosen is None:
            held = ", ".join(f"{key} {array.shape}" for key, array in arrays.items()) or "none"
            self._unusable[name] = (
                f"{path}: the group {name} holds {len(arrays)} arrays ({held}); one of them must be the T x D features"
            )
            return
        self._videos[name] = arrays[chosen]
        if len(arrays) > 1 and self.layout == "HDF5":
            others = ", ".join(key for key in arrays if key != chosen)
            self.layout = f"HDF5 (groups hold {len(arrays)} arrays: {chosen} is read, {others} is not)"

    def names(self) -> list[str]:
        return sorted([*self._videos, *self._unusable])

    def __contains__(self, name: str) -> bool:
        return find_name(name, self._videos) is not None or find_name(name, self._unusable) is not None

    def shape(self, name: str) -> tuple[int, int]:
        unusable = find_name(name, self._unusable)
        if unusable is not None:
            raise UserError(self._unusable[unusable])
        video = self._video(name)
        where = f"{video.file.filename}: {name}"
        found = _of_damaged(where, lambda: matrix_shape(video.shape, video.dtype, where))
        stored = _of_damaged(where, video.id.get_storage_size)
        if video.nbytes > MOST_EXPANSION * stored:
            raise UserError(
                f"{where}: its header says {found}, the file holds {stored} bytes of it; get the file again"
            )
        return found

    def read(self, name: str, columns: slice, out: npt.NDArray[np.float32]) -> None:
        video = self._video(name)
        _of_damaged(f"{video.file.filename}: {name}", lambda: video.read_direct(out, source_sel=np.s_[:, columns]))

    def forget(self, name: str) -> None:
        # A file holds many videos: it leaves the page cache once much of it was read, not after each of them.
        self._unforgotten += self._video(name).nbytes
        if self._unforgotten >= FORGET_BYTES:
            for file in self._files:
                forget_file(file.id.get_vfd_handle())
            self._unforgotten = 0

    def close(self) -> None:
        for file in self._files:
            file.close()

    def _video(self, name: str) -> Any:
        return self._videos[find_name(name, self._videos) or name]


def _opened(path: Path) -> Any:
    import h5py

    try:
        return h5py.File(path, "r")
    except Exception as error:  # a damaged file may fail in any way
        raise UserError(f"{path}: truncated or not HDF5 ({one_line(error)}); get the file again") from None


def _of_damaged(where: object, read: Callable[[], Value]) -> Value:
    """What ``read`` returns; h5py raises half a dozen kinds of errors for damaged files, all are one to a user."""
    try:
        return read()
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{where}: cannot be read ({one_line(error)}); get the file again") from None
