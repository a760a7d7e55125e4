"""The paper's numbers beside ours."""

from pathlib import Path

import pytest

from analysis.study import load_study
from analysis.tables.__main__ import main
from analysis.tables.paper_tables import differences_to_paper, state_of_the_art
from analysis.text import M0_MARK
from tests.analysis.study_folders import StudyFolder, paper_like, point, settings


def test_the_papers_rows_stand_beside_ours(tmp_path: Path) -> None:
    paper_like(tmp_path / "s")
    ((grid, trace),) = state_of_the_art(load_study(tmp_path / "s"))
    texts = {row[0].text: [cell.text for cell in row[1:]] for row in grid.rows}
    assert texts["BaS-Net"] == ["44.6", "36", "27", "18.6", "10.4"]
    assert texts["Ours, refined (η = 3)"][0] == "50.00"
    assert "Table 4b of the paper" in grid.caption
    assert set(trace["row"]) == {"Ours (η = 0)", "Ours, refined (η = 3)"}


def test_m0_keeps_its_row_where_refinement_never_helped(tmp_path: Path) -> None:
    StudyFolder(tmp_path / "s").add(point("attention", 1.0), [30, 20])
    ((grid, _),) = state_of_the_art(load_study(tmp_path / "s"))
    assert [row[1].text for row in grid.rows[-2:]] == ["35.00", f"35.00 {M0_MARK}"]


def test_differences_to_the_paper(tmp_path: Path) -> None:
    paper_like(tmp_path / "s")
    found = dict((grid.name, data) for grid, data in differences_to_paper(load_study(tmp_path / "s")))
    assert set(found) == {"paper_6b", "paper_7b", "paper_4b"}
    data = found["paper_6b"]
    (cell,) = data[(data["row"] == "segment_prediction") & (data["column"] == 2)].to_dict("records")
    assert (cell["paper"], cell["ours"]) == (22.6, pytest.approx(39.55))
    assert cell["difference"] == pytest.approx(39.55 - 22.6)
    base = found["paper_7b"].to_dict("records")[0]
    assert (base["paper"], base["ours"]) == (19.45, 25)


def test_a_number_of_m0_is_marked_beside_the_papers_too(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 9])
    made.add(point("segment_prediction", 1.0), [30, 40])
    grid, data = next(table for table in differences_to_paper(load_study(made.folder)) if table[0].name == "paper_6b")
    texts = {row[0].text: [cell.text for cell in row[1:3]] for row in grid.rows}
    assert texts["Attention, ours"] == ["25.00", f"25.00 {M0_MARK}"]
    assert texts["Segment prediction, ours"] == ["25.00", "35.00"]
    assert "refinement never helped" in grid.caption
    assert data[data["is_m0"].eq(True)]["row"].tolist() == ["attention"]


def test_base_models_are_compared_with_their_own_rows(tmp_path: Path) -> None:
    run = {**settings("s")["run"], "model": {"name": "basnet"}}
    StudyFolder(tmp_path / "s", run=run).add(point("segment_prediction", 2.0), [30, 40])
    # And not with the paper's tables of RefineLoc's own base model.
    assert [grid.name for grid, _ in differences_to_paper(load_study(tmp_path / "s"))] == ["paper_5b"]


def test_data_that_the_paper_lacks_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = {**settings("s")["run"], "dataset": {"name": "utkinect", "features": None}}
    StudyFolder(tmp_path / "s", run=run).add(point("attention", 1.0), [30, 40])
    assert main(["--study", str(tmp_path / "s"), "--with-paper"]) == 0
    assert "the paper has no numbers for these data" in capsys.readouterr().err
