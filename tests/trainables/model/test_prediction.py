"""Predictions of an exported model: on the test split, those of its study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainables.base_models import BASE_MODELS
from trainables.config import RunConfig, preset
from trainables.data import (
    Dataset,
    FeatureDescription,
    FeatureProtocol,
    Segments,
    Split,
    VideoFeatures,
    read_predictions,
)
from trainables.datasets import load_dataset
from trainables.evaluation import evaluate
from trainables.model import prediction as module
from trainables.model.description import ModelDescription, ModelFeatures, ModelOrigin
from trainables.model.exported import load_model, save_model
from trainables.model.prediction import predict
from trainables.predict import main
from trainables.refinement.iteration import IterationResult
from trainables.refinement.refine import refine

SMALL: dict[str, dict[str, Any]] = {
    "basnet": {"model.basnet.length": 32, "model.basnet.hidden": 16, "model.basnet.attention_hidden": 8},
    "wtalc": {"model.wtalc.hidden": 32, "model.wtalc.window": 120},
    "refineloc": {},
}
SHORT = {"refinement.iterations": 2, "training.epochs": 4, "compute.device": "cpu"}
PROTOCOL = FeatureProtocol(backbone="i3d-rgb", dimensions=16, fps=25.0, window_frames=16, stride_frames=16)


def trained(run: RunConfig, data: Dataset) -> IterationResult:
    """The last iteration."""
    *_, last = refine(run, data)
    return last


def export(folder: Path, run: RunConfig, data: Dataset, result: IterationResult, **changes: Any) -> Path:
    values: dict[str, Any] = {
        "run": run,
        "classes": data.classes,
        "features": ModelFeatures(data.dimensions, data.dimensions),
        "origin": ModelOrigin("s", 0, 1, data.name, data.title, data.simulated, "kept", "It was the only one."),
        "train_videos": tuple(data.train.names),
        "test_videos": tuple(data.test.names),
    }
    save_model(folder, ModelDescription(**{**values, **changes}), result.weights)
    return folder


def write_features(folder: Path, split: Split, protocol: FeatureProtocol | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for start, video in zip(split.starts, split.videos, strict=True):
        np.save(folder / f"{video.name}.npy", split.features[start : start + video.num_snippets])
    if protocol:
        videos = {name: VideoFeatures(file=f"{name}.npy", sha256="", frames=0, snippets=1) for name in split.names}
        FeatureDescription(protocol=protocol, videos=videos).write(folder)
    return folder


def rows(segments: Segments) -> list[tuple[Any, ...]]:
    columns = (segments.video, segments.start_s, segments.end_s, segments.label, segments.score)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.fixture(scope="module", params=["simulated", "spoken-digits"])
def data(request: pytest.FixtureRequest) -> Dataset:
    return load_dataset(preset(request.param).dataset, Path("data"))


@pytest.fixture(scope="module", params=sorted(BASE_MODELS))
def run(request: pytest.FixtureRequest, data: Dataset) -> RunConfig:
    model = request.param
    if model == "refineloc":
        return preset(data.name).updated(SHORT)
    settings = preset("spoken-digits", base_model=model).updated({**SHORT, **SMALL[model]})
    return settings.model_copy(update={"dataset": preset(data.name).dataset})


@pytest.fixture(scope="module")
def result(run: RunConfig, data: Dataset) -> IterationResult:
    return trained(run, data)


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory: pytest.TempPathFactory, run: RunConfig, data: Dataset, result: IterationResult) -> Path:
    return export(tmp_path_factory.mktemp("model") / "exported", run, data, result)


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory, data: Dataset) -> Path:
    return write_features(tmp_path_factory.mktemp("features") / "npy", data.test)


def test_on_the_test_split_they_are_the_studys_own_to_the_last_bit(
    model_dir: Path, features: Path, result: IterationResult
) -> None:
    assert len(result.predictions["test"])
    assert rows(predict(load_model(model_dir), features)) == rows(result.predictions["test"])


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_their_file_gives_the_reports_numbers(
    model_dir: Path, features: Path, run: RunConfig, data: Dataset, result: IterationResult, tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / f"predictions{suffix}"
    assert main(["--model", str(model_dir), "--features", str(features), "--out", str(out)]) == 0
    found = evaluate(
        data.test.ground_truth, read_predictions(out, data.classes), tiou=run.evaluation.tiou,
        num_classes=len(data.classes), num_videos=len(data.test), protocol=run.evaluation.protocol,
        ambiguous=data.test.ambiguous,
    )  # fmt: skip
    reported = result.report.splits["test"].map
    assert reported is not None
    assert tuple(found.map.tolist()) == reported.map


def test_other_videos_beside_them_change_nothing_about_the_tested_ones(
    model_dir: Path, data: Dataset, result: IterationResult, tmp_path: Path
) -> None:
    folder = write_features(write_features(tmp_path / "all", data.test), data.train)
    found = predict(load_model(model_dir), folder)
    kept = np.isin(found.video.astype(str), data.test.names.astype(str))
    assert rows(found[kept]) == rows(result.predictions["test"])
    assert set(found.video[~kept]) <= set(data.train.names)


def test_groups_of_any_size_give_the_same_but_for_rounding(
    model_dir: Path, data: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder, names = write_features(tmp_path / "f", data.train), data.train.names.tolist()
    model = load_model(model_dir)
    whole = predict(model, folder, names)
    monkeypatch.setattr(module, "GROUP_SNIPPETS", 1)
    alone = predict(model, folder, names)
    # Rows of a group may be in the order of classes.
    whole, alone = (
        found[np.lexsort((found.start_s, found.label, found.video.astype(str)))] for found in (whole, alone)
    )
    assert alone.video.tolist() == whole.video.tolist()
    np.testing.assert_allclose(alone.start_s, whole.start_s, rtol=0, atol=1e-9)
    np.testing.assert_allclose(alone.score, whole.score, rtol=1e-4)
