"""Two studies, paired by configuration and seed."""

from pathlib import Path

import pytest

from analysis.results.pairs import paired_studies, pairs_data
from analysis.study import Study, load_study
from tests.analysis.study_folders import StudyFolder, point


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


def test_studies_without_a_common_configuration_have_no_pair(tmp_path: Path) -> None:
    one, two = StudyFolder(tmp_path / "one"), StudyFolder(tmp_path / "two")
    one.add(point("attention", 1.0), [30, 40])
    two.add(point("attention", 2.0), [30, 40])
    pairs = paired_studies(load_study(one.folder), load_study(two.folder))
    assert (pairs.rows, pairs.overall, pairs.unpaired) == ([], None, (1, 1))
    assert pairs_data(pairs).empty
