"""Several studies in one table."""

from pathlib import Path

import pytest

from analysis.study import load_study
from analysis.tables.__main__ import main
from analysis.tables.across_studies import across_studies
from tests.analysis.study_folders import StudyFolder, paper_like, point, settings


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


def test_names_that_latex_would_take_for_commands_do_not_reach_its_labels(tmp_path: Path) -> None:
    studies = []
    for name in ("a%b#c_d}", "e"):
        StudyFolder(tmp_path / name).add(point("attention", 1.0), [30, 40])
        studies.append(load_study(tmp_path / name))
    assert across_studies(studies)[0].label == "studies-a-b-c-d-e"


def test_each_study_says_what_it_was_chosen_by(tmp_path: Path) -> None:
    run = settings("s")["run"] | {"selection": {"rule": "video-labels", "signal": "contrast"}}
    StudyFolder(tmp_path / "s", run=run).add(point("attention", 1.0), [30, 40])
    (note,) = across_studies([load_study(tmp_path / "s")])[0].notes
    assert note == "s: THUMOS14 (I3D), chosen by contrast on held-out training videos, 1 completed trial"


def test_refined_numbers_alone_have_a_file_of_their_own_and_say_so(tmp_path: Path) -> None:
    for name in "ab":
        StudyFolder(tmp_path / name).add(point("attention", 1.0), [30, 20])
    names = ["--study", "a", "--study", "b", "--study-dir", str(tmp_path), "--format", "markdown"]
    assert main(names) == main([*names, "--refined-only"]) == 0
    whole, refined = ((tmp_path / f"{name}.md").read_text() for name in ("studies", "studies-refined-only"))
    assert ("+ refinement (η = 0)" in whole, "+ refinement (η = 1)" in refined) == (True, True)
    assert "refined iterations (η ≥ 1) alone" in refined.splitlines()[0]
