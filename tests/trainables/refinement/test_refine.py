"""Whole refinement runs on a tiny data set."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from tests.trainables.worlds import tiny_dataset
from trainables.config.run import RunConfig, parse_config
from trainables.errors import UserError
from trainables.refinement.refine import IterationResult, refine, refine_together
from trainables.report import IterationReport, LabelQuality, LossValues, Selection, SplitMap
from trainables.training.state import NonFiniteLoss

DATA = tiny_dataset()


def tiny_run(**changes: Any) -> RunConfig:
    """A run of seconds; ``changes`` are dotted keys with '.' written as '__'."""
    base = parse_config(
        {
            "dataset": {"name": "tiny"},
            "model": {"attention": "scalar"},
            "loss": {"beta": 1.0},
            "training": {"epochs": 4, "batch_videos": 4, "lr": 0.01},
            "prediction": {"min_class_score": 0.2},
            "pseudo_labels": {"segments": {"min_class_score": 0.2}},
            "refinement": {"iterations": 3, "patience": None},
            "evaluation": {"tiou": [0.3, 0.5]},
            "selection": {"rule": "paper"},
        },
        "test",
    )
    return base.updated({key.replace("__", "."): value for key, value in changes.items()})


def curve(results: list[IterationResult]) -> list[IterationReport]:
    return [result.report.without_times() for result in results]


def train_loss(result: IterationResult) -> LossValues:
    assert result.report.train_loss is not None
    return result.report.train_loss


def map_of(report: IterationReport, split: str) -> SplitMap:
    found = report.splits[split].map
    assert found is not None
    return found


def quality_of(report: IterationReport, split: str) -> LabelQuality:
    found = report.splits[split].pseudo_labels
    assert found is not None
    return found


def labelled(report: IterationReport) -> set[str]:
    """Splits with pseudo labels."""
    return {name for name, split in report.splits.items() if split.pseudo_labels}


def test_a_run_reports_every_iteration_and_marks_the_last() -> None:
    results = list(refine(tiny_run(), DATA))
    assert [r.report.iteration for r in results] == [0, 1, 2]
    assert [r.report.finished for r in results] == [False, False, True]
    assert labelled(results[0].report) == set()
    assert labelled(results[1].report) == {"train", "test"}
    best = max(r.report.selection.map or 0.0 for r in results)
    assert results[-1].report.best_so_far == best


def test_the_same_configuration_gives_the_same_numbers_to_the_last_bit() -> None:
    first, second = (curve(list(refine(tiny_run(), DATA))) for _ in range(2))
    assert first == second


def test_another_seed_gives_other_numbers() -> None:
    assert curve(list(refine(tiny_run(), DATA))) != curve(list(refine(tiny_run(seed=1), DATA)))


def test_shuffled_validation_videos_change_the_validation_loss_alone() -> None:
    """D39: the same batches train, so the last weights are equal; the mean of batch means differs."""
    constant: dict[str, Any] = {"training__lr_decay": 1.0, "training__batch_videos": 5, "training__choice": "last"}
    fixed, shuffled, again = (
        next(refine(tiny_run(**constant, training__validation_order=order), DATA)).report
        for order in ("fixed", "shuffled", "shuffled")
    )
    assert shuffled.without_times() == again.without_times()
    assert shuffled.train_loss == fixed.train_loss
    assert shuffled.splits == fixed.splits
    assert shuffled.valid_loss != fixed.valid_loss


def test_iteration_0_does_not_depend_on_the_searched_parameters() -> None:
    other = tiny_run(
        loss__beta=8.0,
        pseudo_labels__generator="attention",
        pseudo_labels__sampled_share=0.4,
        pseudo_labels__segments__min_attention=0.9,
    )
    assert curve([next(refine(tiny_run(), DATA))]) == curve([next(refine(other, DATA))])


@pytest.mark.parametrize(
    "changes", [{}, {"pseudo_labels__from_last_iterations": 2}, {"refinement__reinitialise": False}]
)
def test_going_on_from_a_state_equals_an_uninterrupted_run(changes: dict[str, Any]) -> None:
    config = tiny_run(refinement__iterations=4, **changes)
    whole = list(refine(config, DATA))
    resumed = list(refine(config, DATA, whole[1].state))
    assert curve(resumed) == curve(whole[2:])


@pytest.mark.parametrize(("choice", "scorings"), [("last", 2 + 2 + 2), ("best_map", 2 + 4 + 4)])
def test_snippets_are_scored_once_where_the_chosen_model_also_labels(
    choice: str, scorings: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two splits; a run that goes on from a state on the disk has to score them anew, with the same numbers."""
    import trainables.refinement.iteration

    changes = {"training__choice": choice, "training__epochs": 2, "pseudo_labels__source": "last_epoch"}
    anew: list[IterationResult] = []
    state = None
    while state is None or not state.finished:
        anew.append(next(refine(tiny_run(**changes), DATA, state)))
        state = replace(anew[-1].state, weights=dict(anew[-1].state.weights))
    counted, falling = Mock(wraps=trainables.refinement.iteration.score_split), count(0, -1)
    monkeypatch.setattr(trainables.refinement.iteration, "score_split", counted)
    monkeypatch.setattr(trainables.refinement.iteration.Engine, "measure", lambda self, model: float(next(falling)))
    at_once = list(refine(tiny_run(**changes), DATA))
    assert counted.call_count == scorings
    if choice == "last":
        assert curve(at_once) == curve(anew)


