from __future__ import annotations

import pytest

from refineloc.completion import _parser_of
from trainables.command_line import Parser
from trainables.commands import COMMANDS


def told(capsys: pytest.CaptureFixture[str], parser: Parser, *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(words)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_tells_an_unknown_option_in_one_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = _parser_of(COMMANDS[name])
    assert isinstance(parser, Parser)
    assert told(capsys, parser, "--no-such-option") == (
        f"error: --no-such-option: unknown option. '{parser.prog} --help' lists all."
    )


@pytest.fixture
def parser() -> Parser:
    made = Parser(prog="measure")
    made.add_argument("--study", required=True)
    made.add_argument("--columns", type=int, choices=(1, 2))
    made.add_argument("--rerun", nargs=2, metavar=("NAME", "TRIAL"))
    return made


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "--study: required, but not given. 'measure --help' tells more."),
        (["--study", "a", "--rerun", "b"], "--rerun: expected 2 arguments: NAME TRIAL"),
        (["--studi", "a"], "--studi: unknown option. Did you mean '--study'?"),
        (["--stud=a"], "--stud: unknown option. Did you mean '--study'?"),
        (["--study", "a", "b"], "'b' belongs to no option. 'measure --help' lists all."),
        (["--study", "a", "--columns", "3"], "--columns: invalid choice: 3 (choose from 1, 2)"),
    ],
)
def test_a_wrong_line_names_what_is_wrong(
    parser: Parser, words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys, parser, *words) == f"error: {line}"


def test_a_subcommand_names_its_own_options(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser(prog="caches")
    parser.add_subparsers(required=True).add_parser("prune").add_argument("--dry-run", action="store_true")
    assert told(capsys, parser, "prune", "--dryrun") == "error: --dryrun: unknown option. Did you mean '--dry-run'?"
