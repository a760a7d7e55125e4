"""A table as LaTeX."""

import shutil
import subprocess
from pathlib import Path

import pytest

from analysis.tables.__main__ import main
from analysis.tables.grid import Cell
from analysis.tables.latex import escape, to_latex
from tests.analysis.study_folders import paper_like, point
from tests.analysis.tables.cells import GRID

LATEX = r"""% needs: booktabs, multirow
\begin{table}[t]
\centering
\caption{5 \% of a\_b $\pm$ $\beta$}
\vspace{4pt}
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


def test_latex_of_a_small_table() -> None:
    assert to_latex(GRID) == LATEX


def test_wide_tables_span_both_columns() -> None:
    wide = GRID._replace(header=["x", *("123456" for _ in range(12))], rows=[[Cell("x")] * 13])
    assert r"\begin{table*}" in to_latex(wide)


def test_what_latex_would_take_for_commands_is_escaped() -> None:
    assert escape("αA Α Δ Η η é") == r"$\alpha$A A $\Delta$ H $\eta$ é"
    assert escape(r"a\b_{c}^~#$%&") == (r"a\textbackslash{}b\_\{c\}\textasciicircum{}\textasciitilde{}\#\$\%\&")


def test_a_bracket_behind_a_row_and_text_of_several_lines_stay_text() -> None:
    assert escape("[x]\ny | z") == r"{[}x] y \textbar{} z"


def test_notes_are_comments_that_cannot_leave_their_line() -> None:
    text = to_latex(GRID._replace(notes=["first\n\\end{table}"]))
    assert "% first \\end{table}\n" in text


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
