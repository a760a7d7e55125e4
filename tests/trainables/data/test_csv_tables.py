"""CSV files: what a table holds, and that no row is shifted or cut in silence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trainables.data.csv_tables import read_csv_table, read_header
from trainables.errors import UserError


def written(folder: Path, text: str) -> Path:
    path = folder / "t.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_quotes_order_and_an_index_column_do_not_matter(tmp_path: Path) -> None:
    table = read_csv_table(written(tmp_path, '\ufeff,"t-end", "video-id"\r\n0,2.5,"a,b"\r\n\r\n1, 3,c\r\n'))
    assert table.names("video-name") == ["a,b", "c"]
    assert table.numbers("t-end").tolist() == [2.5, 3.0]
    assert table.lines == [2, 4]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"t\.csv: is empty"),
        ("\na,b\n", r"t\.csv: is empty or its first line is"),
        ("a,b,a\n", r"t\.csv: column a stands twice"),
        ("score,scores\n", r"t\.csv: column score stands twice"),
        ("a,b\n1,2\n3\n", r"t\.csv, line 3: has 1 fields, the header names 2"),
        ("a,b\n1,2,3\n", r"t\.csv, line 2: has 3 fields, the header names 2"),
        ('a,b\n1,"2\n', r"t\.csv, line 2: not valid CSV: unexpected end of data"),
        ("a,b\n1," + "2" * 200_000 + "\n", r"t\.csv, line 2: not valid CSV: field larger than"),
    ],
)
def test_what_is_no_table_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_csv_table(written(tmp_path, text))


def test_a_fault_in_a_field_has_its_line_and_column(tmp_path: Path) -> None:
    table = read_csv_table(written(tmp_path, "a,b\n1,x\n\n1_0,\n"))
    with pytest.raises(UserError, match=r"t\.csv, line 4: a must be a number, got '1_0'"):
        table.numbers("a")
    with pytest.raises(UserError, match=r"t\.csv, line 4: b must be a name, got ''"):
        table.names("b")
    with pytest.raises(UserError, match="column c is missing; expected a,c"):
        table.require(["a", "c"])


def test_the_header_alone_is_read_of_any_file(tmp_path: Path) -> None:
    assert read_header(written(tmp_path, '"a", b\nx')) == ("a", "b")
    (tmp_path / "t.csv").write_bytes(b"\xff\x00")
    assert read_header(tmp_path / "t.csv") == ()
    assert read_header(tmp_path) == ()
    os.mkfifo(tmp_path / "pipe.csv")
    assert read_header(tmp_path / "pipe.csv") == ()
