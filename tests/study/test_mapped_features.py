"""A study on a user's files: trials in several processes map one copy of the features; the numbers stay the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from study.execution.session import run_trials
from study.launch import main
from study.placement.placement import place
from tests.ray_clusters import ray_here
from tests.study.ledgers import records_of
from tests.study.worlds import driver_of, study_of
from trainables.config.presets import preset
from trainables.config.run import RunConfig
from trainables.data.array_file import ArrayFile
from trainables.datasets import Dataset, FeatureFolder, load_dataset
from trainables.refinement.refine import refine
from trainables.report import IterationReport

TIMES = {"seconds", "training_s"}
HEADER = "video-name,t-start,t-end,label,video-duration,fps,video-num-frames"


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve training and six test videos of 64 s: HDF5 with features that tell two classes apart."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "activitynet12/i3d").mkdir(parents=True)
    rng = np.random.default_rng(0)
    with h5py.File(folder / "activitynet12/i3d/features.hdf5", "w") as file:
        for subset, videos in (("train", 12), ("valid", 6)):
            rows = [HEADER]
            for v in range(videos):
                features = rng.normal(size=(100, 8)).astype(np.float32)
                features[30:60, v % 2] += 2
                file[f"{subset}_{v}"] = features
                rows.append(f"{subset}_{v},19.2,38.4,class {v % 2},64,25,1600")
            (folder / f"activitynet12/activitynet_{subset}.csv").write_text("\n".join(rows) + "\n")
    return folder


def run_of(**changes: Any) -> RunConfig:
    values = {"refinement.iterations": 2, "training.epochs": 2, "training.batch_videos": 4, "compute.device": "cpu"}
    return preset("activitynet12", "i3d").updated(values | {k.replace("__", "."): v for k, v in changes.items()})


@pytest.fixture
def cluster() -> Iterator[None]:
    with ray_here(cores=2, gpus=0):
        yield


def curves(path: Path, data: Dataset, run: RunConfig) -> dict[int, list[IterationReport]]:
    """What four trials, two at a time, report; without times."""
    driver = driver_of(path, study_of(num_samples=4), run)
    for part in ("checkpoints", "predictions"):
        (path / part).mkdir()
    run_trials(driver, data, place(2, 0, threads=1))
    assert {record.state for record in driver.records.values()} == {"completed"}
    return {
        number: [report.without_times() for report in record.iterations] for number, record in driver.records.items()
    }


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_trials_on_mapped_features_report_the_numbers_of_those_in_memory(
    cluster: None, data_dir: Path, tmp_path: Path, dtype: str
) -> None:
    run = run_of(compute__dtype=dtype)
    kept = FeatureFolder(tmp_path / ".features")
    mapped, private = load_dataset(run.dataset, data_dir, kept), load_dataset(run.dataset, data_dir)
    assert ArrayFile.of(mapped.train.features) is not None
    found = curves(tmp_path / "mapped", mapped, run)
    assert found == curves(tmp_path / "in memory", private, run)
    made = {path.name for path in kept.path.rglob("*.npy")}
    assert made == {"train.npy", "test.npy"} | (
        {"train.bfloat16.npy", "test.bfloat16.npy"} if dtype != "float32" else set()
    )


def test_a_worker_that_does_not_see_the_features_says_so(cluster: None, data_dir: Path, tmp_path: Path) -> None:
    run = run_of()
    data = load_dataset(run.dataset, data_dir, FeatureFolder(tmp_path / "kept"))
    for path in (tmp_path / "kept").rglob("*.npy"):
        path.unlink()
    driver = driver_of(tmp_path / "study", study_of(num_samples=1), run)
    (tmp_path / "study/checkpoints").mkdir()
    run_trials(driver, data, place(1, 0, threads=1))
    assert driver.records[0].state == "failed"
    log = driver.folder.log_file(0).read_text()
    assert "features that all trials share cannot be read on" in log
    assert "--study-dir" in log


def test_a_launch_keeps_the_features_beside_its_studies_and_a_resume_finds_them(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--study-dir", str(tmp_path), "--data-dir", str(data_dir)]
    new = ["--dataset", "activitynet12", "--features", "i3d", "--name", "a", "--num-samples", "2", *where]
    sets = ["refinement.iterations=1", "training.epochs=1", "training.batch_videos=4", "compute.device=cpu"]
    options = [word for assignment in sets for word in ("--set", assignment)]

    assert main([*new, *options, "--dry-run"]) == 0
    assert list(tmp_path.iterdir()) == []

    assert main([*new, *options]) == 0
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / ".features").rglob("*.npy")}
    assert sorted(path.name for path in files) == ["test.npy", "train.npy"]
    assert str(tmp_path / ".features") in capsys.readouterr().out
    assert [path.name for path in (tmp_path / ".features").glob("*/used-by/*")] == ["a"]

    assert main(["--resume", "a", "--num-samples", "3", *where]) == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / ".features").rglob("*.npy")} == files
    records = records_of(tmp_path / "a/ledger.jsonl")
    assert [record.state for record in records] == ["completed"] * 3


def test_features_without_room_end_a_launch_before_it_starts(
    data_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.data.feature_cache.SPARE_BYTES", 10**18)
    where = ["--study-dir", str(tmp_path), "--data-dir", str(data_dir)]
    assert main(["--dataset", "activitynet12", "--features", "i3d", *where]) == 2
    assert "make room, or choose another --study-dir" in capsys.readouterr().err
    assert os.listdir(tmp_path) == [".features"]


def test_numbers_are_those_of_a_run_without_ray(data_dir: Path, tmp_path: Path) -> None:
    run = run_of()
    datasets = [load_dataset(run.dataset, data_dir, kept) for kept in (None, FeatureFolder(tmp_path))]
    reports = [[result.report.without_times() for result in refine(run, data)] for data in datasets]
    assert reports[0] == reports[1]
