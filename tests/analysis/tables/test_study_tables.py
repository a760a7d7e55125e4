"""Tables as text, and the command."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.results.statistics import Summary
from analysis.study import load_study
from analysis.tables.grid import DASH, SIMILAR, Cell, Grid, mark_remarks, marked, number_text, to_markdown
from analysis.tables.latex import escape, to_latex
from analysis.tables.study_tables import generator_grid, iteration_grid, main
from tests.analysis.study_folders import StudyFolder, paper_like, point, settings


def summary(mean: float, n: int = 1, std: float = float("nan")) -> Summary:
    return Summary(mean, std, n, (0,), (0,), (0,), (1,))


GRID = Grid(
    "small", "demo-small", "5 % of a_b ± β", "β",
    ["Pseudo labels", "0", "1"],
    [
        [Cell("A & B"), Cell("9.66"), Cell("12.30", bold=True, underline=True)],
        [Cell("C"), Cell("9.66", covered=True), Cell()],
    ],
)  # fmt: skip

LATEX = r"""% needs: booktabs, multirow
\begin{table}[t]
\centering
\caption{5 \% of a\_b $\pm$ $\beta$}
\label{tab:demo-small}
\begin{tabular}{lrr}
\toprule
 & \multicolumn{2}{c}{$\beta$} \\
\cmidrule(lr){2-3}
Pseudo labels & 0 & 1 \\
\midrule
A \& B & \multirow{2}{*}{9.66} & \underline{\textbf{12.30}} \\
C &  & -- \\
\bottomrule
\end{tabular}
\end{table}
"""

MARKDOWN = f"""5 % of a_b ± β

