"""The commands, and how a user types them: ``refineloc launch`` in a process that came in through the console command,
``python -m study.launch`` in any other. All that tells a user what to type asks here."""

from __future__ import annotations

import os
from typing import NamedTuple

# Set by the console command; what it starts (Ray's workers, a job on a cluster) inherits it.
CONSOLE_VARIABLE = "REFINELOC_CONSOLE"


class Command(NamedTuple):
    """module: that does it, with ``first`` before the user's arguments. does: in a few words."""

    module: str
    first: str
    does: str


COMMANDS = {
    "launch": Command("study.launch", "", "start or resume a study"),
    "config": Command("study.config", "", "the resolved configuration, with where each value is from"),
    "status": Command("study.status", "", "say where a study stands"),
    "caches": Command("study.caches", "", "list or remove what studies keep that can be made again"),
    "export": Command("study.export", "", "write a study's model, with its card"),
    "thresholds": Command("study.thresholds", "", "a trial's mAP with all thresholds of its predictions"),
    "tables": Command("analysis.tables", "", "tables of studies: LaTeX, Markdown, CSV"),
    "figures": Command("analysis.figures", "", "figures of studies"),
    "report": Command("analysis.report", "", "a page that shows studies"),
    "compare": Command("analysis.compare", "", "two studies, paired by configuration and seed"),
    "diagnose": Command("analysis.diagnosis", "", "which errors a trial's segments have"),
    "evaluate": Command("trainables.evaluation", "", "mAP of segments against ground truth"),
    "check": Command("trainables.datasets", "check", "every problem of a data set"),
    "new": Command("trainables.datasets", "new", "write the data set file of a folder"),
    "extract": Command("trainables.videos", "extract", "videos to features"),
    "weights": Command("trainables.videos", "weights", "download the weights that extract needs for i3d-rgb"),
    "predict": Command("trainables.predict", "", "mark segments in new videos with an exported model"),
}


def by_console() -> bool:
    """Whether this process, or the one that started it, is the console command."""
    return bool(os.environ.get(CONSOLE_VARIABLE))


def typed(name: str) -> str:
    """How the user types the command of this name, without its arguments."""
    command = COMMANDS[name]
    return f"refineloc {name}" if by_console() else " ".join(["python -m", command.module, command.first]).rstrip()


def program(module: str) -> str:
    """What the help of a module calls it: as typed, but for the subcommand where the module has several."""
    name = next(name for name, command in COMMANDS.items() if command.module == module)
    return typed(name).removesuffix(f" {COMMANDS[name].first}") if COMMANDS[name].first else typed(name)


def aligned(*lines: tuple[str, str]) -> str:
    """Examples for a page of help: a command line, and after two blanks or more what it does."""
    width = max(len(command) for command, does in lines if does)
    return "\n".join(f"  {command:<{width}}  {does}".rstrip() for command, does in lines)
