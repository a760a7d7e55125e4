"""The command ``refineloc COMMAND``: the same as ``python -m`` of the module that does it."""

from __future__ import annotations

import os
import runpy
import sys
from importlib import metadata

from trainables.commands import COMMANDS, CONSOLE_VARIABLE
from trainables.errors import UserError, nearest
from trainables.output import print_error, run_command

EXAMPLES = """examples:
  refineloc launch --dataset thumos14 --num-samples 64
  refineloc status NAME
  refineloc tables --study NAME
  refineloc check --dataset my-set/dataset.yaml"""


def main() -> None:
    """Run the command of this process's arguments and exit with its status."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name not in COMMANDS:
        run_command(lambda: _completion(arguments) if name == "completion" else _without_command(name))
    command = COMMANDS[name]
    os.environ[CONSOLE_VARIABLE] = "1"
    sys.argv[1:] = [*([command.first] if command.first else []), *arguments]
    runpy.run_module(command.module, run_name="__main__", alter_sys=True)


def _completion(arguments: list[str]) -> int:
    from refineloc.completion import SHELLS, USAGE, script

    if arguments in ([], ["-h"], ["--help"]):
        print(USAGE)
        return 0
    if len(arguments) > 1 or arguments[0] not in SHELLS:
        return print_error(f"refineloc completion: one of {', '.join(SHELLS)}, got '{' '.join(arguments)}'")
    os.environ[CONSOLE_VARIABLE] = "1"  # completion is for those who type `refineloc`, so help texts name it
    try:
        print(script(arguments[0]))
    except UserError as error:
        return print_error(error)
    return 0


def _without_command(word: str) -> int:
    if word in ("-h", "--help"):
        print(_help())
        return 0
    if word == "--version":
        print(f"refineloc {metadata.version('refineloc-study')}")
        return 0
    of_module = [name for name, command in COMMANDS.items() if command.module.endswith(f".{word}")]
    meant = (
        f"Did you mean {' or '.join(map(repr, of_module))}?" if of_module else nearest(word, [*COMMANDS, "completion"])
    )
    return print_error(f"refineloc: no command '{word}'. {meant} 'refineloc --help' tells all.")


def _help() -> str:
    lines = [f"  {name:<11}{command.does}" for name, command in COMMANDS.items()]
    lines.append(f"  {'completion':<11}a script that completes commands and names in bash or zsh")
    usage = "usage: refineloc COMMAND ...   (refineloc COMMAND --help tells its options)"
    return "\n".join([usage, "", "commands:", *lines, "", EXAMPLES])
