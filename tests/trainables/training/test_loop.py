"""Whole trainings against the reference implementation's curves, labels and predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tests.trainables.training.tiny import CPU, in_order, tiny
from tests.trainables.worlds import split_of
from trainables.base_models import BaseModel, build_base_model
from trainables.batching.device_features import FeatureStore
from trainables.batching.videos import SplitTensors
from trainables.config.run import (
    DatasetConfig,
    LossConfig,
    ModelConfig,
    PseudoLabelConfig,
    RunConfig,
    SegmentConfig,
    TrainingConfig,
)
from trainables.labels.generators import segment_prediction
from trainables.labels.prediction import predict_segments
from trainables.labels.sampling import background_share
from trainables.training.loop import score_split, train

TRAJECTORIES = ("two_value", "scalar", "linear")


class Trajectory:
    """One of the reference's runs of two iterations."""

    def __init__(self, parity: Path, name: str) -> None:
        self.about = json.loads((parity / f"trajectory_{name}.json").read_text())
        self.arrays = np.load(parity / f"trajectory_{name}.npz")
        self.curve = pd.read_csv(parity / f"trajectory_{name}_curve.csv")
        self.predictions = [pd.read_csv(parity / f"trajectory_{name}_predictions_{i}.csv") for i in (0, 1)]
        about = self.about
        pseudo = about["pseudo"]
        segments = SegmentConfig(
            top_k=pseudo["top_k"],
            min_class_score=pseudo["min_class_score"],
            min_attention=pseudo["min_attention"],
            inflation=pseudo["padding"],
        )
        self.config = RunConfig(
            dataset=DatasetConfig(name="reference"),
            model=ModelConfig(
                layers=about["layers"], attention="two_value" if about["attention_outputs"] == 2 else "scalar"
            ),
            loss=LossConfig(
                beta=about["beta"], pseudo_weighting="background_share" if about["class_weighted"] else "none"
            ),
            training=TrainingConfig(
                epochs=about["epochs"],
                batch_videos=about["train_batch"],
                lr=about["lr"],
                lr_decay=about["lr_decay"],
                lr_patience=about["lr_patience"],
            ),
            pseudo_labels=PseudoLabelConfig(segments=segments),
        )

    def split(self, name: str) -> SplitTensors:
        features = [self.arrays[f"{name}_x_{i}"] for i in range(self._count(name))]
        labels = [(int(self.arrays[f"{name}_y"][i]),) for i in range(len(features))]
        split = split_of(
            [len(f) for f in features],
            labels=labels,
            snippet_s=self.about["snippet_size"] / self.about["fps"],
            features=np.concatenate(features),
            name=name,
        )
        return SplitTensors.of(split, self.classes, "first", FeatureStore(CPU, torch.float32))

    @property
    def classes(self) -> int:
        return len(
            self.arrays["init.fc_cas.linear_0.bias" if self.about["layers"] == 1 else "init.fc_cas.linear_1.bias"]
        )

    def _count(self, name: str) -> int:
        return sum(key.startswith(f"{name}_x_") for key in self.arrays.files)

    def per_video(self, kind: str, name: str, iteration: int) -> np.ndarray:
        return np.concatenate([self.arrays[f"{name}_{kind}_{iteration}_{i}"] for i in range(self._count(name))])

    def model(self, iteration: int, dimensions: int) -> BaseModel:
        model = build_base_model(self.config, dimensions, self.classes, torch.Generator())
        prefix = "init." if iteration == 0 else "init1."

        def stored(mlp: str, layer: int, kind: str) -> torch.Tensor:
            return torch.from_numpy(self.arrays[f"{prefix}{mlp}.linear_{layer}.{kind}"])

        layers = self.about["layers"]
        state: dict[str, Any] = {}
        for kind in ("weight", "bias"):
            if layers > 1:
                state[f"hidden.{kind}"] = torch.cat([stored("fc_cas", 0, kind), stored("fc_attention", 0, kind)])
            for ours, theirs in (("class_layers", "fc_cas"), ("attention_layers", "fc_attention")):
                for place, layer in enumerate(range(min(1, layers - 1), layers)):
                    state[f"{ours}.{2 * place}.{kind}"] = stored(theirs, layer, kind)
        model.load_state_dict(state)
        return model


@pytest.mark.parametrize("name", TRAJECTORIES)
def test_two_iterations_equal_the_reference(parity: Path, name: str) -> None:
    reference = Trajectory(parity, name)
    splits = {split: reference.split(split) for split in ("train", "valid")}
    epochs = reference.about["epochs"]
    for iteration in (0, 1):
        model = reference.model(iteration, splits["train"].features.shape[1])
        data = dict(splits)
        if iteration == 1:
            for split in data:
                share = reference.about["iterations"][0][f"{split}_background_share"]
                data[split] = splits[split].with_labels(reference.per_video("masked", split, 0), share)
        batches = in_order(data["train"], reference.config.training, reference.arrays["orders"][iteration * epochs :])
        trained = train(model, batches, data["valid"], reference.config.training)
        expected = reference.curve[reference.curve["iteration"] == iteration]
        np.testing.assert_allclose([r.train.total for r in trained.curve], expected["train_loss"], rtol=1e-4)
        np.testing.assert_allclose([r.valid.total for r in trained.curve], expected["valid_loss"], rtol=1e-4)
        np.testing.assert_allclose([r.lr for r in trained.curve], expected["lr"], rtol=1e-9)

        model.load_state_dict(trained.last)
        for split in splits:
            scores = score_split(model, splits[split])
            labels = segment_prediction(
                scores, splits[split].split, reference.config.pseudo_labels, np.random.default_rng()
            )
            np.testing.assert_array_equal(labels, reference.per_video("labels", split, iteration) == 1)
            share = reference.about["iterations"][iteration][f"{split}_background_share"]
            assert background_share(labels) == pytest.approx(share)
        segments = predict_segments(
            score_split(model, splits["valid"]), splits["valid"].split, reference.config.pseudo_labels.segments
        )
        rows = reference.predictions[iteration]
        assert [f"v{v:02d}" for v in rows["video"]] == segments.video.tolist()
        assert rows["label"].tolist() == segments.label.tolist()
        np.testing.assert_allclose(segments.start_s, rows["start_s"], atol=1e-6)
        np.testing.assert_allclose(segments.end_s, rows["end_s"], atol=1e-6)
        np.testing.assert_allclose(segments.score, rows["score"], rtol=1e-5)


def test_scoring_in_chunks_equals_scoring_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model, tensors, _ = tiny()
    whole = score_split(model, tensors)
    monkeypatch.setattr("trainables.batching.videos.CHUNK_SNIPPETS", 20)
    chunked = score_split(model, tensors)
    np.testing.assert_allclose(chunked.class_probability, whole.class_probability, rtol=1e-6)
    np.testing.assert_allclose(chunked.video_score, whole.video_score, rtol=1e-5)
