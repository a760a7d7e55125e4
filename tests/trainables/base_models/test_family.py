"""What refinement may rely on, for every registered base model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.trainables.worlds import split_of, tiny_dataset
from trainables.base_models import BASE_MODELS, BaseModel, build_base_model
from trainables.base_models.contract import register
from trainables.base_models.layers import draw_default_weights
from trainables.base_models.refineloc import RefineLoc, SnippetLogits
from trainables.batching.device_features import FeatureStore
from trainables.batching.videos import Batch, SplitTensors
from trainables.config.run import RunConfig, parse_config
from trainables.config.thresholds import OWN_DETECTION
from trainables.labels.generators import GENERATORS
from trainables.labels.sampling import HIDDEN
from trainables.refinement.refine import IterationResult, refine
from trainables.report import IterationReport, LossValues
from trainables.training.loop import score_split

DATA = tiny_dataset()
CPU = torch.device("cpu")


def run_of(name: str, **changes: Any) -> RunConfig:
    """A run of a second; ``changes`` are dotted keys with '.' written as '__'."""
    base = parse_config(
        {
            "dataset": {"name": "tiny", "multi_label": "multi_hot"},
            "model": {
                "name": name,
                "wtalc": {"hidden": 8, "window": 16},
                "basnet": {"length": 16, "hidden": 8, "attention_hidden": 4, "upsampling": 2},
            },
            "loss": {"beta": 1.0},
            "training": {"epochs": 3, "batch_videos": 6, "lr": 0.01, "weight_decay": 5e-4},
            "pseudo_labels": {
                "segments": {"min_class_score": 0.3, "min_attention": 0.3, "dilation": 0, "inflation": 0}
            },
            "refinement": {"iterations": 3, "patience": None},
            "evaluation": {"tiou": [0.3, 0.5]},
            "selection": {"rule": "paper"},
        },
        "test",
    )
    return base.updated({key.replace("__", "."): value for key, value in changes.items()})


def numbers(results: list[IterationResult]) -> list[IterationReport]:
    return [result.report.without_times() for result in results]


def best_accuracy(results: list[IterationResult]) -> float:
    """Highest share of test videos whose class is right, percent."""
    found = [result.report.splits["test"].video_accuracy for result in results]
    return max(one.with_attention or 0.0 for one in found if one)


def train_loss(result: IterationResult) -> LossValues:
    assert result.report.train_loss is not None
    return result.report.train_loss


def build(name: str, seed: int = 0, **changes: Any) -> BaseModel:
    rng = torch.Generator().manual_seed(seed)
    return build_base_model(run_of(name, **changes), DATA.dimensions, len(DATA.classes), rng)


def tensors(labelled: bool = False) -> SplitTensors:
    data = SplitTensors.of(DATA.train, len(DATA.classes), "multi_hot", FeatureStore(CPU, torch.float32))
    if not labelled:
        return data
    labels = np.random.default_rng(0).integers(-1, 2, DATA.train.num_snippets).astype(np.int8)
    return data.with_labels(labels, 0.6)


def test_thresholds_are_tuned_of_those_models_alone_that_predict_by_them() -> None:
    assert set(OWN_DETECTION) == {name for name, one in BASE_MODELS.items() if one.predict is not BaseModel.predict}


@pytest.mark.parametrize("name", BASE_MODELS)
class TestEveryBaseModel:
    def test_weights_depend_on_the_given_stream_alone(self, name: str) -> None:
        torch.manual_seed(1)
        first = build(name).state_dict()
        torch.manual_seed(2)
        again, other = build(name).state_dict(), build(name, seed=1).state_dict()
        assert all(torch.equal(first[key], again[key]) for key in first)
        assert any(not torch.equal(first[key], other[key]) for key in first)

    def test_batches_depend_on_the_given_stream_alone(self, name: str) -> None:
        def drawn(seed: int) -> list[Batch]:
            return list(build(name).training_batches(tensors(True), np.random.default_rng(seed)))

        one, same, other = drawn(0), drawn(0), drawn(1)
        assert all(torch.equal(a.features, b.features) for a, b in zip(one, same, strict=True))
        assert any(a.features.shape != b.features.shape or not torch.equal(a.features, b.features)
                   for a, b in zip(one, other, strict=True))  # fmt: skip

    def test_every_snippet_of_a_batch_has_the_label_of_its_features(self, name: str) -> None:
        data = tensors(True)
        assert data.labels is not None
        label_of = {tuple(row): int(label) for row, label in zip(DATA.train.features, data.labels, strict=True)}
        for batch in build(name).training_batches(data, np.random.default_rng(0)):
            assert batch.label_N is not None
            assert [label_of[tuple(row)] for row in batch.features.numpy()] == batch.label_N.tolist()
            assert batch.lengths.tolist() == torch.bincount(batch.layout.video_N).tolist()

    def test_losses_are_finite_one_a_video_and_reach_the_weights(self, name: str) -> None:
        model = build(name).train()
        batch = next(iter(model.training_batches(tensors(True), np.random.default_rng(0))))
        losses = model.losses(model(batch.features), batch)
        for part in losses:
            assert part.shape == (batch.layout.num_videos,)
            assert torch.isfinite(part).all()
        torch.testing.assert_close(losses.total, losses.video + losses.pseudo)
        losses.total.mean().backward()
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())

    def test_without_labels_there_is_no_pseudo_loss(self, name: str) -> None:
        model = build(name)
        batch = next(iter(model.training_batches(tensors(), np.random.default_rng(0))))
        losses = model.losses(model(batch.features), batch)
        assert losses.pseudo.abs().sum() == 0
        torch.testing.assert_close(losses.total, losses.video)

    def test_hidden_labels_do_not_count(self, name: str) -> None:
        model = build(name).eval()
        hidden = tensors().with_labels(np.full(DATA.train.num_snippets, HIDDEN, np.int8), 0.5)
        batch = next(iter(model.validation_batches(hidden)))
        assert model.losses(model(batch.features), batch).pseudo.abs().sum() == 0

    def test_validation_holds_every_video_once_and_is_the_same_at_every_call(self, name: str) -> None:
        model = build(name).eval()
        first, second = (list(model.validation_batches(tensors())) for _ in range(2))
        assert sum(batch.layout.num_videos for batch in first) == len(DATA.train)
        assert torch.equal(torch.cat([b.target_VC for b in first]), tensors().targets)
        assert all(torch.equal(a.features, b.features) for a, b in zip(first, second, strict=True))

    def test_scores_keep_their_promises(self, name: str) -> None:
        scores = score_split(build(name), tensors())
        snippets, videos, classes = DATA.train.num_snippets, len(DATA.train), len(DATA.classes)
        assert scores.class_probability.shape == (snippets, classes)
        assert scores.foreground.shape == scores.temporal_weight.shape == (snippets,)
        assert scores.video_score.shape == scores.mean_score.shape == (videos, classes)
        for value in (scores.class_probability, scores.foreground, scores.temporal_weight):
            assert value.min() >= 0
            assert value.max() <= 1
            assert value.dtype == np.float32
        assert scores.foreground.min() > 0
        np.testing.assert_allclose(np.add.reduceat(scores.temporal_weight, DATA.train.offsets[:-1]), 1, rtol=1e-4)

    def test_a_video_has_the_same_scores_alone_and_among_others(self, name: str) -> None:
        model, data = build(name), tensors()
        whole = score_split(model, data)
        third = SplitTensors.of(DATA.train.subset([3], "one"), 3, "multi_hot", FeatureStore(CPU, torch.float32))
        alone = score_split(model, third)
        rows = slice(DATA.train.offsets[3], DATA.train.offsets[4])
        np.testing.assert_allclose(alone.class_probability, whole.class_probability[rows], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(alone.foreground, whole.foreground[rows], rtol=1e-4)

    def test_detections_lie_within_their_videos(self, name: str) -> None:
        model = build(name)
        segments = model.predict(score_split(model, tensors()), DATA.train)
        duration = {video.name: video.num_snippets * video.snippet_s for video in DATA.train.videos}
        assert len(segments)
        assert (segments.start_s < segments.end_s).all()
        assert (segments.start_s >= 0).all()
        assert all(end <= duration[v] + 1e-9 for v, end in zip(segments.video, segments.end_s, strict=True))
        assert set(segments.label.tolist()) <= {0, 1, 2}

    def test_a_video_of_one_snippet_breaks_nothing(self, name: str) -> None:
        split = split_of([1, 9, 2, 20], labels=[(0,), (1,), (2,), (0,)], dimensions=DATA.dimensions)
        data = SplitTensors.of(split, 3, "multi_hot", FeatureStore(CPU, torch.float32))
        model = build(name).train()
        for batch in model.training_batches(data, np.random.default_rng(0)):
            losses = model.losses(model(batch.features), batch)
            assert torch.isfinite(losses.total).all()
        model.predict(score_split(model, data), split)

    def test_a_run_learns_repeats_to_the_last_bit_and_goes_on_from_a_state(self, name: str) -> None:
        config = run_of(name, training__epochs=12)
        whole, again = (list(refine(config, DATA)) for _ in range(2))
        assert numbers(whole) == numbers(again)
        assert numbers(list(refine(config, DATA, whole[1].state))) == numbers(whole[2:])
        assert best_accuracy(whole) > 60
        assert whole[1].report.splits["train"].pseudo_labels is not None
        assert train_loss(whole[1]).pseudo > 0

    @pytest.mark.parametrize("generator", GENERATORS)
    def test_every_generator_labels_from_its_scores(self, name: str, generator: str) -> None:
        share = 0.5 if generator == "distribution_aware" else 0.6
        config = run_of(
            name,
            pseudo_labels__generator=generator,
            pseudo_labels__foreground_share=share,
            refinement__iterations=2,
            training__epochs=1,
        )
        results = list(refine(config, DATA))
        quality = results[1].report.splits["train"].pseudo_labels
        assert quality is not None
        assert quality.foreground + quality.background == DATA.train.num_snippets

    def test_the_losses_in_bfloat16_are_close_to_those_in_float32(self, name: str) -> None:
        losses = {}
        for dtype in ("float32", "bfloat16"):
            config = run_of(name, compute__dtype=dtype, training__epochs=4, refinement__iterations=2)
            losses[dtype] = [train_loss(result).total for result in refine(config, DATA)]
        np.testing.assert_allclose(losses["bfloat16"], losses["float32"], rtol=0.02)

    def test_the_last_epoch_and_the_best_on_every_test_can_be_chosen(self, name: str) -> None:
        last = next(refine(run_of(name, training__choice="last", training__epochs=4), DATA)).report
        assert last.chosen_epoch == 3
        assert last.map_by_epoch is None
        tested = next(refine(run_of(name, training__choice="best_map", training__epochs=4), DATA)).report
        curve = [value or 0.0 for value in tested.map_by_epoch or ()]
        assert curve[-1] == last.selection.map
        assert tested.chosen_epoch is not None
        assert tested.selection.map == curve[tested.chosen_epoch] == max(curve)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("wtalc", {"supervision": "class_labels"}),
        ("wtalc", {"supervision": "head", "head_input": "hidden", "head_use": "gate"}),
        ("wtalc", {"supervision": "head", "head_input": "features", "head_use": "pooling"}),
        ("basnet", {"label_source": "proposals"}),
        ("basnet", {"label_resolution": "every_snippet"}),
    ],
)
def test_every_alternative_attachment_refines_and_goes_on_from_a_state(name: str, settings: dict[str, str]) -> None:
    config = run_of(name).updated({f"model.{name}.{key}": value for key, value in settings.items()})
    whole = list(refine(config, DATA))
    assert whole[1].labels["train"].shape == (DATA.train.num_snippets,)
    assert train_loss(whole[1]).pseudo > 0
    assert numbers(list(refine(config, DATA, whole[1].state))) == numbers(whole[2:])


def test_labels_can_be_restricted_to_the_classes_of_the_video() -> None:
    free, own = (
        list(refine(run_of("refineloc", pseudo_labels__restrict_to_video_labels=restricted), DATA))[1].labels["train"]
        for restricted in (False, True)
    )
    assert not (own & ~free).any()
    assert own.sum() < free.sum()


def test_a_fourth_model_is_its_class_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainables.base_models.contract.BASE_MODELS", dict(BASE_MODELS))

    @register("logistic")
    class Logistic(RefineLoc):
        """One linear layer for classes and one for attention."""

        fused_optimizer = True

        def __init__(self, config: RunConfig, dimensions: int, num_classes: int, rng: torch.Generator) -> None:
            BaseModel.__init__(self, config, dimensions, num_classes, rng)
            self.both = torch.nn.Linear(dimensions, num_classes + 2)
            draw_default_weights(self, rng)

        def forward(self, features: torch.Tensor) -> SnippetLogits:
            return SnippetLogits(*self.both(features).float().tensor_split([-2], dim=1))

    results = list(refine(run_of("logistic", training__epochs=12), DATA))
    assert len(results) == 3
    assert best_accuracy(results) > 60
