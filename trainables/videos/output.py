"""The folder that an extraction writes: features, ``features.yaml``, and what was finished, whatever is killed when.

Every file is written whole. ``.extraction.jsonl`` gets a line when a video's features are on the disk; a torn last
line is that of a video that is extracted again. One HDF5 file is made at the end, of the ``.npy`` files of all videos.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

import numpy as np

from trainables.data import FeatureDescription, VideoFeatures, read_feature_description
from trainables.errors import UserError
from trainables.files import try_flock, write_whole
from trainables.json_types import JsonObject
from trainables.videos.extraction import Extracted
from trainables.videos.weights import sha256_of

JOURNAL = ".extraction.jsonl"
HDF5_FILE = "features.hdf5"
REFRESH_S = 30

Layout = Literal["npy", "hdf5"]


class FeatureWriter:
    """One extraction's folder, held by one process. Use as a context manager; the description is written at its end.

    Raises UserError when the folder holds features of another protocol, or another extraction writes there.
    """

    def __init__(self, folder: Path, description: FeatureDescription, layout: Layout) -> None:
        self.folder, self.layout = folder, layout
        self._parts = folder / ".parts" if layout == "hdf5" else folder
        self._dtype = np.dtype(description.values_dtype)
        try:
            self._parts.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / ".lock").open("a")
        except OSError as error:
            raise UserError(f"--out: {error.filename}: {error.strerror}; choose a folder that can be written") from None
        # Without flock on this file system nothing tells two extractions apart; each still writes whole files.
        if try_flock(self._lock.fileno(), fcntl.LOCK_EX) is False:
            raise UserError(f"--out: {folder}: another extraction writes there; wait for it")
        require_same(read_feature_description(folder), description, folder)
        self._description = description
        self._finished = _read_journal(folder / JOURNAL)
        self._failed: dict[str, str] = {}
        self._journal: IO[str] = (folder / JOURNAL).open("a", encoding="utf-8")
        self._described_at = 0.0

    def __enter__(self) -> Self:
        self.describe()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self.layout == "hdf5":
            self._pack()
        self.describe()
        self._journal.close()
        self._lock.close()

    def is_finished(self, name: str, path: Path) -> bool:
        """Whether this very video's features are there: same content, by size and time of change or by digest."""
        line = self._finished.get(name)
        if line is None or not self._is_written(name):
            return False
        stat = path.stat()
        if [stat.st_size, stat.st_mtime_ns] == line["stat"]:
            return True
        return bool(sha256_of(path) == line["video"]["sha256"])

    def add(self, result: Extracted, path: Path) -> None:
        """Write a video's features, then the line that says so."""
        if result.features is None or result.description is None:
            self._failed[result.name] = result.failed or "no features"
            return
        buffer = io.BytesIO()
        np.save(buffer, result.features.astype(self._dtype))
        write_whole(self._parts / f"{result.name}.npy", buffer.getvalue())
        stat = path.stat()
        line = {"name": result.name, "stat": [stat.st_size, stat.st_mtime_ns], "video": result.description.to_json()}
        self._journal.write(json.dumps(line) + "\n")
        self._journal.flush()
        os.fsync(self._journal.fileno())
        self._finished[result.name] = line
        if time.monotonic() - self._described_at > REFRESH_S:
            self.describe()

    def describe(self) -> None:
        """Write ``features.yaml`` with all videos that are finished."""
        videos = {
            name: VideoFeatures.from_json(line["video"])
            for name, line in sorted(self._finished.items())
            if self._is_written(name)
        }
        self._description.model_copy(update={"videos": videos, "failed": self._failed}).write(self.folder)
        self._described_at = time.monotonic()

    def _is_written(self, name: str) -> bool:
        return (self._parts / f"{name}.npy").is_file() or (self.layout == "hdf5" and name in self._packed())

    def _packed(self) -> Mapping[str, Any]:
        """Names that the HDF5 file holds; read anew when the file is another."""
        file = self.folder / HDF5_FILE
        stamp = file.stat().st_mtime_ns if file.is_file() else 0
        if getattr(self, "_packed_at", None) != stamp:
            self._packed_at, self._packed_names = stamp, _hdf5_names(file) if stamp else {}
        return self._packed_names

    def _pack(self) -> None:
        """Put all videos into one file, aside, then in place; then the single files go."""
        parts = sorted(self._parts.glob("*.npy"))
        if parts:
            import h5py

            target, aside = self.folder / HDF5_FILE, self.folder / f".{HDF5_FILE}.part"
            aside.unlink(missing_ok=True)
            if target.is_file():
                shutil.copyfile(target, aside)
            with h5py.File(aside, "a") as file:
                for part in parts:
                    if part.stem in file:
                        del file[part.stem]
                    file.create_dataset(part.stem, data=np.load(part))
                file.flush()
            with aside.open("rb") as written:
                os.fsync(written.fileno())
            os.replace(aside, target)
        shutil.rmtree(self._parts, ignore_errors=True)


def require_same(there: FeatureDescription | None, wanted: FeatureDescription, folder: Path) -> None:
    """Raise UserError when the folder's features were made in another way than the wanted ones."""
    if there is None:
        return
    different = there.protocol.differences(wanted.protocol, "this extraction")
    for field in ("precision", "values_dtype"):
        if getattr(there, field) != getattr(wanted, field):
            different.append(f"{field} is {getattr(there, field)}, this extraction has {getattr(wanted, field)}")
    if different:
        raise UserError(f"--out: {folder} holds other features: {'; '.join(different)}. Choose another --out")


def _read_journal(path: Path) -> JsonObject:
    """Name -> last whole line. A torn line is cut off, so that the next one begins a line of its own."""
    if not path.is_file():
        return {}
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        write_whole(path, whole)
    found = {}
    for text in whole.splitlines():
        try:
            line = json.loads(text)
            found[line["name"]] = line
        except (ValueError, KeyError, TypeError):
            continue
    return found


def _hdf5_names(file: Path) -> dict[str, None]:
    import h5py

    try:
        with h5py.File(file, "r") as opened:
            return dict.fromkeys(opened)
    except OSError as error:
        raise UserError(f"{file}: truncated or not HDF5 ({error}); delete it, its videos are extracted again") from None
