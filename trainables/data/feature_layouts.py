"""Feature files of the field: where the T x D matrix of each video lies, and how to read a part of its columns.

``open_features`` detects the layout. ``FeatureFiles`` read one video at a time straight into the caller's array, so no
second copy of a data set is ever in memory; only W-TALC's single pickle has to be held whole while it is read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from trainables.data.object_arrays import is_object_array, read_object_array
from trainables.errors import UserError

FORGET_BYTES = 256 * 2**20

LAYOUTS = (
    "HDF5 (*.hdf5, *.h5) with one T x D data set per video (RefineLoc, AutoLoc)",
    "a folder with one T x D .npy per video",
    "folders rgb/ and flow/ with one T x 1024 .npy per video (BaS-Net, CoLA)",
    "one object-array .npy with W-TALC's videoname.npy beside it or among the annotations",
)


class FeatureFiles(Protocol):
    """Features of videos on disk. Every method raises UserError for a damaged file, naming it."""

    layout: str

    def names(self) -> list[str]:
        """All videos that have features, sorted, as the files call them."""

    def __contains__(self, name: str) -> bool:
        """Whether there are features of this video."""

    def shape(self, name: str) -> tuple[int, int]:
        """(T, D) of a video, without reading its values."""

    def read(self, name: str, columns: slice, out: npt.NDArray[np.float32]) -> None:
        """Fill ``out`` (T, selected columns) with these columns of a video."""

    def forget(self, name: str) -> None:
        """The system need not keep a video that was read in its page cache: it is not read again."""

    def close(self) -> None:
        """Release the files."""


class Hdf5Features:
    """One or several HDF5 files; a data set per video, at the top or alone in a group of the video's name."""

    layout = "HDF5"

    def __init__(self, paths: Sequence[Path]) -> None:
        self._unforgotten = 0
        import h5py  # here, as a machine that trains on other data need not have it

        self._files: list[h5py.File] = []
        self._videos: dict[str, h5py.Dataset] = {}
        for path in paths:
            file = _open_hdf5(path)
            self._files.append(file)
            for name, node in file.items():
                if isinstance(node, h5py.Group):
                    members = list(node.values())
                    node = members[0] if len(members) == 1 else node
                if isinstance(node, h5py.Dataset):
                    if name in self._videos:
                        raise UserError(f"{path}: {name} is also in {self._videos[name].file.filename}; keep one")
                    self._videos[name] = node

    def names(self) -> list[str]:
        return sorted(self._videos)

    def __contains__(self, name: str) -> bool:
        return _key(name, self._videos) is not None

    def shape(self, name: str) -> tuple[int, int]:
        video = self._videos[_key(name, self._videos) or name]
        return _matrix_shape(video.shape, f"{video.file.filename}: {name}")

    def read(self, name: str, columns: slice, out: npt.NDArray[np.float32]) -> None:
        video = self._videos[_key(name, self._videos) or name]
        try:
            video.read_direct(out, source_sel=np.s_[:, columns])
        except (OSError, TypeError) as error:
            raise UserError(f"{video.file.filename}: {name} cannot be read ({error}); get the file again") from None

    def forget(self, name: str) -> None:
        self._unforgotten += self._videos[_key(name, self._videos) or name].nbytes
        if self._unforgotten >= FORGET_BYTES:
            for file in self._files:
                _forget(file.id.get_vfd_handle())
            self._unforgotten = 0

    def close(self) -> None:
        for file in self._files:
            file.close()


class NpyFeatures:
    """A ``.npy`` per video and part; parts (rgb, flow) lie side by side in the feature vector, in this order."""

    def __init__(self, parts: Sequence[Mapping[str, Path]], layout: str) -> None:
        self.layout = layout
        self._parts = parts

    def names(self) -> list[str]:
        return sorted(set.intersection(*(set(part) for part in self._parts)))

    def __contains__(self, name: str) -> bool:
        return all(_key(name, part) is not None for part in self._parts)

    def shape(self, name: str) -> tuple[int, int]:
        shapes = [_matrix_shape(array.shape, str(path)) for path, array in self._arrays(name)]
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
                _forget(file.fileno())

    def close(self) -> None:
        """Nothing is held open."""

    def _arrays(self, name: str) -> Iterable[tuple[Path, npt.NDArray[Any]]]:
        for part in self._parts:
            path = part[_key(name, part) or name]
            yield path, _map_npy(path)


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
        return _matrix_shape(self._videos[name].shape, f"{self._path}: {name}")

    def read(self, name: str, columns: slice, out: npt.NDArray[np.float32]) -> None:
        out[...] = self._videos[name][:, columns]

    def forget(self, name: str) -> None:
        """All of them are in memory."""

    def close(self) -> None:
        self._videos.clear()


