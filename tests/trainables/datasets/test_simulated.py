"""Simulated data sets follow their documented model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trainables.config.run import DatasetConfig, SimulationConfig
from trainables.datasets import Dataset, load_dataset, make_card
from trainables.datasets.simulated import state_means
from trainables.errors import UserError


def simulated(**size: object) -> Dataset:
    config = DatasetConfig(name="simulated", simulation=SimulationConfig.model_validate(size))
    return load_dataset(config, Path("nowhere"))


def test_is_never_called_real() -> None:
    dataset = simulated()
    assert dataset.simulated
    assert "simulated" in dataset.title
    assert "SIMULATED" in str(make_card(dataset, DatasetConfig(name="simulated")))


def test_has_the_configured_size() -> None:
    dataset = simulated(train_videos=300, test_videos=7, classes=3, dimensions=5, mean_snippets=80)
    assert (len(dataset.train), len(dataset.test), len(dataset.classes), dataset.dimensions) == (300, 7, 3, 5)
    assert np.mean(dataset.train.lengths) == pytest.approx(80, rel=0.1)
    assert len(dataset.train.ground_truth) / 300 == pytest.approx(2, rel=0.15)
    assert {video.labels[0] for video in dataset.test.videos} == {0, 1, 2}


def test_snippets_are_their_mean_plus_unit_noise() -> None:
    dataset = simulated(train_videos=200, dimensions=8, separation=6.0, classes=2)
    split = dataset.train
    labels = np.array([video.labels[0] for video in split.videos])[split.video_of_snippet]
    states = np.where(split.snippet_truth, labels, 2)
    means = np.stack([split.features[states == state].mean(axis=0) for state in range(3)])
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert np.linalg.norm(means[a] - means[b]) == pytest.approx(6, abs=0.2)
    assert (split.features - means[states]).std() == pytest.approx(1, abs=0.02)


def test_means_are_separated_pairwise() -> None:
    means = state_means(4, SimulationConfig(dimensions=16, separation=3.0), np.random.default_rng(0))
    distances = np.linalg.norm(means[:, None] - means, axis=-1)
    np.testing.assert_allclose(distances[~np.eye(5, dtype=bool)], 3, rtol=1e-5)
    assert state_means(4, SimulationConfig(dimensions=2), np.random.default_rng(0)).shape == (5, 2)


def test_a_seed_draws_the_same_numbers() -> None:
    first, again, other = simulated(seed=1), simulated(seed=1), simulated(seed=2)
    np.testing.assert_array_equal(first.test.features, again.test.features)
    assert first.test.lengths.tolist() != other.test.lengths.tolist()


def test_instances_do_not_overlap() -> None:
    truth = simulated(train_videos=50, instances_per_video=6.0).train.ground_truth
    same = truth.video[1:] == truth.video[:-1]
    assert (truth.start_s[1:][same] > truth.end_s[:-1][same]).all()


def test_real_annotations_give_videos_and_truth(shared: Path) -> None:
    config = DatasetConfig(name="simulated", annotations_path=str(shared / "data/thumos14"))
    dataset = load_dataset(config, Path("nowhere"))
    assert dataset.title == "simulated features on RefineLoc CSV"
    assert (dataset.train.num_snippets, dataset.test.num_snippets) == (65_215, 71_691)
    assert dataset.test.snippet_truth.sum() == 22_078


def test_annotations_without_durations_are_refused(shared: Path) -> None:
    config = DatasetConfig(name="simulated", annotations_path=str(shared / "data/thumos14/gt.json"))
    with pytest.raises(UserError, match="ActivityNet JSON lacks durations"):
        load_dataset(config, Path("nowhere"))
