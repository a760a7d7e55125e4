"""Pseudo labels against the annotation."""

from pathlib import Path

from analysis.results.label_quality import (
    generator_label_quality,
    label_quality,
    label_quality_data,
    label_quality_table,
)
from analysis.results.trace import number_trace
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, point


def test_label_quality_comes_from_the_reports(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40], labels={"foreground_precision": 60.0, "foreground_recall": None})
    study = load_study(tmp_path / "s")
    found = label_quality(study, study.completed)
    assert {name: list(by) for name, by in found.items() if by} == {"foreground_precision": [1]}
    assert found["foreground_precision"][1].mean == 60


def test_the_trace_calls_the_numbers_what_they_are(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40], labels={"foreground_precision": 60.0, "foreground_recall": 50.0})
    study = load_study(tmp_path / "s")
    table = label_quality_table(study)
    assert table is not None
    data = number_trace(study, table)
    assert "test_map" not in data.columns
    assert data["label_quality"].dropna().tolist() == [60.0, 50.0]


def test_the_best_configuration_of_each_generator_has_its_curve(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40], labels={"foreground_precision": 60.0})
    made.add(point("attention", 2.0), [30, 50], labels={"foreground_precision": 70.0})
    made.add(point("uniform_random", 2.0), [30, 50])
    found = generator_label_quality(load_study(tmp_path / "s"))
    assert list(found) == ["attention"]
    assert label_quality_data(found)["percent"].tolist() == [70.0]


def test_labels_without_annotation_have_no_quality(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40], labels={"foreground_precision": None})
    study = load_study(tmp_path / "s")
    assert label_quality_table(study) is None
    assert generator_label_quality(study) == {}
