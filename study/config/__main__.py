"""``python -m study.config``: the configuration that a launch with the same options would have."""

from __future__ import annotations

import argparse
import json

from study.cli.arguments import add_configuration, parse_arguments
from study.cli.resolved import resolved, resolved_text
from trainables.command_line import Parser
from trainables.commands import aligned, program, typed
from trainables.errors import UserError
from trainables.output import print_error, run_command


def command_parser() -> Parser:
    """Of the command."""
    command = typed("config")
    examples = aligned(
        (command, "every setting of the default study, and where it is from"),
        (f"{command} training", "those with this word in their name"),
        (f"{command} --about --dataset thumos14", "with what each of them means"),
        (f"{command} --dataset thumos14 --study generator-beta --set training.epochs=30", ""),
        (f"{command} --dataset my-set/dataset.yaml --protocol paper --json", ""),
    )
    made = Parser(
        prog=program("study.config"),
        description="The resolved configuration of a launch with the same options, with where each value is from: "
        "default, preset, data set file, --config, study, another option, --set; the last of these wins. "
        "Nothing is started and no data are read: what a launch changes for lack of annotations is not in it.",
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("word", nargs="?", default="", metavar="WORD", help="only settings with this in their name")
    made.add_argument("--about", action="store_true", help="also what each setting means")
    made.add_argument("--json", action="store_true", help="for other programs")
    add_configuration(made.add_argument_group("options of launch"))
    return made


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status: 0, or 2 for a wrong request."""
    given = command_parser().parse_args(arguments)
    request = argparse.Namespace(**{**vars(parse_arguments([])), **vars(given)})
    try:
        found = resolved(request).with_word(given.word)
        if not found.settings:
            raise UserError(f"no setting has '{given.word}' in its name; {typed('config')} lists all")
    except UserError as error:
        return print_error(error)
    print(json.dumps(found.to_json(), indent=1) if given.json else resolved_text(found, request, given.about))
    return 0


if __name__ == "__main__":
    run_command(main)
