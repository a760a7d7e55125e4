"""Feature files of the field: where the T x D matrix of each video lies.

``open_features`` detects the layout. ``FeatureFiles`` read one video at a time straight into the caller's array, so no
second copy of a data set is ever in memory; only W-TALC's single pickle has to be held whole while it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from trainables.data.feature_files import FeatureFiles
from trainables.data.hdf5_features import Hdf5Features
from trainables.data.npy_features import NpyFeatures, ObjectArrayFeatures
from trainables.data.object_arrays import is_object_array
from trainables.data.wtalc_arrays import NAMES_FILE, text_array
from trainables.errors import UserError
from trainables.files import list_files

LAYOUTS = (
    "HDF5 (*.hdf5, *.h5) with one T x D data set per video (RefineLoc, AutoLoc)",
    "a folder with one T x D .npy per video",
    "folders rgb/ and flow/ with one T x 1024 .npy per video (BaS-Net, CoLA)",
    "one object-array .npy with W-TALC's videoname.npy beside it or among the annotations",
)
HDF5_SUFFIXES = (".hdf5", ".h5")


def feature_paths(path: Path, annotation_folders: Sequence[Path] = ()) -> list[Path]:
    """Files that the features under ``path`` may be read from; without opening any."""
    names = [folder / NAMES_FILE for folder in annotation_folders]
    files = [*list_files(path), *names]
    return [file for file in files if file.suffix.lower() in (*HDF5_SUFFIXES, ".npy") and file.is_file()]


def open_features(path: Path, annotation_folders: Sequence[Path] = ()) -> FeatureFiles:
    """The features of a file or folder, its layout detected.

    annotation_folders: where W-TALC's ``videoname.npy`` may lie besides the features' own folder. Raises
    UserError when ``path`` is missing or holds none of ``LAYOUTS``, naming what was found.
    """
    files = list_files(path)
    hdf5 = [file for file in files if file.suffix.lower() in HDF5_SUFFIXES]
    npy = [file for file in files if file.suffix.lower() == ".npy" and file.name != NAMES_FILE]
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


def _by_stem(files: Iterable[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in files:
        if file.stem in found:
            raise UserError(f"{file}: {file.stem} is also in {found[file.stem].parent}; keep one")
        found[file.stem] = file
    return found


def _video_names(folders: Sequence[Path], features: Path) -> list[str]:
    for folder in folders:
        if (folder / NAMES_FILE).is_file():
            return text_array(folder / NAMES_FILE)
    looked = ", ".join(str(folder) for folder in folders)
    raise UserError(
        f"{features}: an object array lists videos in the order of W-TALC's {NAMES_FILE}, which is in none of "
        f"{looked}; put it beside the features"
    )
