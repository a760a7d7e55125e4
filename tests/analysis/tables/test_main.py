"""``python -m analysis.tables``."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.tables.__main__ import main
from tests.analysis.study_folders import StudyFolder, paper_like, point


def test_command_writes_all_formats_and_prints_markdown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paper_like(tmp_path / "s")
    assert main(["--study", "s", "--study-dir", str(tmp_path)]) == 0
    written = sorted(path.name for path in (tmp_path / "s" / "tables").iterdir())
    names = ("by_beta", "by_generator", "generator_beta", "importance", "iterations", "refinement",
             "state_of_the_art", "states", "top_configurations")  # fmt: skip
    assert written == [f"{name}.{s}" for name in names for s in ("csv", "md", "tex")]
    assert "| Segment prediction |" in capsys.readouterr().out
    with (tmp_path / "s" / "tables" / "generator_beta.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 26


def test_command_writes_one_format_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paper_like(tmp_path / "s")
    assert main(["--study", str(tmp_path / "s"), "--format", "latex", "--out", str(tmp_path / "out")]) == 0
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"generator_beta.tex", "iterations.tex", "refinement.tex"} <= written
    assert {Path(name).suffix for name in written} == {".tex"}
    assert r"\toprule" in capsys.readouterr().out
    assert not (tmp_path / "s" / "tables").exists()


def test_refined_only_has_a_folder_of_its_own(tmp_path: Path) -> None:
    paper_like(tmp_path / "s")
    assert main(["--study", "s", "--study-dir", str(tmp_path), "--refined-only", "--format", "markdown"]) == 0
    text = (tmp_path / "s" / "tables-refined-only" / "generator_beta.md").read_text()
    assert "Only refined iterations (η ≥ 1) are shown" in text
    assert not (tmp_path / "s" / "tables").exists()


def test_no_completed_trial_is_clear_words_and_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    StudyFolder(tmp_path / "s").add(point("attention", 1.0), [], state="failed", reason="ValueError: no")
    assert main(["--study", "s", "--study-dir", str(tmp_path)]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("s: no trial is completed yet")
    assert not (tmp_path / "s" / "tables").exists()


def test_an_unknown_study_is_one_line_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--study", "nowhere", "--study-dir", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_place_that_cannot_be_written_to_is_one_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paper_like(tmp_path / "s")
    (tmp_path / "file").write_text("")
    assert main(["--study", "s", "--study-dir", str(tmp_path), "--out", str(tmp_path / "file" / "x")]) == 2
    assert "error: --out:" in capsys.readouterr().err


def test_problems_of_the_ledger_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = paper_like(tmp_path / "s")
    with (made.folder / "ledger.jsonl").open("a") as file:
        file.write("torn")
    assert main(["--study", "s", "--study-dir", str(tmp_path)]) == 0
    assert "warning:" in capsys.readouterr().err


@pytest.mark.parametrize(
    "module",
    [
        "analysis.tables.__main__",
        "analysis.figures.__main__",
        "analysis.report.__main__",
        "analysis.diagnosis.__main__",
    ],
)
def test_importing_loads_neither_torch_nor_ray(module: str) -> None:
    program = f"import sys, {module}; sys.exit(bool({{'torch', 'ray', 'optuna'}} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", program], check=True)
