"""Which tables a study has."""

from pathlib import Path

from analysis.study import load_study
from analysis.tables.study_tables import study_tables, top_grid
from tests.analysis.study_folders import StudyFolder, point, settings


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


def test_without_test_map_the_best_configurations_have_no_column_of_it(tmp_path: Path) -> None:
    run = settings("s")["run"] | {"selection": {"rule": "video-labels", "signal": "video_loss"}}
    made = StudyFolder(tmp_path / "s", run=run)
    made.add(point("attention", 2.0), [-0.9, -0.4], annotated=False)
    grid, _ = top_grid(load_study(made.folder))
    assert grid.header == ["Configuration", "video loss", "seeds", "η"]  # one seed has no standard error
    assert len(grid.rows[0]) == len(grid.header)
    assert "selection objective: video loss on the held-out training videos of" in grid.caption
    assert "mAP" not in grid.caption
