"""Generator x β and iterations as text."""

from pathlib import Path

from analysis.study import load_study
from analysis.tables.generator_tables import generator_grid, iteration_grid
from analysis.tables.latex import to_latex
from analysis.tables.markdown import to_markdown
from analysis.text import DASH
from tests.analysis.study_folders import StudyFolder, paper_like, point


def test_the_oracle_is_never_a_best(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for generator, top in (("oracle", 90), ("attention", 40), ("segment_prediction", 50)):
        made.add(point(generator, 1.0), [30, top])
    grid, _ = generator_grid(load_study(tmp_path / "s"))
    assert [row[0].text for row in grid.rows] == ["Attention", "Segment prediction", "Oracle (upper bound)"]
    assert [row[2].bold for row in grid.rows] == [False, True, False]
    assert [row[2].underline for row in grid.rows] == [True, False, False]


def test_base_model_spans_its_rows(tmp_path: Path) -> None:
    paper_like(tmp_path / "s")
    grid, _ = generator_grid(load_study(tmp_path / "s"))
    assert grid.rows[0][1].text == "25.00"
    assert [row[1].covered for row in grid.rows] == [False, True, True, True, True]
    assert to_markdown(grid).count("25.00 |") == 5 + 5  # M0 in each row, and uniformly random labels
    assert r"\multirow{5}{*}{25.00}" in to_latex(grid)


def test_cells_without_a_trial_are_dashes(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40, 35])
    made.add(point("segment_prediction", 2.0), [30, 40])
    study = load_study(tmp_path / "s")
    assert [[cell.text for cell in row[2:]] for row in generator_grid(study)[0].rows] == [
        ["35.00", DASH],
        [DASH, "35.00"],
    ]
    assert [cell.text for cell in iteration_grid(study)[0].rows[1][1:]] == ["25.00", "35.00", DASH, "35.00 (1)"]


def test_every_cell_can_be_traced(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 40], 0)
    made.add(point("attention", 1.0), [31, 42], 1)
    _, trace = generator_grid(load_study(tmp_path / "s"))
    base, cell = trace.to_dict("records")
    assert (base["generator"], base["beta"], base["ledger_lines"], base["configuration"]) == ("M0", 0, "4 9", "")
    assert (cell["trials"], cell["seeds"], cell["iterations"], cell["num_seeds"]) == ("0 1", "0 1", "1 1", 2)
    assert cell["ledger_lines"] == "2 3 4 5 6 7 8 9 10 11"
    _, trace = iteration_grid(load_study(tmp_path / "s"))
    assert trace["ledger_lines"].tolist() == ["4 9", "5 10", "2 3 4 5 6 7 8 9 10 11"]
