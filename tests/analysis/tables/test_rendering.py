"""Tables as files."""

from pathlib import Path

import pandas as pd
import pytest

from analysis.tables.rendering import render, write_tables
from tests.analysis.tables.cells import GRID
from trainables.errors import UserError

DATA = pd.DataFrame({"row": ["a"], "test_map": [1.5]})


def test_every_file_says_how_its_numbers_were_made(tmp_path: Path) -> None:
    write_tables([(GRID._replace(notes=["own"]), DATA)], tmp_path / "out", ["latex", "markdown", "csv"], ["shared"])
    assert (tmp_path / "out" / "small.csv").read_text() == "row,test_map\na,1.5\n"
    assert (tmp_path / "out" / "small.md").read_text().endswith("- own\n- shared\n")
    assert "% own\n% shared\n" in (tmp_path / "out" / "small.tex").read_text()
    assert "shared" not in render((GRID, DATA), "markdown")


def test_a_table_alone_is_told_by_its_own_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tables([(GRID, DATA)], tmp_path, ["latex", "csv"])
    write_tables([(GRID, DATA), (GRID._replace(name="other"), DATA)], tmp_path, ["csv"])
    assert capsys.readouterr().err.splitlines() == [
        f"written to {tmp_path / 'small'} (tex, csv)",
        f"written to {tmp_path} (csv)",
    ]


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="--out"):
        write_tables([(GRID, DATA)], tmp_path / "file" / "x", ["csv"])
