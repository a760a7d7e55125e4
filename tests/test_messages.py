"""The messages that docs/troubleshooting.md quotes are messages of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import PACKAGES, ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
HOLE = "…"  # stands for names and numbers


def quoted(page: str) -> list[str]:
    """What stands as code in the first column of the tables that quote messages."""
    parts = re.split(r"^\| message \|.*$", page, flags=re.MULTILINE)[1:]
    rows = [row for part in parts for row in part.split("\n\n")[0].splitlines() if row.startswith("| `")]
    return [text for row in rows for text in re.findall(r"`([^`]+)`", row.split(" | ")[0])]


def texts(path: Path) -> Iterator[str]:
    """Every string of a module, with a hole for each value that is put into it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.fixture(scope="module")
def said() -> list[str]:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return [text for path in files for text in texts(path)]


@pytest.mark.parametrize("message", quoted(PAGE))
def test_a_quoted_message_is_one_of_the_code(message: str, said: list[str]) -> None:
    pattern = re.compile(".*".join(re.escape(part.strip()) for part in message.split(HOLE)), re.DOTALL)
    assert any(pattern.search(text) for text in said), f"docs/troubleshooting.md quotes {message!r}"


def test_every_table_of_messages_is_read() -> None:
    assert PAGE.count("| message |") >= 8
    assert len(quoted(PAGE)) > 100
