"""Importances of the searched keys."""

from pathlib import Path

import pytest

from analysis.results.importance import importances, optuna_study
from analysis.settings import BETA
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, point


def test_importances_are_the_same_every_time_and_name_what_matters(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s", study={"space": {BETA: {"choices": [1.0, 2.0, 4.0, 8.0]}}})
    for b in (1.0, 2.0, 4.0, 8.0):
        for share in (0.2, 0.8):
            made.add({BETA: b, "pseudo_labels.sampled_share": share}, [30, 30 + b + 0.01 * share])
    study = load_study(made.folder)
    first, again = importances(study), importances(study)
    assert first == again
    assert [one.evaluator for one in first] == ["fanova", "ped_anova"]
    assert next(iter(first[0].shares)) == BETA
    assert len(optuna_study(study).trials) == 8


def test_importances_leave_out_conditional_keys(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for i, generator in enumerate(("attention", "uniform_random") * 3):
        more = {"pseudo_labels.segments.min_attention": 0.1 * i} if generator == "attention" else {}
        made.add(point(generator, float(2**i), **more), [30, 40 + i])
    (first, _) = importances(load_study(made.folder))
    assert first.left_out == ["pseudo_labels.segments.min_attention"]
    assert sum(first.shares.values()) == pytest.approx(1)


def test_the_oracle_is_known_by_its_generator_and_not_by_a_word_somewhere(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0, **{"dataset.features": "oracle-i3d"}), [30, 40])
    made.add(point("oracle", 1.0, **{"dataset.features": "i3d"}), [30, 90])
    (kept,) = optuna_study(load_study(made.folder)).trials
    assert kept.params["dataset.features"] == "oracle-i3d"


def test_the_oracle_that_a_whole_study_is_configured_with_is_left_out(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s", run={"pseudo_labels": {"generator": "oracle"}})
    made.add({BETA: 1.0}, [30, 90])
    assert optuna_study(load_study(made.folder)).trials == []
