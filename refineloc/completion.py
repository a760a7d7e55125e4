"""``refineloc completion bash|zsh``: a script that completes commands, options and names.

A shell that has read it starts no Python at a Tab: the names of data sets, named studies and settings stand in it,
those of studies on the disk it looks up.
"""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from trainables.commands import COMMANDS, Command
from trainables.errors import UserError

SHELLS = ("bash", "zsh")
# Where a command's parser is made, if not in its module.
PARSERS = {
    "study.launch": "study.cli.arguments",
    **{f"analysis.{name}": f"analysis.{name}.__main__" for name in ("tables", "figures", "report", "diagnosis")},
    **{f"trainables.{name}": f"trainables.{name}.__main__" for name in ("evaluation", "datasets")},
    "trainables.videos": "trainables.videos.command",
    "study.config": "study.config.__main__",
}
USAGE = """\
usage: refineloc completion bash|zsh     (prints a script; needs the extra 'completion')

  refineloc completion bash > ~/.local/share/bash-completion/completions/refineloc
  refineloc completion zsh > ~/.zfunc/_refineloc    (with fpath+=~/.zfunc before compinit in ~/.zshrc)

A new shell completes. Write it anew after an update of the package."""

# Functions of the scripts below, by option; $1 is the word that is being completed. shtab completes file names in
# full where the function's name says so.
DATASETS, NAMED, SAVED = "_refineloc_dataset_files", "_refineloc_study_files", "_refineloc_studies_dir"
SETTINGS, KEYS = "_refineloc_settings", "_refineloc_keys"
BASH = """\
{datasets_function}() {{
  compgen -W "{datasets}" -- "$1"
  compgen -f -X '!*.y?(a)ml' -- "$1"
  compgen -d -- "$1"
}}
{named_function}() {{
  compgen -W "{studies}" -- "$1"
  compgen -f -X '!*.y?(a)ml' -- "$1"
  compgen -d -- "$1"
}}
{saved_function}() {{
  local folder=studies word previous=
  for word in "${{COMP_WORDS[@]}}"; do
    [[ $previous == --study-dir ]] && folder=$word
    previous=$word
  done
  compgen -W "$(for study in "$folder"/*/study.json; do
    [[ -e $study ]] && basename "$(dirname "$study")"
  done)" -- "$1"
  compgen -d -- "$1"
}}
{settings_function}() {{
  compgen -W "{settings}" -- "$1"
}}
{keys_function}() {{
  compgen -W "{keys}" -- "$1"
}}
"""
# A setting goes on with its value: no blank after its '='.
BASH_END = """
_refineloc() {
  shopt -q extglob && local extglob=1
  shopt -s extglob
  _shtab_refineloc "$@"
  [[ -z ${extglob-} ]] && shopt -u extglob
  [[ ${#COMPREPLY[@]} = 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -o bashdefault -F _refineloc refineloc
"""
ZSH = """\
{datasets_function}() {{
  _alternative 'names:data set:({datasets})' 'files:file:_files -g "*.y(a|)ml"'
}}
{named_function}() {{
  _alternative 'names:study:({studies})' 'files:file:_files -g "*.y(a|)ml"'
}}
{saved_function}() {{
  local folder=studies
  (( ${{words[(I)--study-dir]}} )) && folder=${{words[${{words[(I)--study-dir]}} + 1]}}
  local -a saved=($folder/*/study.json(N:h:t))
  _alternative 'names:study:($saved)' 'folders:folder:_files -/'
}}
{settings_function}() {{
  compadd -S '' -- {settings}
}}
{keys_function}() {{
  compadd -- {keys}
}}
"""


def script(shell: str) -> str:
    """The script for a shell; raises UserError where shtab is missing."""
    try:
        import shtab
    except ImportError:
        raise UserError(
            "refineloc completion: needs shtab; pip install 'refineloc-study[completion]', or pip install shtab"
        ) from None
    text: str = shtab.complete(_whole_parser(), shell=shell, preamble=_functions(shell))
    return text + (BASH_END if shell == "bash" else "")


def _functions(shell: str) -> str:
    from study.config import studies
    from trainables.config import datasets, field_keys

    keys = field_keys()
    names = {"datasets": datasets(), "studies": studies(), "settings": [f"{key}=" for key in keys], "keys": keys}
    functions = {"datasets": DATASETS, "named": NAMED, "saved": SAVED, "settings": SETTINGS, "keys": KEYS}
    return (BASH if shell == "bash" else ZSH).format(
        **{name: " ".join(words) for name, words in names.items()},
        **{f"{name}_function": function for name, function in functions.items()},
    )


def _whole_parser() -> argparse.ArgumentParser:
    """Of all commands, each option with what completes it."""
    whole = argparse.ArgumentParser(prog="refineloc")
    commands = whole.add_subparsers()
    for name, command in COMMANDS.items():
        own = _parser_of(command)
        for action in own._actions:
            _prepare(action, name)
        # argparse has no public way to make a parser that exists a subcommand of another.
        commands.add_parser(name, help=command.does, parents=[own], add_help=False)
    commands.add_parser("completion", help="a script for the shell").add_argument("shell", choices=SHELLS)
    return whole


def _parser_of(command: Command) -> argparse.ArgumentParser:
    module = importlib.import_module(PARSERS.get(command.module, command.module))
    make: Callable[[], argparse.ArgumentParser] = module.command_parser
    made = make()
    if not command.first:
        return made
    (several,) = (action for action in made._actions if isinstance(action, argparse._SubParsersAction))
    chosen: argparse.ArgumentParser = several.choices[command.first]
    return chosen


def _prepare(action: argparse.Action, command: str) -> None:
    """Say what completes the values of an option, and leave nothing in its name that zsh would take for syntax."""
    import shtab

    of_names = next((function for options, function in _completers(command) if _name(action) in options), None)
    if of_names:
        action.complete = dict.fromkeys(SHELLS, of_names)  # type: ignore[attr-defined]
    elif action.type is Path:
        action.complete = shtab.DIRECTORY if action.metavar == "DIR" else shtab.FILE  # type: ignore[attr-defined]
    if action.metavar is not None:
        metavar = action.metavar if isinstance(action.metavar, str) else " ".join(action.metavar)
        action.metavar = re.sub(r"[^\w-]+", " ", metavar).strip()


def _completers(command: str) -> Iterator[tuple[tuple[str, ...], str]]:
    yield ("--dataset",), DATASETS
    yield ("--set",), SETTINGS
    yield ("--resume", "--from", "--rerun"), SAVED
    yield ("word",), KEYS
    yield ("name",), SAVED
    yield ("--study",), NAMED if command in ("launch", "config") else SAVED


def _name(action: argparse.Action) -> Any:
    return next((option for option in action.option_strings if option.startswith("--")), action.dest)
