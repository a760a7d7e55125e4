"""A simulated data set as a user's files, of ActivityNet's form and any size: features in HDF5, RefineLoc's CSV."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np

from trainables.config import DatasetConfig

SNIPPET_S = 16 / 25
CLASSES = 100
HEADER = "video-name,t-start,t-end,label,video-duration,fps,video-num-frames"


def write_data_set(folder: Path, snippets: int, dimensions: int, videos: int = 7005) -> DatasetConfig:
    """``videos`` videos (two thirds train) with about ``snippets`` snippets of noise in ``folder``/features.hdf5."""
    rng = np.random.default_rng(0)
    lengths = np.maximum(rng.poisson(snippets / videos, videos), 8)
    rows: dict[str, list[str]] = {"train": [HEADER], "valid": [HEADER]}
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "features.hdf5", "w") as file:
        for v, length in enumerate(lengths.tolist()):
            file[f"video_{v:05d}"] = rng.standard_normal((length, dimensions), dtype=np.float32)
            seconds = length * SNIPPET_S
            subset = "valid" if v % 3 == 2 else "train"
            numbers = f"{seconds / 4:.2f},{seconds / 2:.2f},class {v // 3 % CLASSES},{seconds:.2f},25,{length * 16}"
            rows[subset].append(f"video_{v:05d},{numbers}")
    for subset, lines in rows.items():
        (folder / f"{subset}_groundtruth.csv").write_text("\n".join(lines) + "\n")
    flush(folder / "features.hdf5")
    return DatasetConfig(
        name="activitynet12",
        features="i3d",
        annotations_path=str(folder),
        features_path=str(folder / "features.hdf5"),
    )


def flush(path: Path) -> None:
    """Written pages to the disk, so that the cache can let go of them."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def forget(path: Path) -> None:
    """The page cache lets go of a file's clean pages: the next read comes from the disk."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
