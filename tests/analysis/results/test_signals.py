"""What was measured without temporal annotations."""

from pathlib import Path

import pytest

from analysis.drawing.rendering import render
from analysis.figures.signals import signal_drawing
from analysis.figures.study_figures import lead_drawing
from analysis.report.page import report_page
from analysis.results.signals import signal_table
from analysis.study import load_study
from analysis.tables.study_tables import study_tables
from tests.analysis.study_folders import StudyFolder, point


@pytest.fixture
def unannotated(tmp_path: Path) -> Path:
    made = StudyFolder(tmp_path / "s")
    for seed in (0, 1):
        signals = {"contrast": 0.2 + seed, "label_agreement": None if seed else 60.0}
        made.add(point("attention", 2.0), [30, 40], seed, annotated=False, signals=signals)
    made.add(point("attention", 4.0), [30, 35], annotated=False)
    return made.folder


def test_signals_are_means_over_seeds_and_absent_ones_do_not_count(unannotated: Path) -> None:
    table = signal_table(load_study(unannotated))
    assert table is not None
    assert (table.signals, table.iterations) == (["contrast", "label_agreement"], [0, 1])
    first, second = table.cells[1]
    assert first is not None
    assert second is not None
    assert (first.mean, first.n, second.mean, second.n) == (pytest.approx(0.7), 2, 60.0, 1)


def test_a_study_of_an_older_version_has_none(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 2.0), [30, 40])
    assert signal_table(load_study(made.folder)) is None
    assert signal_drawing(load_study(made.folder)) is None


def test_without_annotations_they_stand_where_map_would(unannotated: Path) -> None:
    study = load_study(unannotated)
    drawing = lead_drawing(study)
    assert drawing is not None
    assert drawing.name == "signals"
    render(drawing, "t", ["png"])
    assert [grid.name for grid, _ in study_tables(study)] == ["signals", "top_configurations", "states"]
    page = report_page(study)
    assert "label agreement" in page
    assert "mAP is not known" in page
