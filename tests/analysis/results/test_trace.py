"""Traces of numbers."""

from pathlib import Path

from analysis.results.statistics import Summary
from analysis.results.trace import trace
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, point


def test_a_row_names_number_trials_seeds_and_lines(tmp_path: Path) -> None:
    StudyFolder(tmp_path / "s").add(point("attention", 1.0), [30, 40])
    cell = Summary(35.0, float("nan"), 1, (0,), (0,), (1,), (4, 5), (35.0,))
    data = trace(load_study(tmp_path / "s"), ("row", "column"), {("a", "b"): cell, ("a", "c"): None}, "label_quality")
    first, second = data.to_dict("records")
    assert (first["label_quality"], first["trials"], first["ledger_lines"]) == (35.0, "0", "4 5")
    assert "loss.beta" in first["configuration"]
    assert second["label_quality"] != second["label_quality"]
    assert "test_map" not in data
