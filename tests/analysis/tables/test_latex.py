"""A table as LaTeX."""

import shutil
import subprocess
from pathlib import Path

import pytest

from analysis.tables.__main__ import main
from analysis.tables.grid import Cell
from analysis.tables.latex import escape, to_latex
from analysis.text import M0_MARK
from tests.analysis.study_folders import StudyFolder, paper_like, point
from tests.analysis.tables.cells import GRID

LATEX = r"""% needs: booktabs, multirow
\begin{table}[t]
\centering
\caption{5 \% of a\_b $\pm$ $\beta$}
\addvspace{5pt}
\label{tab:demo-small}
\setlength{\tabcolsep}{6pt}
\begin{tabular}{@{}lrr@{}}
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


def test_latex_of_a_small_table() -> None:
    assert to_latex(GRID) == LATEX


def test_wide_tables_span_both_columns() -> None:
    wide = GRID._replace(header=["x", *("123456" for _ in range(12))], rows=[[Cell("x")] * 13])
    assert r"\begin{table*}" in to_latex(wide)


def test_what_does_not_fit_as_it_is_spans_both_columns_only_where_that_is_wanted() -> None:
    long = GRID._replace(header=["x", *("two words" for _ in range(5))], rows=[[Cell("x"), *[Cell("12.34")] * 5]])
    assert r"\begin{table}" in to_latex(long, columns=1)
    assert r"\begin{table*}" in to_latex(long, columns=2)


def test_column_names_and_the_first_column_take_several_lines() -> None:
    names = GRID._replace(header=["x", *("two longer words" for _ in range(4))], rows=[[Cell("x"), *[Cell("1")] * 4]])
    assert r"\begin{tabular}[b]{@{}r@{}}two\\[-2pt]longer\\[-2pt]words\end{tabular}" in to_latex(names)
    words = GRID._replace(spanner="", rows=[[Cell("many words " * 7), *[Cell("12.34 ± 1.00")] * 2]])
    assert "\n\\raggedright many words" in to_latex(words)
    assert r"\begin{tabular}{@{}p{" in to_latex(words)


def test_deviations_move_below_their_means_where_there_is_no_room_beside_them() -> None:
    cells = [Cell("A"), Cell("12.34 ± 1.06", bold=True), *[Cell(f"12.34 ± 1.06 {M0_MARK}")] * 5]
    many = GRID._replace(spanner="", header=["a longer name", *"abcdef"], rows=[cells])
    text = to_latex(many)
    assert r"\begin{tabular}[t]{@{}r@{}}\textbf{12.34}\\[-2pt]\scriptsize$\pm$1.1\end{tabular}" in text
    assert r"12.34\\[-2pt]\scriptsize$\pm$1.1$^{\mathrm{M0}}$" in text


def test_numbers_without_a_mark_keep_its_place() -> None:
    column = [[Cell("A"), Cell(f"1.00 {M0_MARK}")], [Cell("B"), Cell("2.00")], [Cell("C"), Cell()]]
    text = to_latex(GRID._replace(spanner="", header=["x", "y"], rows=column))
    assert r"B & 2.00\phantom{~$^{\mathrm{M0}}$} \\" in text
    assert r"C & -- \\" in text


def test_lists_of_numbers_are_no_marks_to_keep_a_place_for() -> None:
    column = [[Cell("A"), Cell("1, 2, 2")], [Cell("B"), Cell("1")]]
    text = to_latex(GRID._replace(spanner="", header=["x", "η"], rows=column))
    assert r"B & 1 \\" in text


def test_letters_that_pdftex_lacks_are_named_in_the_first_line() -> None:
    assert to_latex(GRID).startswith("% needs: booktabs, multirow\n")
    other = to_latex(GRID._replace(caption="Größe “x” – 数据 ≤ ∞, αA 数"))
    assert other.startswith("% needs: booktabs, multirow; XeLaTeX or LuaLaTeX with a font for 数据\n")


def test_columns_of_words_line_up_by_their_beginnings() -> None:
    text = to_latex(GRID._replace(spanner="", header=["x", "y", "z"], rows=[[Cell("A"), Cell("word"), Cell("1")]]))
    assert r"\begin{tabular}{@{}llr@{}}" in text


def test_what_latex_would_take_for_commands_is_escaped() -> None:
    assert escape("αA Α Δ Η η é") == r"$\alpha_A$ A $\Delta$ H $\eta$ é"
    assert escape("\N{MINUS SIGN}1 ᴹ⁰") == r"$-$1 $^{\mathrm{M0}}$"
    assert escape(r"a\b_{c}^~#$%&") == (r"a\textbackslash{}b\_\{c\}\textasciicircum{}\textasciitilde{}\#\$\%\&")


def test_a_bracket_or_star_behind_a_row_and_text_of_several_lines_stay_text() -> None:
    assert escape("[x]\ny | z") == r"{[}x] y \textbar{} z"
    assert escape("*x") == "{*}x"


def test_notes_are_comments_that_cannot_leave_their_line() -> None:
    text = to_latex(GRID._replace(notes=["first\n\\end{table}"]))
    assert "% first \\end{table}\n" in text


def missing_latex() -> str | None:
    """Why tables cannot be compiled here, None when they can."""
    if shutil.which("pdflatex") is None:
        return "pdflatex is not installed"
    found = subprocess.run(
        ["kpsewhich", "booktabs.sty", "multirow.sty", "geometry.sty"], check=False, stdout=subprocess.DEVNULL
    )
    return "the LaTeX packages booktabs, multirow and geometry are not installed" if found.returncode else None


@pytest.mark.skipif(missing_latex() is not None, reason=str(missing_latex()))
def test_every_table_compiles(tmp_path: Path) -> None:
    about = {"name": "thumos14", "title": "A & B_50% #1 {x} ~^\\", "simulated": True, "notes": ["α < β, ≈ † – ×"]}
    made = paper_like(tmp_path / "s", seeds=3, dataset=about)
    made.add(point("oracle", 1.0), [30, 60])
    StudyFolder(tmp_path / "a%b#c_d}").add(point("attention", 1.0), [30, 60])
    together = ["--study", str(made.folder), "--study", str(tmp_path / "a%b#c_d}"), "--out", str(tmp_path)]
    assert main([*together, "--format", "latex"]) == 0
    assert main(["--study", str(made.folder), "--with-paper", "--format", "latex", "--out", str(tmp_path)]) == 0
    tables = sorted(path.name for path in tmp_path.glob("*.tex"))
    assert "paper_6b.tex" in tables
    narrow = r"\usepackage[paperwidth=8.5in,textwidth=6.875in,columnsep=0.375in]{geometry}"  # columns of 3.25 in
    document = "\n".join(
        [r"\documentclass[twocolumn]{article}", narrow, r"\usepackage{booktabs,multirow}", r"\begin{document}",
         *(rf"\input{{{name}}}" for name in tables), r"\end{document}"]
    )  # fmt: skip
    (tmp_path / "paper.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 10_000
    assert "Overfull" not in done.stdout
    assert r"\begin{table}" in (tmp_path / "generator_beta.tex").read_text()
