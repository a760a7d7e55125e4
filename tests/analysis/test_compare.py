"""``python -m analysis.compare``."""

from pathlib import Path

import pandas as pd
import pytest

from analysis.compare import main
from tests.analysis.study_folders import StudyFolder, paper_like, point, settings


def test_the_command_prints_and_writes_table_and_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paper_like(tmp_path / "a", seeds=3)
    paper_like(tmp_path / "b|$x$", seeds=3)
    assert main(["--study", "a", "--study", "b|$x$", "--study-dir", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "mean of the differences" in text
    assert r"b\|\$x\$ against a" in text
    out = tmp_path / "comparisons" / "a-b|$x$"
    assert {path.name for path in out.iterdir()} == {f"comparison.{s}" for s in ("csv", "md", "tex", "pdf", "png")}
    assert (pd.read_csv(out / "comparison.csv")["difference"] == 0).all()


def test_nothing_in_common_is_status_1_and_one_study_is_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    StudyFolder(tmp_path / "a").add(point("attention", 1.0), [30, 40])
    StudyFolder(tmp_path / "b").add(point("attention", 2.0), [30, 40])
    assert main(["--study", "a", "--study", "b", "--study-dir", str(tmp_path), "--out", str(tmp_path / "o")]) == 1
    assert "no configuration on a common seed" in capsys.readouterr().err
    assert main(["--study", "a", "--study-dir", str(tmp_path)]) == 2
    assert "two studies are compared, got 1" in capsys.readouterr().err


def test_numbers_of_two_metrics_are_not_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    StudyFolder(tmp_path / "a").add(point("attention", 1.0), [30, 40])
    run = settings("b")["run"]
    run["evaluation"]["selection_tiou"] = [0.3]
    StudyFolder(tmp_path / "b", run=run).add(point("attention", 1.0), [30, 40])
    assert main(["--study", "a", "--study", "b", "--study-dir", str(tmp_path)]) == 2
    assert "mAP@0.3" in capsys.readouterr().err


def test_studies_of_two_folders_have_no_place_that_both_reports_look_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("x/a", "y/b"):
        StudyFolder(tmp_path / name).add(point("attention", 1.0), [30, 40])
    assert main(["--study", str(tmp_path / "x" / "a"), "--study", str(tmp_path / "y" / "b")]) == 0
    assert "reports of both" not in capsys.readouterr().out
