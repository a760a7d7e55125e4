"""The presets of THUMOS14 on its real annotations, with made features of the real lengths and small widths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.trainables.thumos14 import THUMOS14_CLASSES
from trainables.config.presets import preset
from trainables.config.run import SimulationConfig
from trainables.data.annotation_files import read_annotations
from trainables.datasets import Dataset, load_dataset
from trainables.refinement.refine import refine

SMALL: dict[str, dict[str, Any]] = {
    "wtalc": {"model.wtalc.hidden": 32},
    "basnet": {"model.basnet.length": 32, "model.basnet.hidden": 32, "model.basnet.attention_hidden": 4},
}


@pytest.fixture(scope="module")
def features(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class c shifts feature c in its instances; otherwise noise."""
    path = tmp_path_factory.mktemp("features") / "features.hdf5"
    annotations = read_annotations(shared / "data/thumos14", THUMOS14_CLASSES)
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        for video in annotations.videos:
            file[video.name] = rng.normal(size=(int(25 * (video.duration_s or 0) / 16), 20)).astype(np.float32)
        instances = annotations.instances
        for name, start_s, end_s, label in zip(
            instances.video, instances.start_s, instances.end_s, instances.label, strict=True
        ):
            first, end = (round(time * 25 / 16) for time in (start_s, end_s))
            rows = file[name][first:end]
            rows[:, label] += 3
            file[name][first:end] = rows
    return path


def load(shared: Path, features: Path, base_model: str, annotations: str) -> Dataset:
    config = preset("thumos14", base_model=base_model).dataset
    paths = {"annotations_path": str(shared / "data/thumos14" / annotations), "features_path": str(features)}
    return load_dataset(config.model_copy(update=paths), Path("nowhere"))


@pytest.mark.parametrize(
    ("base_model", "annotations", "videos", "instances"),
    [("wtalc", "annotations", 212, 3358), ("wtalc", "wtalc", 212, 3358), ("basnet", "annotations", 210, 3311)],
)
def test_its_own_protocol_counts_its_own_videos(
    shared: Path, features: Path, base_model: str, annotations: str, videos: int, instances: int
) -> None:
    data = load(shared, features, base_model, annotations)
    assert len(data.test.ambiguous) > 0
    assert set(data.test.ambiguous.video) <= set(data.test.names)
    steps = {"training.epochs": 1, "training.batches_per_epoch": 120, "training.lr": 0.01}
    run = preset("thumos14", base_model=base_model).updated({**SMALL[base_model], **steps})
    report = next(refine(run, data)).report
    test = report.splits["test"]
    assert test.map is not None
    assert test.video_accuracy is not None
    assert (test.map.videos, test.map.instances) == (videos, instances)
    assert test.map.tiou == (0.3, 0.4, 0.5, 0.6, 0.7)
    assert (test.video_accuracy.with_attention or 0.0) > 30


@pytest.mark.slow
@pytest.mark.parametrize("base_model", list(SMALL))
def test_the_published_widths_train_refine_and_detect(base_model: str) -> None:
    """One step of each iteration at the preset's own widths (2048 of 2048), on few simulated videos."""
    size = SimulationConfig(train_videos=16, test_videos=2, dimensions=2048)
    simulated = preset("simulated").dataset
    data = load_dataset(simulated.model_copy(update={"simulation": size}), Path("nowhere"))
    steps = {"training.epochs": 1, "training.batches_per_epoch": 1, "refinement.iterations": 2}
    run = preset("thumos14", base_model=base_model).updated({**steps, "compute.dtype": "bfloat16"})
    for result in refine(run, data):
        assert result.report.selection.map is not None
        assert 0 <= result.report.selection.map <= 100
        assert result.report.train_loss is not None
        assert np.isfinite(result.report.train_loss.total)
        pseudo = result.report.train_loss.pseudo
    assert pseudo > 0
