"""Two studies, paired by configuration and seed."""

import json
from pathlib import Path

import pytest

from analysis.results.pairs import paired_studies, pairs_data, why_not_comparable
from analysis.settings import ALPHA_A, ALPHA_C
from analysis.study import Study, load_study
from tests.analysis.study_folders import StudyFolder, point, settings


@pytest.fixture
def studies(tmp_path: Path) -> tuple[Study, Study]:
    """Three configurations in common; seed 2 is only in the second study, β = 16 only in the first."""
    one, two = StudyFolder(tmp_path / "one"), StudyFolder(tmp_path / "two")
    for beta in (1.0, 2.0, 4.0):
        for seed in (0, 1):
            one.add(point("attention", beta), [30, 40 + seed + beta], seed)
        for seed in (0, 1, 2):
            two.add(point("attention", beta), [30, 43 + seed + beta], seed)
    one.add(point("attention", 16.0), [30, 35])
    return load_study(one.folder), load_study(two.folder)


def test_only_common_seeds_count(studies: tuple[Study, Study]) -> None:
    pairs = paired_studies(*studies)
    assert [row.difference.mean for row in pairs.rows] == [3, 3, 3]
    assert [row.difference.seeds for row in pairs.rows] == [(0, 1)] * 3
    assert (pairs.overall, pairs.interval, pairs.unpaired) == (3, (3, 3), (1, 0))
    assert pairs.best_difference is not None
    assert pairs.best_difference.mean == 3


def test_the_best_configuration_comes_first(studies: tuple[Study, Study]) -> None:
    first = paired_studies(*studies).rows[0]
    assert first.first.mean == pytest.approx(39.5)


def test_the_data_name_the_trials_of_both(studies: tuple[Study, Study]) -> None:
    data = pairs_data(paired_studies(*studies))
    assert len(data) == 6
    row = data.iloc[0]
    assert (row["first_trial"], row["second_trial"], row["seed"], row["difference"]) == (4, 6, 0, 3)


def thresholds_study(folder: Path, thresholds: str, points: list[dict[str, float]]) -> Study:
    """Trials with these αA and αC; those of the predictions are 0.5 and 0.1 where nothing sets them."""
    run = settings(folder.name)["run"]
    run |= {"thresholds": thresholds, "prediction": {"min_attention": 0.5, "min_class_score": 0.1}}
    run["pseudo_labels"]["segments"] = {"min_attention": 0.5, "min_class_score": 0.1}
    made = StudyFolder(folder, run=run, study={"space": {ALPHA_A: {"low": 0.1, "high": 0.9}}})
    for i, params in enumerate(points):
        made.add(point("segment_prediction", 4.0, **params), [30, 40 + i])
    return load_study(made.folder)


def test_thresholds_of_other_things_are_not_paired_although_they_are_equal(tmp_path: Path) -> None:
    points = [{ALPHA_A: 0.5, ALPHA_C: 0.1}, {ALPHA_A: 0.7, ALPHA_C: 0.1}]
    labels = thresholds_study(tmp_path / "l", "labels", points)
    both = thresholds_study(tmp_path / "b", "both", points)
    pairs = paired_studies(labels, both)
    assert [json.loads(row.configuration)[ALPHA_A] for row in pairs.rows] == [0.5]  # 0.7 is no threshold of predictions
    assert pairs.unpaired == (1, 1)
    assert pairs.remarks[0].startswith("αA and αC are the thresholds of the pseudo labels in l, and of predictions and")
    again = paired_studies(labels, thresholds_study(tmp_path / "m", "labels", points))
    assert (len(again.rows), again.remarks) == (2, ())


def test_settings_that_differ_are_told(tmp_path: Path) -> None:
    studies = []
    for name, epochs in (("one", 30), ("two", 40)):
        run = settings(name)["run"] | {"training": {"epochs": epochs}, "compute": {"threads": epochs}}
        made = StudyFolder(tmp_path / name, run=run)
        made.add(point("attention", 1.0), [30, 40])
        studies.append(load_study(made.folder))
    (remark,) = paired_studies(*studies).remarks
    assert remark == "Settings that differ (one / two), apart from what is searched: training.epochs 30 / 40"


def test_numbers_that_mean_something_else_are_not_comparable(tmp_path: Path) -> None:
    one, two = StudyFolder(tmp_path / "one"), StudyFolder(tmp_path / "two")
    one.add(point("attention", 1.0), [30, 40])
    two.add(point("attention", 1.0), [30, 40], annotated=False)
    assert why_not_comparable(load_study(one.folder), load_study(one.folder)) is None
    assert why_not_comparable(load_study(one.folder), load_study(two.folder)) == "two has no test mAP to compare"
    none = StudyFolder(tmp_path / "none")
    told = why_not_comparable(load_study(one.folder), load_study(none.folder))
    assert told == "none has no completed trial to compare; python -m study.status none tells why"


def test_studies_without_a_common_configuration_have_no_pair(tmp_path: Path) -> None:
    one, two = StudyFolder(tmp_path / "one"), StudyFolder(tmp_path / "two")
    one.add(point("attention", 1.0), [30, 40])
    two.add(point("attention", 2.0), [30, 40])
    pairs = paired_studies(load_study(one.folder), load_study(two.folder))
    assert (pairs.rows, pairs.overall, pairs.unpaired) == ([], None, (1, 1))
    assert pairs_data(pairs).empty


def test_equal_numbers_are_paired_however_they_are_written(tmp_path: Path) -> None:
    one, two = StudyFolder(tmp_path / "one"), StudyFolder(tmp_path / "two")
    one.add(point("attention", 4), [30, 40])
    two.add(point("attention", 4.0), [30, 41])
    pairs = paired_studies(load_study(one.folder), load_study(two.folder))
    assert (pairs.overall, pairs.unpaired) == (1, (0, 0))


def test_different_data_are_told_first(tmp_path: Path) -> None:
    studies = []
    for name, digest in (("one", "aaaaaaaabb"), ("two", "bbbbbbbbcc"), ("three", "aaaaaaaabb")):
        made = StudyFolder(tmp_path / name, card={"content_hash": digest})
        made.add(point("attention", 1.0), [30, 40])
        studies.append(load_study(made.folder))
    one, two, three = studies
    told = paired_studies(one, two).remarks[0]
    assert "different data" in told
    assert ", features aaaaaaaa / " in told
    assert ", features bbbbbbbb)" in told
    assert not paired_studies(one, three).remarks
