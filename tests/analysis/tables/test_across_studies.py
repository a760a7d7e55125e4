"""Several studies in one table."""

from pathlib import Path

import pytest

from analysis.tables.__main__ import main
from tests.analysis.study_folders import StudyFolder, paper_like, settings


def test_several_studies_in_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paper_like(tmp_path / "a")
    run = {**settings("b")["run"], "model": {"name": "basnet"}}
    StudyFolder(tmp_path / "b", run=run).add({}, [30, 40], split="test")
    StudyFolder(tmp_path / "c")
    out = tmp_path / "out"
    names = ["--study", "a", "--study", "b", "--study", "c", "--study-dir", str(tmp_path), "--out", str(out)]
    assert main(names) == 0
    assert "c: no trial is completed yet" in capsys.readouterr().err
    assert {path.name for path in out.iterdir()} == {"a", "b", "studies.csv", "studies.md", "studies.tex"}
    text = (out / "studies.md").read_text()
    assert "b: BaS-Net" in text
    assert "b: + refinement (η = 1)†" in text
    assert main(["--study", "a", "--study", "a", "--study-dir", str(tmp_path)]) == 2
