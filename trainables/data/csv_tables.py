"""CSV files with a header, read as text; numbers are checked when they are read, and every error names its line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from trainables.errors import UserError
from trainables.text_files import checked_name, finite_number, read_text, seconds

Value = TypeVar("Value")

ALIASES = {"video-id": "video-name", "scores": "score"}  # as ActivityNet's and MMAction2's own tools write them


@dataclass(frozen=True)
class CsvTable:
    """columns: the fields of each column as they stand. lines: the line of the file that each row ends on."""

    source: str
    columns: dict[str, list[str]]
    lines: list[int]

    def names(self, column: str) -> list[str]:
        """Names of videos or classes, none of them empty."""
        return self._values(column, checked_name)

    def numbers(self, column: str) -> npt.NDArray[np.float64]:
        """Finite numbers, float64."""
        return np.array(self._values(column, finite_number), dtype=np.float64)

    def seconds(self, column: str) -> npt.NDArray[np.float64]:
        """Times within a video, float64."""
        return np.array(self._values(column, seconds), dtype=np.float64)

    def require(self, columns: Sequence[str]) -> None:
        """Raise UserError that names the columns which are missing."""
        missing = [column for column in columns if column not in self.columns]
        if missing:
            raise UserError(f"{self.source}: column {', '.join(missing)} is missing; expected {','.join(columns)}")

    def _values(self, column: str, read: Callable[[str], Value]) -> list[Value]:
        values: list[Value] = []
        try:
            values.extend(map(read, self.columns[column]))
        except ValueError as error:
            raise UserError(f"{self.source}, line {self.lines[len(values)]}: {column} {error}") from None
        return values


def read_csv_table(path: Path) -> CsvTable:
    """A whole CSV file. Raises UserError for quotes that stay open, rows that are not as long as the header, and
    columns that occur twice."""
    source = str(path)
    rows = csv.reader(io.StringIO(read_text(path), newline=""), strict=True, skipinitialspace=True)
    fields: list[list[str]] = []
    lines: list[int] = []
    try:
        header = _header(rows, source)
        for row in rows:
            if len(row) == len(header):
                fields.append(row)
                lines.append(rows.line_num)
            elif any(field.strip() for field in row):
                raise UserError(
                    f"{source}, line {rows.line_num}: has {len(row)} fields, the header names {len(header)} columns"
                )
    except csv.Error as error:
        raise UserError(f"{source}, line {rows.line_num}: not valid CSV: {error}") from None
    columns = [list(column) for column in zip(*fields, strict=True)] if fields else [[] for _ in header]
    return CsvTable(source, dict(zip(header, columns, strict=True)), lines)


def read_header(path: Path) -> tuple[str, ...]:
    """The column names of a CSV file; () where it has none that can be read."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return ()
        with path.open("rb") as file:
            line = file.readline(csv.field_size_limit()).decode("utf-8-sig")
        return tuple(_header(csv.reader([line], strict=True, skipinitialspace=True), str(path)))
    except (OSError, ValueError, csv.Error):  # also UserError and UnicodeDecodeError; the reader tells of them
        return ()


def _header(rows: Iterator[list[str]], source: str) -> list[str]:
    header = [ALIASES.get(field.strip(), field.strip()) for field in next(rows, [])]
    if not any(header):
        raise UserError(f"{source}: is empty or its first line is; a CSV begins with its column names")
    repeated = next((column for place, column in enumerate(header) if column and column in header[:place]), None)
    if repeated is not None:
        raise UserError(f"{source}: column {repeated} stands twice; keep one")
    return header
