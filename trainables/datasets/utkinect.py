"""UTKinect-Action3D: skeletons of real, untrimmed Kinect recordings (Xia, Chen, Aggarwal, 2012).

10 subjects x 2 recordings; in each, ten actions one after another with pauses between. A recording is cut halfway
between neighbouring actions, so that a clip has one label and background on both sides of its action.

Two of the 200 annotated frame ranges cannot be used, which leaves 198 clips. s10_e02 carry is NaN. s03_e01 push
(frames 2556-3622) encloses the whole throw (3226-3282); the actions do not overlap, and its start is probably a
misprint of 3556. Both are treated as unlabelled: they cut nothing, are no instance, and stay as background of the
clip they fall in.

Rows carry a frame number at 30 fps; numbers skip (every fourth is the usual one, some gaps are seconds long) and some
repeat. Joints are put on a regular grid of ``snippet_frames`` frame numbers by linear interpolation, so that a
snippet is a constant stretch of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trainables.config import DatasetConfig
from trainables.data import Dataset, FeatureFolder, Segments, Split, Video
from trainables.datasets.registry import register, require_grid
from trainables.errors import UserError, nearest

ACTIONS = ("walk", "sitDown", "standUp", "pickUp", "carry", "throw", "push", "pull", "waveHands", "clapHands")
FRAMES_PER_SECOND = 30.0
JOINTS = 20
TEST_SUBJECTS = frozenset({"s08", "s09", "s10"})
SMOOTHED = 11
VELOCITY_OVER = 2


@dataclass(frozen=True)
class Action:
    """One annotated action; start and end are frame numbers."""

    label: int
    start: float
    end: float


def require_files(config: DatasetConfig, data_dir: Path) -> None:
    """Raise UserError when the recordings are not under ``data_dir``."""
    require_grid(config, None, FRAMES_PER_SECOND)
    labels = _folder(config, data_dir) / "actionLabel.txt"
    if not labels.is_file():
        raise UserError(
            f"utkinect: {labels} does not exist; put actionLabel.txt and the joints_s??_e??.txt files of "
            "UTKinect-Action3D (its authors' page at the University of Texas) there, or name the folder above by "
            "--data-dir. --dataset spoken-digits runs at once"
        )


@register("utkinect", require_files)
def load(config: DatasetConfig, data_dir: Path, kept: FeatureFolder | None = None) -> Dataset:
    """198 clips of one action each, 240-d, standardised by the training split; subjects 1-7 train, 8-10 test."""
    require_files(config, data_dir)
    folder = _folder(config, data_dir)
    splits: dict[str, list[_Clip]] = {"train": [], "test": []}
    unusable = 0
    for recording, annotated in read_actions(folder / "actionLabel.txt").items():
        actions = usable_actions(annotated)
        unusable += len(annotated) - len(actions)
        frames, joints = _read_joints(folder / f"joints_{recording}.txt", config.snippet_frames)
        name = "test" if recording[:3] in TEST_SUBJECTS else "train"
        splits[name] += _clips(recording, actions, frames, skeleton_features(joints), config.snippet_frames)
    for name, clips in splits.items():
        if not clips:
            labels = folder / "actionLabel.txt"
            raise UserError(f"utkinect: split {name} is empty: {labels} lists none of its subjects")
    values = np.concatenate([clip.features for clip in splits["train"]])
    mean, std = values.mean(axis=0), values.std(axis=0)
    std[std < 1e-6] = 1  # the first joint relative to itself is always 0
    train, test = (_split(name, clips, mean, std) for name, clips in splits.items())
    note = f"{unusable} annotated actions without a usable frame range are unlabelled and count as background"
    notes = (note,) if unusable else ()
    return Dataset(config.name, "UTKinect-Action3D (skeletons)", ACTIONS, train, test, notes=notes)


def read_actions(path: Path) -> dict[str, list[Action]]:
    """Recording -> its annotated actions, NaN ranges included. Raises UserError for an unknown action or line."""
    recordings: dict[str, list[Action]] = {}
    recording = ""
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip():
            continue
        name, colon, frames = line.partition(":")
        if not colon:
            recording = name.strip()
            recordings[recording] = []
            continue
        label = name.strip()
        if label not in ACTIONS:
            raise UserError(f"{path}, line {number}: label {label!r} is in no class list. {nearest(label, ACTIONS)}")
        try:
            start, end = map(float, frames.split())
            recordings[recording].append(Action(ACTIONS.index(label), start, end))
        except (ValueError, KeyError):
            raise UserError(f"{path}, line {number}: expected 'action: start end', got {line.strip()!r}") from None
    return recordings


def usable_actions(annotated: list[Action]) -> list[Action]:
    """By start; without those whose range is NaN or strictly encloses that of another action."""
    known = sorted((a for a in annotated if np.isfinite([a.start, a.end]).all()), key=lambda a: a.start)
    return [a for a in known if not any(a.start < b.start and b.end < a.end for b in known)]


def skeleton_features(joints: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Coordinates on a regular grid -> features; (T, 60) -> (T, 240).

    Coordinates relative to the first joint, their velocity over two steps, and both smoothed over 11 steps, the
    velocity by its absolute value.
    """
    relative = joints - np.tile(joints[:, :3], JOINTS)
    velocity = np.zeros_like(relative)
    velocity[VELOCITY_OVER:] = relative[VELOCITY_OVER:] - relative[:-VELOCITY_OVER]
    parts = [relative, velocity, _smoothed(relative), _smoothed(np.abs(velocity))]
    return np.concatenate(parts, axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class _Clip:
    video: Video
    features: npt.NDArray[np.float32]
    truth: Segments


def _folder(config: DatasetConfig, data_dir: Path) -> Path:
    return Path(config.annotations_path) if config.annotations_path else data_dir / "utkinect"


def _read_joints(path: Path, step: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Grid of frame numbers (T,), and the joints' coordinates on it (T, 60)."""
    import pandas as pd  # half of the start-up time of a command that reads no recording

    try:
        table = pd.read_csv(path, sep=r"\s+", header=None, dtype=np.float64).to_numpy()
    except FileNotFoundError:
        raise UserError(f"utkinect: {path} does not exist, but actionLabel.txt lists the recording") from None
    except (ValueError, pd.errors.ParserError) as error:
        raise UserError(f"{path}: truncated or damaged ({error}); get it again") from None
    if table.shape[1] != 1 + 3 * JOINTS:
        raise UserError(f"{path}: rows have {table.shape[1]} numbers, expected {1 + 3 * JOINTS}; get it again")
    bad = np.flatnonzero(~np.isfinite(table).all(axis=1))
    if bad.size:
        raise UserError(f"{path}, row {bad[0] + 1}: a number is missing or not finite; get it again")
    frames, first = np.unique(table[:, 0], return_index=True)
    grid = np.arange(frames[0], frames[-1] + 1, step)
    joints = np.stack([np.interp(grid, frames, column) for column in table[first, 1:].T], axis=1)
    return grid.astype(np.int64), joints


def _smoothed(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Moving average over SMOOTHED rows, the ends repeated; same shape."""
    padded = np.pad(values, ((SMOOTHED // 2, SMOOTHED // 2), (0, 0)), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, SMOOTHED, axis=0).mean(axis=-1)


def _clips(
    recording: str,
    actions: list[Action],
    frames: npt.NDArray[np.int64],
    features: npt.NDArray[np.float32],
    step: int,
) -> list[_Clip]:
    between = [(a.end + b.start) / 2 for a, b in pairwise(actions)]
    bounds = [0, *np.searchsorted(frames, between), len(frames)]
    clips = []
    for action, first, last in zip(actions, bounds[:-1], bounds[1:], strict=True):
        name = f"{recording}_{ACTIONS[action.label]}"
        duration_s = (last - first) * step / FRAMES_PER_SECOND
        video = Video(
            name, (action.label,), step / FRAMES_PER_SECOND, int(last - first), float(duration_s), snippet_frames=step
        )
        # Two actions of a recording overlap by a few frames: each ends at the cut.
        seconds = (np.array([action.start, action.end]) - frames[first]) / FRAMES_PER_SECOND
        start_s, end_s = np.clip(seconds, 0, duration_s)
        clips.append(_Clip(video, features[first:last], Segments.of([name], [start_s], [end_s], [action.label])))
    return clips


def _split(name: str, clips: list[_Clip], mean: npt.NDArray[np.float32], std: npt.NDArray[np.float32]) -> Split:
    lengths = [len(clip.features) for clip in clips]
    features = np.concatenate([clip.features for clip in clips])
    features -= mean
    features /= std
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    return Split(name, tuple(c.video for c in clips), features, starts, Segments.concatenate(c.truth for c in clips))
