"""A folder where the flat features of a user's files are kept, so that all processes of a machine map one copy of them.

``<folder>/<key>/`` holds ``train.npy``, ``test.npy`` and ``index.json`` (T of each video). The key is made of what they
depend on: a folder that lies there is the right one, whole, and need not be read from the user's files again.
``<folder>/<key>/used-by/NAME`` says which studies use it; its time is that of the last use.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trainables.data.array_file import ArrayFile, only_writer, write_array
from trainables.data.feature_files import FeatureFiles
from trainables.data.features import FeaturePlan, FlatFeatures, stream_features
from trainables.errors import UserError
from trainables.files import is_unavailable

FORMAT = 1
KEY_LENGTH = 16
PART, REMOVED, USERS = ".part", ".removed", "used-by"
SPARE_BYTES = 64 * 2**20
DTYPE = "<f4"


@dataclass(frozen=True, eq=False)
class LoadedFeatures:
    """layout: name of the files' layout. width: D of the files, None when unreadable. splits: by name."""

    layout: str
    width: int | None
    splits: dict[str, FlatFeatures]

    @property
    def has_problems(self) -> bool:
        return any(flat.problems for flat in self.splits.values())


@dataclass(frozen=True)
class KeptFeatures:
    """What lies under one key. made, used: seconds since 1970. users: names of studies. whole False: left behind by a
    process that was killed while it wrote or removed them, damaged, or not to be read now."""

    path: Path
    made: float
    used: float
    users: tuple[str, ...]
    whole: bool