def test_a_finished_state_has_nothing_left_to_run() -> None:
    config = tiny_run(refinement__iterations=1)
    (only,) = refine(config, DATA)
    assert list(refine(config, DATA, only.state)) == []


def test_beta_0_repeats_the_training_of_the_base_model_with_new_weights_only() -> None:
    results = list(refine(tiny_run(loss__beta=0.0), DATA))
    assert train_loss(results[1]).total == train_loss(results[1]).video


def test_patience_stops_the_run_after_iterations_without_a_new_best() -> None:
    results = list(refine(tiny_run(refinement__iterations=30, refinement__patience=1), DATA))
    last = results[-1].report
    assert last.best_iteration is not None
    assert last.iteration - last.best_iteration == 1 or last.iteration == 29
    assert len(results) < 30


def test_labels_come_from_the_model_that_the_configuration_names() -> None:
    changes = {"training__lr": 0.3, "training__epochs": 12, "selection__rule": "held-out"}
    best, last = (
        next(refine(tiny_run(pseudo_labels__source=source, **changes), DATA)) for source in ("best_epoch", "last_epoch")
    )
    assert best.report.chosen_epoch is not None
    assert best.report.chosen_epoch < 11
    assert curve([best]) == curve([last])
    assert any(not torch.equal(best.state.weights[name], last.state.weights[name]) for name in best.state.weights)


def test_held_out_videos_choose_and_the_test_split_only_reports() -> None:
    results = list(refine(tiny_run(selection__rule="held-out"), DATA))
    report = results[0].report
    assert report.selection == Selection("held_out", map_of(report, "held_out").selection_map)
    videos = {name: map_of(report, name).videos for name in report.splits}
    assert videos == {"train": 9, "held_out": 3, "test": 6}
    assert labelled(results[1].report) == {"train", "held_out"}


def test_under_held_out_the_test_split_changes_no_number_but_its_own() -> None:
    other = tiny_dataset(seed=0)
    shuffled = type(other)(other.name, other.title, other.classes, other.train, tiny_dataset(seed=9).test)
    config = tiny_run(selection__rule="held-out")
    for ours, theirs in zip(refine(config, DATA), refine(config, shuffled), strict=True):
        without_test = [
            replace(report, splits={name: split for name, split in report.splits.items() if name != "test"})
            for report in curve([ours, theirs])
        ]
        assert without_test[0] == without_test[1]


def test_annotated_share_is_resolved_from_the_training_videos() -> None:
    config = tiny_run(pseudo_labels__generator="distribution_aware", pseudo_labels__foreground_share="annotated")
    results = list(refine(config, DATA))
    quality = quality_of(results[1].report, "train")
    share = quality.foreground / (quality.foreground + quality.background)
    assert share == pytest.approx(float(DATA.train.snippet_truth.mean()), abs=0.1)


def test_fixed_label_randomness_ignores_the_replicate_seed() -> None:
    def labels(seed: int, randomness: str) -> np.ndarray:
        config = tiny_run(seed=seed, pseudo_labels__generator="uniform_random", pseudo_labels__randomness=randomness)
        return [r.labels for r in refine(config, DATA)][1]["train"]

    assert np.array_equal(labels(0, "fixed"), labels(1, "fixed"))
    assert not np.array_equal(labels(0, "replicate"), labels(1, "replicate"))


