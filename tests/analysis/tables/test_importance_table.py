"""The table of importances."""

from pathlib import Path

from analysis.study import load_study
from analysis.tables.importance_table import importance_grid
from tests.analysis.results.test_importance import searched
from tests.analysis.study_folders import StudyFolder, point


def test_each_share_stands_beside_its_intervals(tmp_path: Path) -> None:
    study = load_study(searched(tmp_path / "s", 2, 2.0))
    table = importance_grid(study)
    assert table is not None
    grid, data = table
    assert [row[0].text for row in grid.rows] == ["β", "β", "S", "S"]
    assert [row[0].covered for row in grid.rows] == [False, True, False, True]
    assert grid.header == ["Key", "evaluator", "share", "over trials", "over seeds"]
    assert [row[1].text for row in grid.rows[:2]] == ["fANOVA (seed 0)", "PED-ANOVA"]
    assert all(" to " in cell.text for row in grid.rows for cell in row[3:])
    assert len(data) == 4


def test_too_few_configurations_have_none(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40])
    assert importance_grid(load_study(made.folder)) is None