@dataclass(frozen=True)
class FeatureFolder:
    """may_write False: what lies there is used, nothing is made (``--dry-run``)."""

    path: Path
    may_write: bool = True

    def find(self, key: str) -> LoadedFeatures | None:
        """The features of this key, mapped; None where they are absent or damaged, and may be made anew.

        Raises UserError where they cannot be read now: others may be mapping them.
        """
        home = self.path / key
        try:
            index = json.loads((home / "index.json").read_text(encoding="utf-8"))
            splits = {name: _mapped(home / f"{name}.npy", part, index) for name, part in index["splits"].items()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            told = _unavailable(error, home)
            if told is not None:
                raise told from None
            return None
        return LoadedFeatures(index["layout"], index["width"], splits)

    def make(self, key: str, source: FeatureFiles, width: int, plans: Mapping[str, FeaturePlan]) -> LoadedFeatures:
        """Stream the features into the folder and map them, or map what somebody else has made meanwhile.

        Features with problems are not kept. Raises UserError when there is no room, or the folder cannot be written.
        """
        home = self.path / key
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with only_writer(home):
                return self.find(key) or self._write(home, source, width, plans)
        except OSError as error:
            raise _not_usable(error, home) from None

    def kept(self) -> list[KeptFeatures]:
        """All that lies here, in the order of the keys."""
        homes = sorted(path for path in self.path.glob("*") if path.is_dir() and not path.is_symlink())
        found = []
        for home in homes:
            with suppress(FileNotFoundError):  # removed meanwhile, or renamed by the process that wrote it
                found.append(self._kept(home))
        return found

    def _kept(self, home: Path) -> KeptFeatures:
        index, markers = home / "index.json", _markers(home)
        made = (index if index.is_file() else home).stat().st_mtime
        used = max([made, *(marker.stat().st_mtime for marker in markers)])
        return KeptFeatures(home, made, used, tuple(marker.name for marker in markers), self._is_whole(home.name))

    def _is_whole(self, key: str) -> bool:
        try:
            return not key.endswith((PART, REMOVED)) and self.find(key) is not None
        except UserError:
            return False

    def remove(self, key: str, check: Callable[[Iterable[str]], None]) -> None:
        """Remove what lies under a key. check: is given the users, and raises where one of them needs it; none begins
        to use it meanwhile. Raises UserError where a process is writing it, OSError where the system refuses."""
        home, features = self.path / key, key.removesuffix(PART).removesuffix(REMOVED)
        with only_writer(self.path / features, waits=False):
            check([marker.name for marker in _markers(home)])
            aside = self.path / f"{features}{REMOVED}"
            if home != aside:
                shutil.rmtree(aside, ignore_errors=True)  # of a removal that was killed
                os.rename(home, aside)  # at once: nobody finds a half of it
            shutil.rmtree(aside)

    def _write(self, home: Path, source: FeatureFiles, width: int, plans: Mapping[str, FeaturePlan]) -> LoadedFeatures:
        aside = home.with_name(f"{home.name}{PART}")
        for left_over in (home, aside):  # damaged, or of a process that was killed
            shutil.rmtree(left_over, ignore_errors=True)
        self._require_room(sum(rows * columns for rows, columns in (plan.shape for plan in plans.values())) * 4)
        try:
            aside.mkdir()
            splits = {name: _written(aside / f"{name}.npy", source, plan) for name, plan in plans.items()}
            loaded = LoadedFeatures(source.layout, width, splits)
            if loaded.has_problems:
                return loaded  # still mapped, so that all problems can be reported
            _write_index(aside, loaded)
            os.rename(aside, home)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        found = self.find(home.name)
        assert found is not None, "it has just been written"
        return found

    def _require_room(self, needed: int) -> None:
        free = shutil.disk_usage(self.path).free
        if free < needed + SPARE_BYTES:
            raise UserError(
                f"--study-dir: {self.path} has {free / 1e9:.1f} GB free, the features that all trials share need "
                f"{needed / 1e9:.1f} GB there; make room, or choose another --study-dir"
            )


def note_use(features: npt.NDArray[Any], user: str) -> None:
    """Say that a study uses mapped features, so that nobody removes them while it runs; others are left alone.

    Raises UserError where they have been removed since they were mapped, OSError where nothing can be written there.
    """
    file = ArrayFile.of(features)
    if file is None:
        return
    home = Path(file.path).parent
    with only_writer(home):
        if not (home / "index.json").is_file():
            raise UserError(f"{home}: the features have been removed meanwhile; start again, and they are made again")
        (home / USERS).mkdir(exist_ok=True)
        (home / USERS / user).touch()


def feature_key(files: Iterable[Path], names: Mapping[str, Sequence[str]], *settings: str) -> str:
    """What the flat arrays depend on: the files (path, size, time of change, as rsync compares them), the videos of
    each split in order, and settings."""
    stats = [(str(file.resolve()), stat.st_size, stat.st_mtime_ns) for file in files for stat in [file.stat()]]
    text = json.dumps([FORMAT, sorted(stats), {name: list(videos) for name, videos in names.items()}, settings])
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def _unavailable(error: Exception, home: Path) -> UserError | None:
    """What to say where it is the file system that cannot give the features now; None for damage."""
    cause = error if isinstance(error, OSError) else error.__cause__  # of an array that cannot be mapped
    return _not_usable(cause, home) if isinstance(cause, OSError) and is_unavailable(cause) else None


def _not_usable(error: OSError, home: Path) -> UserError:
    return UserError(
        f"--study-dir: {error.filename or home}: {error.strerror}; features are kept there for all trials: "
        "choose another --study-dir"
    )


def _markers(home: Path) -> list[Path]:
    """A file for each study that uses what lies there."""
    return sorted((home / USERS).glob("*"))


def _written(path: Path, source: FeatureFiles, plan: FeaturePlan) -> FlatFeatures:
    problems = list(plan.problems)
    file = write_array(path, plan.shape, DTYPE, stream_features(source, plan, problems))
    return FlatFeatures(file.open(), plan.lengths, plan.missing, problems)


def _write_index(home: Path, loaded: LoadedFeatures) -> None:
    splits = {name: {"lengths": flat.lengths.tolist(), "missing": flat.missing} for name, flat in loaded.splits.items()}
    dimensions = {flat.features.shape[1] for flat in loaded.splits.values()}.pop()
    index = {"layout": loaded.layout, "width": loaded.width, "dimensions": dimensions, "splits": splits}
    with (home / "index.json").open("w", encoding="utf-8") as file:
        json.dump(index, file)
        file.flush()
        os.fsync(file.fileno())


def _mapped(path: Path, part: Mapping[str, Any], index: Mapping[str, Any]) -> FlatFeatures:
    lengths = np.array(part["lengths"], dtype=np.int64)
    file = ArrayFile(str(path.absolute()), (int(lengths.sum()), int(index["dimensions"])), DTYPE)
    return FlatFeatures(file.open(), lengths, list(part["missing"]), [])
