"""Which studies a command means, and where its files go."""

import json
from pathlib import Path

import pytest

from analysis.requests import compared_with, out_folder, why_empty
from analysis.study import load_study
from tests.analysis.study_folders import StudyFolder, point


def test_why_empty_counts_states_and_gives_the_last_reason(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [], state="failed", reason="ValueError: too small")
    assert "1 failed" in why_empty(load_study(tmp_path / "s"))
    assert "ValueError: too small" in why_empty(load_study(tmp_path / "s"))


def test_files_stay_below_the_folder_that_was_asked_for(tmp_path: Path) -> None:
    for number, name in enumerate(("../../elsewhere", "/tmp/elsewhere", "", "..", ".")):
        made = StudyFolder(tmp_path / f"s{number}")
        path = made.folder / "study.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "name": name}))
        study = load_study(made.folder)
        assert study.name == f"s{number}"
        assert out_folder(study, tmp_path / "out", "tables", True) == tmp_path / "out" / f"s{number}"
        assert "names no folder" in study.problems[-1]


def test_a_comparison_that_cannot_be_read_is_left_out_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = StudyFolder(tmp_path / "s")
    (tmp_path / "comparisons" / "r-s" / "comparison.csv").mkdir(parents=True)
    (tmp_path / "comparisons" / "s-t").mkdir()
    (tmp_path / "comparisons" / "s-t" / "comparison.csv").write_text("first,second\ns,t\n")
    assert compared_with(load_study(made.folder)) == ["t"]
    assert "the comparison is left out" in capsys.readouterr().err
