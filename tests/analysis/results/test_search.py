"""How a search went, as values."""

from pathlib import Path

import numpy as np
import pytest

from analysis.results.search import at_edge, search_history, searched_trials, trial_costs
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, mixed_study, point


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    return mixed_study(tmp_path / "mixed")


def test_best_so_far_counts_completed_trials_without_the_oracle(mixed: Path) -> None:
    history = search_history(load_study(mixed))
    np.testing.assert_array_equal(history.refined, [np.nan, 35, 50, 80, 40, 38])
    np.testing.assert_array_equal(history.best_so_far, [np.nan, 35, 35, 35, 40, 40])
    assert history.base == 30


def test_the_history_is_of_refined_models_and_keeps_what_trials_report(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [50, 20, 30])  # reports M0's 50
    made.add(point("attention", 2.0), [50, 40])
    history = search_history(load_study(made.folder))
    assert (history.refined.tolist(), history.reported.tolist()) == ([30, 40], [50, 50])
    assert (history.best_so_far.tolist(), history.base) == ([30, 40], 50)


def test_axes_know_words_numbers_and_the_edges_asked_for(tmp_path: Path) -> None:
    space = {"loss.beta": {"choices": [1.0, 2.0, 4.0]}, "pseudo_labels.sampled_share": {"low": 0.2, "high": 1.0}}
    made = StudyFolder(tmp_path / "s", study={"space": space})
    made.add(point("attention", 1.0, **{"pseudo_labels.sampled_share": 0.5}), [30, 40])
    made.add(point("uniform_random", 2.0), [30, 41])
    found = searched_trials(load_study(made.folder))
    assert (found.objective.tolist(), found.trial.tolist()) == ([40, 41], [0, 1])
    axes = {axis.key: axis for axis in found.axes}
    assert axes["pseudo_labels.generator"].words == ["uniform_random", "attention"]
    assert axes["pseudo_labels.generator"].position.tolist() == [1, 0]
    assert (axes["loss.beta"].edges, axes["loss.beta"].logarithmic) == ((1.0, 4.0), True)
    assert at_edge(axes["loss.beta"]).tolist() == [True, False]
    assert not at_edge(axes["pseudo_labels.generator"]).any()


def test_what_is_sliced_is_what_the_search_maximises(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [50, 20, 30])  # reports M0's 50
    made.add(point("attention", 2.0), [50, 60])
    assert searched_trials(load_study(made.folder)).objective.tolist() == [30, 60]


def test_costs_are_of_the_trials_that_tell_them(mixed: Path) -> None:
    costs = trial_costs(load_study(mixed))
    assert costs.seconds.tolist() == [3.0] * 5
    assert (len(costs.generator), costs.devices) == (5, ["cpu"])
