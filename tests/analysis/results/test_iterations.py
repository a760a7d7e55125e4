"""mAP over refinement iterations."""

from pathlib import Path

from analysis.results.iterations import iteration_table
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, point


def test_iterations_are_those_of_each_generators_best_configuration(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 35, 33])
    made.add(point("attention", 2.0), [30, 32])
    made.add(point("segment_prediction", 2.0), [30, 36, 40, 39])
    table = iteration_table(load_study(tmp_path / "s"))
    assert table.iterations == [0, 1, 2, 3]
    assert [row.generator for row in table.rows] == ["attention", "segment_prediction"]
    assert [None if cell is None else cell.mean for cell in table.rows[0].cells] == [25, 30, 28, None]
    assert [None if cell is None else cell.mean for cell in table.rows[1].cells] == [25, 31, 35, 34]
    assert table.rows[1].chosen is not None
    assert (table.rows[1].chosen.mean, table.rows[1].etas) == (35, (2,))


def test_ragged_seeds_are_averaged_over_those_that_got_there(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 35, 33], 0)
    made.add(point("attention", 1.0), [32, 37], 1)
    (row,) = iteration_table(load_study(tmp_path / "s")).rows
    assert [(cell.mean, cell.n) for cell in row.cells if cell] == [(26, 2), (31, 2), (28, 1)]


def test_no_completed_trial_has_no_row(tmp_path: Path) -> None:
    StudyFolder(tmp_path / "s").add(point("attention", 1.0), [], state="failed")
    assert iteration_table(load_study(tmp_path / "s")).rows == []


def test_without_annotations_there_is_a_row_and_no_number(tmp_path: Path) -> None:
    StudyFolder(tmp_path / "s").add(point("attention", 1.0), [30, 40], annotated=False)
    (row,) = iteration_table(load_study(tmp_path / "s")).rows
    assert (row.cells, row.chosen, row.etas) == ([None, None], None, (1,))
