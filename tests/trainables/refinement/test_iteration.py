"""One iteration: labels of videos that show nothing, which labels train, what goes on to the next one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tests.trainables.refinement.test_refine import DATA, tiny_run
from tests.trainables.worlds import split_of
from trainables.errors import UserError
from trainables.gpu.device_cache import DeviceCache
from trainables.labels.sampling import HIDDEN
from trainables.refinement.iteration import Engine, IterationResult, without_background_videos
from trainables.training.state import Trained

SPLIT = split_of([2, 3, 2], labels=[(0,), (), (1,)])


@pytest.mark.parametrize("shape", [(7,), (7, 2)])
def test_a_video_that_shows_no_class_is_background_throughout(shape: tuple[int, ...]) -> None:
    foreground = np.ones(shape, bool)
    found = without_background_videos(foreground, SPLIT)
    assert found.reshape(7, -1).all(axis=1).tolist() == [True, True, False, False, False, True, True]
    assert foreground.all()  # the model's own labels are not changed in place


def engine(**changes: Any) -> Engine:
    config = tiny_run(**changes)
    return Engine(config, DATA, DeviceCache.of(config))


def iterate(engine: Engine, previous: IterationResult | None = None) -> IterationResult:
    prepared = engine.prepare(previous.state if previous else None)
    trained = engine.train(prepared)
    assert isinstance(trained, Trained)
    return engine.finish(prepared, trained, 1.0)


def test_m0_trains_without_pseudo_labels_and_iteration_1_with_a_sample_of_those_of_m0() -> None:
    runs = engine(pseudo_labels__sampled_share=0.5, pseudo_labels__generator="uniform_random")
    base = runs.prepare(None)
    assert base.labels == {}
    assert base.train.labels is None
    first = iterate(runs)
    following = runs.prepare(first.state)
    assert following.train.labels is not None
    labels, sampled = following.labels["train"], following.train.labels.numpy()
    shown = sampled != HIDDEN
    assert 0.3 < shown.mean() < 0.7
    np.testing.assert_array_equal(sampled[shown], labels[shown])


def test_the_same_state_is_prepared_the_same_way_whatever_was_scored_before() -> None:
    runs = engine()
    first = iterate(runs)
    kept, anew = runs.prepare(first.state), engine().prepare(first.state)
    np.testing.assert_array_equal(kept.labels["train"], anew.labels["train"])
    torch.testing.assert_close(kept.model.state_dict(), anew.model.state_dict(), rtol=0, atol=0)


def test_masks_of_the_last_iterations_are_kept_newest_last_and_united() -> None:
    runs = engine(pseudo_labels__from_last_iterations=2, pseudo_labels__generator="uniform_random")
    result, masks = iterate(runs), []
    for _ in range(3):
        result = iterate(runs, result)
        masks.append(result.state.label_history["train"])
    assert [len(each) for each in masks] == [1, 2, 2]
    np.testing.assert_array_equal(masks[2][0], masks[1][1])
    np.testing.assert_array_equal(result.labels["train"], masks[2][0] | masks[2][1])


def test_times_of_the_report_are_those_of_all_parts() -> None:
    report = iterate(engine()).report
    assert report.training_s is not None
    assert report.seconds > report.training_s > 1.0  # what was given as the training, and the preparation


def test_only_refineloc_trains_videos_without_labels() -> None:
    with pytest.raises(UserError, match=r"labels\.background: background trains .* base model wtalc cannot"):
        engine(dataset__background="background", model__name="wtalc")