def feature_paths(path: Path, annotation_folders: Sequence[Path] = ()) -> list[Path]:
    """Files that the features under ``path`` may be read from; without opening any."""
    files = [path] if path.is_file() else sorted(path.rglob("*"))
    names = [folder / "videoname.npy" for folder in annotation_folders]
    return [file for file in (*files, *names) if file.suffix in (".hdf5", ".h5", ".npy") and file.is_file()]


def open_features(path: Path, annotation_folders: Sequence[Path] = ()) -> FeatureFiles:
    """The features of a file or folder, its layout detected.

    annotation_folders: where W-TALC's ``videoname.npy`` may lie besides the features' own folder. Raises
    UserError when ``path`` is missing or holds none of ``LAYOUTS``, naming what was found.
    """
    files = [path] if path.is_file() else sorted(entry for entry in path.rglob("*") if entry.is_file())
    hdf5 = [file for file in files if file.suffix in (".hdf5", ".h5")]
    npy = [file for file in files if file.suffix == ".npy" and file.name != "videoname.npy"]
    if hdf5:
        return Hdf5Features(hdf5)
    if len(npy) == 1 and is_object_array(npy[0]):
        return ObjectArrayFeatures(npy[0], _video_names([npy[0].parent, *annotation_folders], npy[0]))
    by_part = {part: _by_stem(f for f in npy if f.parent.name.lower() == part) for part in ("rgb", "flow")}
    if all(by_part.values()):
        return NpyFeatures([by_part["rgb"], by_part["flow"]], "rgb/ and flow/ folders")
    if npy:
        return NpyFeatures([_by_stem(npy)], "folder of .npy files")
    found = ", ".join(file.name for file in files[:6]) or "nothing"
    raise UserError(f"{path}: no features recognised; found: {found}. Understood: {'; '.join(LAYOUTS)}")


def _forget(descriptor: int) -> None:
    if hasattr(os, "posix_fadvise"):  # not on macOS
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _key(name: str, known: Mapping[str, Any]) -> str | None:
    """ActivityNet's video ids are often written with a leading ``v_`` in feature files."""
    return next((key for key in (name, f"v_{name}") if key in known), None)


def _by_stem(files: Iterable[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in files:
        if file.stem in found:
            raise UserError(f"{file}: {file.stem} is also in {found[file.stem].parent}; keep one")
        found[file.stem] = file
    return found


def _video_names(folders: Sequence[Path], features: Path) -> list[str]:
    for folder in folders:
        if (folder / "videoname.npy").is_file():
            names = read_object_array(folder / "videoname.npy")
            return [name.decode() if isinstance(name, bytes) else str(name) for name in names]
    looked = ", ".join(str(folder) for folder in folders)
    raise UserError(
        f"{features}: an object array lists videos in the order of W-TALC's videoname.npy, which is in none of "
        f"{looked}; put it beside the features"
    )


def _open_hdf5(path: Path) -> Any:
    import h5py

    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise UserError(f"{path}: truncated or not HDF5 ({error}); get the file again") from None


def _map_npy(path: Path) -> npt.NDArray[Any]:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        if is_object_array(path):
            raise UserError(f"{path}: an object array where a T x D array of numbers belongs; refused") from None
        raise UserError(f"{path}: truncated or not .npy ({error}); get the file again") from None


def _matrix_shape(shape: tuple[int, ...], where: str) -> tuple[int, int]:
    if len(shape) != 2 or 0 in shape:
        raise UserError(f"{where}: features must be a T x D matrix, got shape {shape}")
    return shape[0], shape[1]
