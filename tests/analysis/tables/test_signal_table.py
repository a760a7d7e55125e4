"""The table of signals over iterations."""

from pathlib import Path

from analysis.study import load_study
from analysis.tables.signal_table import signal_grid
from tests.analysis.study_folders import StudyFolder, point


def test_a_row_is_an_iteration_and_an_absent_signal_an_empty_cell(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for seed, contrast in ((0, 0.2), (1, 0.4)):
        signals = {"contrast": contrast, "label_agreement": None if seed else 60.0}
        made.add(point("attention", 2.0), [30, 40], seed, signals=signals)
    table = signal_grid(load_study(made.folder))
    assert table is not None
    grid, data = table
    assert grid.header == ["η", "contrast", "label agreement"]
    assert [row[0].text for row in grid.rows] == ["0", "1"]
    assert [cell.text for cell in grid.rows[1]][1:] == ["0.30 ± 0.14", "60.00"]
    assert "Label agreement" in grid.notes[0]
    assert {"iteration", "signal", "value"} <= set(data.columns)


def test_a_note_explains_only_a_signal_that_is_there(tmp_path: Path) -> None:
    made, without = StudyFolder(tmp_path / "s"), StudyFolder(tmp_path / "t")
    made.add(point("attention", 2.0), [30, 40], signals={"contrast": 0.2})
    without.add(point("attention", 2.0), [30, 40])
    table = signal_grid(load_study(made.folder))
    assert table is not None
    assert table[0].notes == []
    assert signal_grid(load_study(without.folder)) is None
