"""A small data set of one's own on the disk: annotations and features as a user would have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

CLASSES = ("jump", "clap")
DIMENSIONS = 8


def own_videos(
    train: int = 12, test: int = 6, seconds: float = 16.0, fps: float = 30.0, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """An ActivityNet-style database: one or two instances a video, classes in turn."""
    rng = np.random.default_rng(seed)
    database = {}
    for v in range(train + test):
        duration = round(float(rng.uniform(0.8, 1.2) * seconds), 3)
        begin = round(float(rng.uniform(0.1, 0.4) * duration), 3)
        end = round(begin + 0.3 * duration, 3)
        database[f"clip{v:02d}"] = {
            "subset": "training" if v < train else "validation",
            "duration": duration,
            "fps": fps,
            "annotations": [{"segment": [begin, end], "label": CLASSES[v % len(CLASSES)]}],
        }
    return database


def write_own(
    folder: Path, database: dict[str, dict[str, Any]] | None = None, *, fps: float = 25.0, window: int = 16,
    stride: int = 16, features: str = "features", truth: dict[str, dict[str, Any]] | None = None,
) -> Path:  # fmt: skip
    """Write ``annotations.json`` and a .npy per video, whose rows show what happens in the middle of their window.

    truth: the database with all segments, where the annotations are weaker.
    """
    database = database or own_videos()
    (folder / features).mkdir(parents=True, exist_ok=True)
    (folder / "annotations.json").write_text(json.dumps({"database": database}))
    rng = np.random.default_rng(7)
    for name, video in (truth or database).items():
        frames = int(video["duration"] * fps)
        rows = (frames - window) // stride + 1
        centre_s = (np.arange(rows) * stride + window / 2) / fps
        values = rng.normal(size=(rows, DIMENSIONS)).astype(np.float32)
        values[:, len(CLASSES)] += 4
        for instance in video["annotations"]:
            first, last = instance["segment"]
            inside = (first <= centre_s) & (centre_s < last)
            values[inside, len(CLASSES)] -= 4
            values[inside, CLASSES.index(instance["label"])] += 4
        np.save(folder / features / f"{name}.npy", values)
    return folder
