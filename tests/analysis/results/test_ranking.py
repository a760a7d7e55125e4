"""The order of configurations, and what trials cost."""

import json
from pathlib import Path

import pytest

from analysis.results.ranking import states_and_cost, top_configurations
from analysis.settings import BETA
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, point


def test_top_configurations_go_by_selection_and_by_seeds(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 50])  # one seed: after all with two
    for seed in (0, 1):
        made.add(point("attention", 2.0), [30, 40], seed, offset=0)
        made.add(point("attention", 4.0), [30, 41], seed, offset=9)
    made.add(point("oracle", 4.0), [30, 90])
    ranked = top_configurations(load_study(tmp_path / "s"))
    found = [(one.selection, one.test.mean, one.test.n) for one in ranked if one.test]
    assert found == [(41, 32, 2), (40, 40, 2), (50, 45, 1)]


def test_means_say_how_sure_they_are_and_what_is_likely(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for beta, values in ((1.0, (50, 56)), (2.0, (44, 46)), (4.0, (40, 46))):
        for seed, value in enumerate(values):
            made.add(point("attention", beta), [30, value], seed)
    ranked = top_configurations(load_study(tmp_path / "s"))
    assert [one.selection for one in ranked] == [53, 45, 43]
    # Differences of the seeds are 6, 2 and 6: variance 16/3 for two degrees of freedom, halved, over two seeds.
    assert [one.standard_error for one in ranked] == pytest.approx([(8 / 3 / 2) ** 0.5] * 3)
    assert [(one.likely or 0) < one.selection for one in ranked] == [True, False, False]


def test_different_seeds_are_compared_as_if_each_had_run_on_all(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 45], 0)
    for beta in (2.0, 4.0):
        for seed in (0, 1):
            made.add(point("attention", beta), [30, 40 + beta + 8 * seed], seed)
    ranked = top_configurations(load_study(tmp_path / "s"))
    assert [(json.loads(one.configuration)[BETA], one.selection) for one in ranked] == [(4.0, 48), (2.0, 46), (1.0, 49)]


def test_without_annotations_the_order_is_the_same_and_there_is_no_number(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40], annotated=False)
    made.add(point("attention", 2.0), [30, 50, 45], annotated=False)
    first, second = top_configurations(load_study(tmp_path / "s"))
    assert (first.selection, first.test, first.trials, first.etas) == (50, None, (1,), (1,))
    assert (second.selection, second.test, second.trials) == (40, None, (0,))


def test_states_and_what_they_cost(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40])
    made.add(point("attention", 2.0), [30], state="failed", reason="no")
    made.add(point("attention", 4.0), [30], state=None)
    rows = {row.state: row for row in states_and_cost(load_study(tmp_path / "s"))}
    assert {state: row.trials for state, row in rows.items()} == {"completed": 1, "failed": 1, "running": 1, "all": 3}
    assert (rows["all"].iterations, rows["all"].seconds) == (4, 6)
