"""``python -m trainables.datasets``: ``check`` a data set and show its card, or write a file for a ``new`` one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from trainables.command_line import Parser
from trainables.commands import program, typed
from trainables.config import DatasetConfig, datasets, preset
from trainables.datasets import DataProblems, Dataset, load_dataset, make_card
from trainables.datasets.draft import Given, default_file, draft
from trainables.errors import UserError
from trainables.files import require_writable, write_whole
from trainables.output import print_error, run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 when the data set is usable as it is, or its file is written; 1 when M0 learns nothing from it; 2
    when it is not usable."""
    options = command_parser().parse_args(arguments)
    try:
        status: int = options.command(options)
    except UserError as error:
        return print_error(error)
    return status


def _check(options: argparse.Namespace) -> int:
    config = _config(options)
    try:
        dataset = load_dataset(config, options.data_dir)
    except DataProblems as error:
        if error.dataset is not None:
            print(make_card(error.dataset, config))
        print(f"{len(error.problems)} problem{'s' * (len(error.problems) > 1)} found:", file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
        return 2
    print(make_card(dataset, config))
    print("no problem found")
    return _probe(options, dataset) if options.probe else 0


def _probe(options: argparse.Namespace, dataset: Dataset) -> int:
    """Whether M0 learns with the settings that the data set starts from; 1 where it does not."""
    from trainables.refinement.learning import learning_check  # torch takes seconds to import

    found = learning_check(preset(options.dataset, options.features, "released"), dataset)
    print(found)
    for problem in found.problems():
        print(f"M0 did not learn: {problem}", file=sys.stderr)
    return int(bool(found.problems()))


def _config(options: argparse.Namespace) -> DatasetConfig:
    config = preset(options.dataset, options.features, "released").dataset
    changes = {
        "annotations_path": options.annotations and str(options.annotations),
        "features_path": options.features_path and str(options.features_path),
        "allow_missing": options.allow_missing or None,
    }
    changed = config.model_copy(update={key: value for key, value in changes.items() if value is not None})
    # One file in place of two is that of both splits.
    return changed.model_copy(update={"test_annotations_path": None}) if options.annotations else changed


def _new(options: argparse.Namespace) -> int:
    file = options.out or default_file(options.folder)
    if file.exists() and not options.force:
        raise UserError(f"{file} exists; --out FILE writes another one, --force replaces it")
    if file.suffix not in (".yaml", ".yml"):
        raise UserError(f"--out: {file}: a data set file is a .yaml")
    given = Given(**{name: getattr(options, name) for name in Given.__dataclass_fields__})
    drafted = draft(options.folder, given, file.parent)
    require_writable(file.parent, "--out")
    write_whole(file, drafted.text().encode())
    for line in drafted.found:
        print(f"found    {line}")
    for line in drafted.assumed:
        print(f"assumed  {line}")
    print(f"written  {file}\nnext     {typed('check')} --dataset {file}")
    return 0


def _rate(text: str) -> float | str:
    if text == "native":
        return text
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be frames per second or 'native', got '{text}'")
    return value


def _frames(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of frames, 1 or more, got '{text}'")
    return int(text)


def command_parser() -> Parser:
    parser = Parser(prog=program("trainables.datasets"), description=__doc__)
    commands = parser.add_subparsers(required=True)
    check = commands.add_parser("check", help="print the card and every problem found; exit 2 if there is one")
    check.set_defaults(command=_check)
    names = f"one of {', '.join(datasets())}, or a data set file"
    check.add_argument("--dataset", required=True, metavar="NAME|PATH", help=names)
    check.add_argument("--features", metavar="NAME", help="which features, where a data set has several")
    check.add_argument("--data-dir", type=Path, default=Path("data"), metavar="DIR", help="default: data")
    check.add_argument("--annotations", type=Path, metavar="PATH", help="overrides DIR/NAME")
    check.add_argument("--features-path", type=Path, metavar="PATH", help="overrides DIR/NAME/FEATURES")
    check.add_argument("--allow-missing", action="store_true", help="videos without features are no problem")
    check.add_argument(
        "--probe", action="store_true", help="train M0 briefly and say whether it learns; 1 if it does not"
    )
    new = commands.add_parser("new", help="look at a folder and write its data set file, saying what is assumed")
    new.set_defaults(command=_new)
    new.add_argument("folder", type=Path, metavar="DIR", help="the data set's folder; the file lies in it")
    new.add_argument("--annotations", type=Path, metavar="PATH", help="where DIR holds none, or several")
    new.add_argument("--features", type=Path, metavar="PATH", help="where DIR holds none, or several")
    new.add_argument("--title", metavar="TEXT", help="as tables and captions call it")
    new.add_argument("--feature-name", metavar="NAME", help="of the features, e.g. i3d-rgb")
    new.add_argument("--fps", type=_rate, metavar="F|native", help="frame rate of the features")
    new.add_argument("--window", type=_frames, metavar="N", help="frames that a row of features sees")
    new.add_argument("--stride", type=_frames, metavar="N", help="frames from a row to the next (default: the window)")
    new.add_argument("--train", metavar="SUBSET|FILE", help="subset that trains, or a text file with a video a line")
    new.add_argument("--test", metavar="SUBSET|FILE", help="the same for the videos that test")
    new.add_argument("--out", type=Path, metavar="FILE", help="default: DIR/dataset.yaml")
    new.add_argument("--force", action="store_true", help="replace a file that exists")
    return parser


if __name__ == "__main__":
    run_command(main)
