"""Generator x β and iterations as text."""

from pathlib import Path

from analysis.study import load_study, refined_only
from analysis.tables.generator_tables import generator_grid, iteration_grid
from analysis.tables.grid import M0_MARK
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
    assert to_markdown(grid).count("25.00 |") == 5  # M0 in each row
    assert to_markdown(grid).count(f"25.00 {M0_MARK} |") == 5  # uniformly random labels, which never help
    assert r"\multirow{5}{*}{25.00}" in to_latex(grid)


def test_a_number_of_m0_is_marked_as_such_and_is_never_the_best(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 9, 20])
    made.add(point("segment_prediction", 1.0), [30, 9, 8])
    made.add(point("uniform_random", 1.0), [30, 30.5])
    made.add(point("class_activation", 1.0), [30, 31])
    study = load_study(tmp_path / "s")
    grid, data = generator_grid(study)
    shown = {row[0].text: row[2] for row in grid.rows}
    assert shown["Attention"].text == shown["Segment prediction"].text == f"25.00 {M0_MARK}"
    assert {name for name, cell in shown.items() if cell.bold} == {"Class activation"}
    assert {name for name, cell in shown.items() if cell.underline} == {"Uniform random"}
    assert "refinement never helped" in grid.caption
    assert r"25.00 $^{\mathrm{M0}}$" in to_latex(grid)
    marked = data.dropna(subset="test_map").set_index("generator")["is_m0"].to_dict()
    assert marked == {"M0": False, "attention": True, "segment_prediction": True, "uniform_random": False,
                      "class_activation": False}  # fmt: skip
    chosen = iteration_grid(study)[0]
    assert [row[-1].text for row in chosen.rows if row[0].text == "Attention"] == [f"25.00 {M0_MARK} (0)"]
    assert "refinement never helped" in chosen.caption


def test_a_run_without_refinement_is_not_called_one_that_did_not_help(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    for beta in (1.0, 2.0):
        made.add(point("attention", beta), [30 + beta])
    grid, _ = generator_grid(load_study(tmp_path / "s"))
    assert M0_MARK not in to_markdown(grid)


def test_refined_numbers_alone_show_what_the_labels_did(tmp_path: Path) -> None:
    made = StudyFolder(tmp_path / "s")
    made.add(point("attention", 1.0), [30, 9, 20])
    made.add(point("segment_prediction", 1.0), [30, 40])
    made.add(point("uniform_random", 1.0), [30])
    study = refined_only(load_study(tmp_path / "s"))
    grid, data = generator_grid(study)
    assert {row[0].text: row[2].text for row in grid.rows} == {
        "Attention": "15.00", "Segment prediction": "35.00", "Uniform random": DASH
    }  # fmt: skip
    assert "refined iterations (η ≥ 1) alone" in grid.caption
    assert grid.rows[0][1].text == "25.00"  # M0 itself stays in its column
    assert data.set_index("generator")["iterations"].to_dict()["attention"] == "2"


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
    stopped = "Dashes: the refinement had stopped"
    assert stopped in iteration_grid(study)[0].notes
    made.add(point("segment_prediction", 4.0), [30, 45, 50])
    assert stopped not in iteration_grid(load_study(tmp_path / "s"))[0].notes


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
