"""Which tables a study has."""

from pathlib import Path

from analysis.study import load_study
from analysis.tables.study_tables import study_tables
from tests.analysis.study_folders import StudyFolder, point


def test_ragged_iterations_have_dashes(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30])
    made.add(point("segment_prediction", 1.0), [30, 31, 32, 33])
    study = load_study(tmp_path / "s")
    for grid, trace in study_tables(study):
        assert all(len(row) == len(grid.header) for row in grid.rows)
        assert len(trace)


def test_label_quality_has_its_table(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40], labels={"foreground_precision": 60.0})
    assert "label_quality" in [grid.name for grid, _ in study_tables(load_study(tmp_path / "s"))]
