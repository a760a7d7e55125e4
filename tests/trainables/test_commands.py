from __future__ import annotations

import pytest

from trainables.commands import COMMANDS, CONSOLE_VARIABLE, aligned, program, typed


def test_commands_are_told_as_they_were_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CONSOLE_VARIABLE, raising=False)
    assert (typed("launch"), typed("new")) == ("python -m study.launch", "python -m trainables.datasets new")
    assert program("trainables.datasets") == "python -m trainables.datasets"
    monkeypatch.setenv(CONSOLE_VARIABLE, "1")
    assert (typed("launch"), typed("new")) == ("refineloc launch", "refineloc new")


def test_a_module_with_subcommands_adds_them_to_its_program(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("", "1"):
        monkeypatch.setenv(CONSOLE_VARIABLE, value)
        for name, command in COMMANDS.items():
            assert f"{program(command.module)} {command.first}".rstrip() == typed(name)


def test_what_examples_do_stands_in_one_column() -> None:
    assert aligned(("a", "first"), ("abc", "second"), ("longer than all", "")).splitlines() == [
        "  a    first",
        "  abc  second",
        "  longer than all",
    ]
