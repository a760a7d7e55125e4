"""From video files to evaluated predictions, by commands alone: a few real clips, weak labels, tiny settings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("av", reason="the extra 'video' is not installed")

from tests.trainables.videos.conftest import i3d_weights  # noqa: F401 (a fixture)

ROOT = Path(__file__).resolve().parents[1]
CLASSES = ("clap", "boxing")
TRAINING_EACH, TEST_EACH = 3, 2


def run(module: str, *arguments: str | Path, cwd: Path) -> str:
    """Output of a command that must succeed."""
    result = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{module}: {result.stdout}\n{result.stderr}"
    return result.stdout


def choose(source: Path, folder: Path) -> dict[str, str]:
    """Copy a few videos of two classes with their weak annotations; name -> subset."""
    database = json.loads((source / "annotations_weak.json").read_text())["database"]
    chosen: dict[str, str] = {}
    for label in CLASSES:
        for subset, count in (("training", TRAINING_EACH), ("validation", TEST_EACH)):
            names = [n for n, v in database.items() if v["subset"] == subset and v["annotations"][0]["label"] == label]
            chosen |= dict.fromkeys(names[:count], subset)
    (folder / "videos").mkdir(parents=True)
    for name in chosen:
        shutil.copy(source / "videos" / f"{name}.mp4", folder / "videos")
    weak = {"version": "", "database": {name: database[name] for name in chosen}}
    (folder / "annotations.json").write_text(json.dumps(weak))
    return chosen


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("i3d_weights")
def test_videos_with_weak_labels_become_evaluated_predictions(shared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    chosen = choose(shared / "data" / "utd-mhad", folder)
    small = ["--resize", "128", "--crop", "112", "--whole-video", "--device", "cpu"]
    places: list[str | Path] = ["--videos", folder / "videos", "--out", folder / "features"]
    told = run("trainables.videos", "extract", *places, *small, cwd=tmp_path)
    assert f"{len(chosen)} of {len(chosen)} videos are whole" in told
    shutil.move(folder / "videos", tmp_path / "videos")  # their names are not features
    told = run("trainables.datasets", "new", folder, cwd=tmp_path)
    assert "features.yaml: i3d-rgb (1024-d)" in told
    settings = ["training.epochs=4", "refinement.iterations=2", "model.attention=scalar", "training.lr=0.001"]
    settings += ["compute.device=cpu", "selection.held_out_share=0.4"]
    launch: list[str | Path] = ["--dataset", folder, "--name", "road", "--num-samples", "2", "--sampler", "random"]
    launch += ["--selection", "video-labels"]
    run("study.launch", *launch, *(part for value in settings for part in ("--set", value)), cwd=tmp_path)
    run("analysis.tables", "--study", "road", cwd=tmp_path)
    assert list((tmp_path / "studies" / "road" / "tables").iterdir())
    run("study.export", "road", "--out", "model", cwd=tmp_path)
    new = tmp_path / "new"
    new.mkdir()
    shutil.copy(folder / "features" / "features.yaml", new)
    for name, subset in chosen.items():
        if subset == "validation":
            shutil.copy(folder / "features" / f"{name}.npy", new)
    run("trainables.predict", "--model", "model", "--features", new, "--out", "predictions.json", cwd=tmp_path)
    told = run(
        "trainables.evaluation", "--predictions", "predictions.json", "--ground-truth", folder / "annotations.json",
        "--tiou", "0.3", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert 0 <= json.loads(told)["average_map"] <= 100
