"""The order of configurations, and what trials cost."""

from pathlib import Path

from analysis.results.ranking import states_and_cost, top_configurations
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
