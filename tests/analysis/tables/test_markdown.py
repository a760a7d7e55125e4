"""A table as Markdown."""

import pytest

from analysis.tables.grid import Cell
from analysis.tables.markdown import escape, to_markdown
from analysis.text import DASH
from tests.analysis.tables.cells import GRID

MARKDOWN = f"""5 % of a_b ± β

| Pseudo labels   |   β = 0 |                1 |
|:----------------|--------:|-----------------:|
| A & B           |    9.66 | <u>**12.30**</u> |
| C               |    9.66 |                {DASH} |
"""


def test_markdown_of_a_small_table() -> None:
    assert to_markdown(GRID) == MARKDOWN


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", r"a\|b"), ("<b>x</b>", "&lt;b&gt;x&lt;/b&gt;"), ("&lt;", "&amp;lt;"), ("A & B", "A & B"),
        ("$a$ b", r"\$a\$ b"), ("snake_case", "snake_case"), ("_x_", r"\_x\_"), ("**x**", r"\*\*x\*\*"),
        ("[a](b)", r"\[a\](b)"), ("two\nlines", "two lines"), ("back\\slash", r"back\\slash"),
    ],
)  # fmt: skip
def test_text_is_shown_as_it_is_written(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_cells_headers_and_captions_are_escaped_and_notes_follow() -> None:
    grid = GRID._replace(caption="a <b>", header=["x|y", "0", "1"], rows=[[Cell("p|q"), Cell("1"), Cell("2")]],
                         notes=["n <i>"])  # fmt: skip
    text = to_markdown(grid)
    assert "a &lt;b&gt;" in text
    assert r"| x\|y" in text
    assert r"| p\|q" in text
    assert text.endswith("\n- n &lt;i&gt;\n")