| Pseudo labels   |   β = 0 |                1 |
|:----------------|--------:|-----------------:|
| A & B           |    9.66 | <u>**12.30**</u> |
| C               |    9.66 |                {DASH} |
"""


def test_latex_of_a_small_table() -> None:
    assert to_latex(GRID) == LATEX


def test_markdown_of_a_small_table() -> None:
    assert to_markdown(GRID) == MARKDOWN


def test_wide_tables_span_both_columns() -> None:
    wide = GRID._replace(header=["x", *("123456" for _ in range(12))], rows=[[Cell("x")] * 13])
    assert r"\begin{table*}" in to_latex(wide)


def test_what_latex_would_take_for_commands_is_escaped() -> None:
    assert escape("αA Α Δ Η η é") == r"$\alpha$A A $\Delta$ H $\eta$ é"
    assert escape(r"a\b_{c}^~#$%&") == (r"a\textbackslash{}b\_\{c\}\textasciicircum{}\textasciitilde{}\#\$\%\&")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, DASH),
        (summary(12.3), "12.30 (n=1)"),
        (summary(12.345, 3, 0.5), "12.35 ± 0.50"),
        (summary(12.3, 2, 0.5), "12.30 ± 0.50 (n=2)"),
    ],
)
def test_numbers_say_their_spread_and_a_smaller_count(value: Summary | None, text: str) -> None:
    assert number_text(value, 3) == text


def test_the_papers_marks_best_of_each_column_bold_and_best_of_all_underlined_with_ties() -> None:
    rows: list[list[Summary | None]] = [
        [summary(1.0), summary(2.0), summary(3.004)],
        [summary(1.0), summary(3.001), summary(2.0)],
        [None, None, summary(2.5)],
        [summary(9.0), summary(9.0), summary(9.0)],  # takes no part
    ]
    cells = marked(rows, [True, True, True, False], [1] * 4, "paper")
    assert [[cell.bold for cell in row] for row in cells] == [
        [False, False, True], [False, True, False], [False] * 3, [False] * 3
    ]  # fmt: skip
    assert [[cell.underline for cell in row] for row in cells] == [
        [False, False, True], [False, True, False], [False] * 3, [False] * 3
    ]  # fmt: skip
    assert [cell.text for cell in cells[2]] == [DASH, DASH, "2.50"]


def seeded(*values: float, seeds: tuple[int, ...] = (0, 1, 2)) -> Summary:
    mean = sum(values) / len(values)
    return Summary(mean, 1.0, len(values), (0,), seeds[: len(values)], (0,), (1,), values)


def test_best_is_bold_and_second_underlined_with_ties() -> None:
    rows: list[list[Summary | None]] = [[summary(1.0)], [summary(3.0)], [summary(2.0)], [summary(2.001)], [None]]
    cells = [row[0] for row in marked(rows, [True] * 5, [1] * 5)]
    assert [cell.bold for cell in cells] == [False, True, False, False, False]
    assert [cell.underline for cell in cells] == [False, False, True, True, False]
    assert mark_remarks([cells]) == []


def test_a_best_that_the_seeds_do_not_support_is_not_bold() -> None:
    best, close, far = seeded(50, 40, 45), seeded(49, 41, 44), seeded(30, 20, 25)
    cells = [row[0] for row in marked([[best], [close], [far]], [True] * 3, [3] * 3)]
    assert [SIMILAR in cell.text for cell in cells] == [True, True, False]
    assert not any(cell.bold or cell.underline for cell in cells)
    assert "paired bootstrap" in mark_remarks([cells])[0]


def test_pairing_by_seed_tells_apart_what_spreads_alike() -> None:
    """Seeds move both by 10 points, their difference never changes sign."""
    best, second = seeded(50, 40, 45), seeded(49, 39.5, 44)
    cells = [row[0] for row in marked([[best], [second]], [True] * 2, [3] * 2)]
    assert (cells[0].bold, cells[1].underline) == (True, True)


def test_a_single_lucky_run_among_seeds_is_not_bold() -> None:
    cells = [row[0] for row in marked([[seeded(60)], [seeded(50, 51, 52)]], [True] * 2, [3] * 2)]
    assert all(SIMILAR in cell.text for cell in cells)


def test_rows_that_all_take_no_part_have_no_marks() -> None:
    assert marked([[summary(1.0), None]], [False], [1]) == [[Cell("1.00"), Cell()]]


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


def test_the_caption_says_all_that_a_number_rests_on(tmp_path: Path) -> None:
    made = paper_like(tmp_path / "s", seeds=2)
    made.add(point("attention", 1.0), [], state="failed", reason="no")
    text = generator_grid(load_study(tmp_path / "s"))[0].caption
    for fact in ("THUMOS14 (I3D)", "mAP@0.5 in %", "released", "60 videos with 150 instances",
                 "chosen on held-out training videos", "51 trials (50 completed, 1 failed)",
                 "2 seeds (mean ± standard deviation)"):  # fmt: skip
        assert fact in text
    assert "†" not in text
    assert "simulated" not in text


def test_numbers_chosen_on_the_test_split_are_marked(tmp_path: Path) -> None:
    StudyFolder(tmp_path / "s").add(point("attention", 1.0), [30, 40], split="test")
    grid, trace = generator_grid(load_study(tmp_path / "s"))
    assert "mAP@0.5†" in grid.caption
    assert "†Epoch, iteration and configuration were chosen on the test split itself" in grid.caption
    assert set(trace["chosen_on"]) == {"test"}


def test_a_model_that_takes_its_last_epoch_has_none_chosen(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "s")
    contents = json.loads((folder.folder / "study.json").read_text())
    contents["run"]["training"] = {"choice": "last"}
    (folder.folder / "study.json").write_text(json.dumps(contents))
    folder.add(point("attention", 1.0), [30, 40], split="test")
    caption = generator_grid(load_study(tmp_path / "s"))[0].caption
    assert "†Iteration and configuration were chosen on the test split itself" in caption


def test_simulated_data_and_notes_are_told(tmp_path: Path) -> None:
    about = {"name": "simulated", "title": "Drawn data", "simulated": True, "notes": ["Timelines are composed"]}
    StudyFolder(tmp_path / "s", dataset=about).add(point("attention", 1.0), [30, 40])
    text = generator_grid(load_study(tmp_path / "s"))[0].caption
    assert "Drawn data (I3D) (simulated)" in text
    assert "The data are simulated." in text
    assert text.endswith("Timelines are composed.")


def test_average_map_is_called_so(tmp_path: Path) -> None:
    run = settings("s")["run"]
    run["evaluation"]["selection_tiou"] = [0.5 + 0.05 * i for i in range(10)]
    StudyFolder(tmp_path / "s", run=run).add(point("attention", 1.0), [30, 40])
    assert "average mAP (0.5:0.05:0.95) in %" in generator_grid(load_study(tmp_path / "s"))[0].caption


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


def test_command_writes_all_formats_and_prints_markdown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paper_like(tmp_path / "s")
    assert main(["--study", "s", "--study-dir", str(tmp_path)]) == 0
    written = sorted(path.name for path in (tmp_path / "s" / "tables").iterdir())
    names = ("by_beta", "by_generator", "generator_beta", "iterations", "refinement", "state_of_the_art", "states",
             "top_configurations")  # fmt: skip
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
        "analysis.tables.study_tables",
        "analysis.figures.study_figures",
        "analysis.report.report",
        "analysis.diagnosis.__main__",
    ],
)
def test_importing_loads_neither_torch_nor_ray(module: str) -> None:
    program = f"import sys, {module}; sys.exit(bool({{'torch', 'ray', 'optuna'}} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", program], check=True)


def missing_latex() -> str | None:
    """Why tables cannot be compiled here, None when they can."""
    if shutil.which("pdflatex") is None:
        return "pdflatex is not installed"
    found = subprocess.run(["kpsewhich", "booktabs.sty", "multirow.sty"], check=False, stdout=subprocess.DEVNULL)
    return "the LaTeX packages booktabs and multirow are not installed" if found.returncode else None


@pytest.mark.skipif(missing_latex() is not None, reason=str(missing_latex()))
def test_every_table_compiles(tmp_path: Path) -> None:
    about = {"name": "thumos14", "title": "A & B_50% #1 {x} ~^\\", "simulated": True, "notes": ["α < β, ≈ † – ×"]}
    made = paper_like(tmp_path / "s", seeds=3, dataset=about)
    made.add(point("oracle", 1.0), [30, 60])
    assert main(["--study", str(made.folder), "--with-paper", "--format", "latex", "--out", str(tmp_path)]) == 0
    tables = sorted(path.name for path in tmp_path.glob("*.tex"))
    assert "paper_6b.tex" in tables
    document = "\n".join(
        [r"\documentclass[twocolumn]{article}", r"\usepackage{booktabs,multirow}", r"\begin{document}",
         *(rf"\input{{{name}}}" for name in tables), r"\end{document}"]
    )  # fmt: skip
    (tmp_path / "paper.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 10_000
