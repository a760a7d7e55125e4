"""The command ``refineloc COMMAND``: the same as ``python -m`` of the module that does it."""

from __future__ import annotations

import runpy
import sys
from importlib import metadata

from trainables.errors import nearest
from trainables.output import print_error, run_command

# Command -> its module, what stands before the user's arguments, what it does.
COMMANDS: dict[str, tuple[str, list[str], str]] = {
    "launch": ("study.launch", [], "start or resume a study"),
    "status": ("study.status", [], "say where a study stands"),
    "export": ("study.export", [], "write a study's model, with its card"),
    "tables": ("analysis.tables", [], "tables of studies: LaTeX, Markdown, CSV"),
    "figures": ("analysis.figures", [], "figures of studies"),
    "report": ("analysis.report", [], "a page that shows studies"),
    "compare": ("analysis.compare", [], "two studies, paired by configuration and seed"),
    "diagnose": ("analysis.diagnosis", [], "which errors a trial's segments have"),
    "evaluate": ("trainables.evaluation", [], "mAP of segments against ground truth"),
    "check": ("trainables.datasets", ["check"], "every problem of a data set"),
    "new": ("trainables.datasets", ["new"], "write the data set file of a folder"),
    "extract": ("trainables.videos", ["extract"], "videos to features"),
    "predict": ("trainables.predict", [], "mark segments in new videos with an exported model"),
}
EXAMPLES = """examples:
  refineloc launch --dataset thumos14 --num-samples 64
  refineloc status NAME
  refineloc tables --study NAME
  refineloc check --dataset my-set/dataset.yaml"""


def main() -> None:
    """Run the command of this process's arguments and exit with its status."""
    command, *arguments = sys.argv[1:] or ["--help"]
    if command not in COMMANDS:
        run_command(lambda: _without_command(command))
    module, before, _ = COMMANDS[command]
    sys.argv[1:] = [*before, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _without_command(word: str) -> int:
    if word in ("-h", "--help"):
        print(_help())
        return 0
    if word == "--version":
        print(f"refineloc {metadata.version('refineloc-study')}")
        return 0
    return print_error(f"refineloc: no command '{word}'. {nearest(word, COMMANDS)} 'refineloc --help' tells all.")


def _help() -> str:
    lines = [f"  {name:<10}{does}" for name, (_, _, does) in COMMANDS.items()]
    usage = "usage: refineloc COMMAND ...   (refineloc COMMAND --help tells its options)"
    return "\n".join([usage, "", "commands:", *lines, "", EXAMPLES])


if __name__ == "__main__":
    main()