def test_a_video_without_features_counts_as_one_without_predictions() -> None:
    from trainables.data.split import Dataset

    test = DATA.test
    videos = (replace(test.videos[0], num_snippets=0), *test.videos[1:])
    without = replace(test, videos=videos)
    data = Dataset(DATA.name, DATA.title, DATA.classes, DATA.train, without)
    whole, lacking = (next(refine(tiny_run(), d)) for d in (DATA, data))
    assert map_of(lacking.report, "test").videos == map_of(whole.report, "test").videos
    assert map_of(lacking.report, "test").instances == map_of(whole.report, "test").instances
    assert videos[0].name not in set(lacking.predictions["test"].video)


def test_a_device_that_is_not_there_is_an_error() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(UserError, match=r"compute.device: 'cuda' was requested"):
        next(refine(tiny_run(compute__device="cuda"), DATA))


def test_bfloat16_products_stay_close_to_float32() -> None:
    exact, rough = (next(refine(tiny_run(compute__dtype=dtype), DATA)) for dtype in ("float32", "bfloat16"))
    assert train_loss(rough).total == pytest.approx(train_loss(exact).total, rel=0.02)


def test_multi_hot_targets_share_a_video_among_its_classes() -> None:
    from tests.trainables.worlds import split_of
    from trainables.batching.videos import video_targets

    split = split_of([3, 3], labels=[(0, 2), (1,)])
    assert video_targets(split, 3, "first").tolist() == [[1, 0, 0], [0, 1, 0]]
    assert video_targets(split, 3, "multi_hot").tolist() == [[0.5, 0, 0.5], [0, 1, 0]]


@pytest.mark.parametrize("order", ["fixed", "shuffled"])
def test_runs_together_report_what_each_reports_alone_but_for_rounding(order: str) -> None:
    # Of scalar attention, Adam turns the rounding of the bias's zero gradient into steps (README, Limits).
    smooth = {"model__attention": "two_value"}
    configs = [
        tiny_run(**smooth),
        tiny_run(**smooth, loss__beta=4.0, pseudo_labels__generator="attention", refinement__iterations=2),
        tiny_run(**smooth, pseudo_labels__sampled_share=0.5),
    ]
    configs = [config.updated({"training.validation_order": order}) for config in configs]
    rounds = list(refine_together(configs, DATA))
    for k, config in enumerate(configs):
        ours = [results[k] for results in rounds]
        theirs = curve(list(refine(config, DATA)))
        assert ours[len(theirs) :] == [None] * (len(rounds) - len(theirs))
        for one, expected in zip(ours, theirs, strict=False):
            assert isinstance(one, IterationResult)
            assert_close(one.report.without_times().to_json(), expected.to_json())


def assert_close(ours: Any, theirs: Any) -> None:
    """Equal, floats to three digits: a segment more or less moves an mAP of so few videos by more."""
    if isinstance(theirs, dict):
        assert ours.keys() == theirs.keys()
        for key in theirs:
            assert_close(ours[key], theirs[key])
    elif isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_close(one, other)
    elif isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-5)
    else:
        assert ours == theirs


def test_runs_that_have_come_unequally_far_go_on_together() -> None:
    configs = [tiny_run(), tiny_run(loss__beta=4.0)]
    first = list(refine(configs[0], DATA))
    rounds = list(refine_together(configs, DATA, [first[1].state, None]))
    told = [[r.report.iteration if isinstance(r, IterationResult) else None for r in results] for results in rounds]
    assert told == [[2, 0], [None, 1], [None, 2]]


def test_runs_of_different_models_do_not_train_together() -> None:
    with pytest.raises(ValueError, match="labels, predictions, beta and refinement only"):
        next(refine_together([tiny_run(), tiny_run(seed=1)], DATA))


def test_a_run_that_ends_with_an_error_leaves_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainables.gpu.joint_training import JointTrainer

    train = JointTrainer.train

    def one_fails(self: JointTrainer, *arguments: Any) -> Any:
        return [*train(self, *arguments)[:-1], NonFiniteLoss("epoch 0: loss is not finite")]

    with monkeypatch.context() as patched:
        patched.setattr(JointTrainer, "train", one_fails)
        rounds = list(refine_together([tiny_run(), tiny_run(loss__beta=4.0)], DATA))
    assert isinstance(rounds[0][1], NonFiniteLoss)
    assert [results[1] for results in rounds[1:]] == [None, None]
    assert all(isinstance(results[0], IterationResult) for results in rounds)
