"""``python -m trainables.datasets check``: the card of a data set, and every problem found in its files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from trainables.config import DatasetConfig
from trainables.datasets import FAMILIES, DataProblems, family, load_dataset, make_card
from trainables.errors import UserError
from trainables.output import print_error, run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 when the data set is usable as it is, 2 when not."""
    options = _parser().parse_args(arguments)
    try:
        config = _config(options)
        dataset = load_dataset(config, options.data_dir)
    except DataProblems as error:
        if error.dataset is not None:
            print(make_card(error.dataset, config))
        print(f"{len(error.problems)} problem{'s' * (len(error.problems) > 1)} found:", file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
        return 2
    except UserError as error:
        return print_error(error)
    print(make_card(dataset, config))
    print("no problem found")
    return 0


def _config(options: argparse.Namespace) -> DatasetConfig:
    family(options.dataset)
    from trainables.config import preset  # after the name is known, so that its message wins

    config = preset(options.dataset, options.features, "released").dataset
    changes = {
        "annotations_path": options.annotations and str(options.annotations),
        "features_path": options.features_path and str(options.features_path),
        "allow_missing": options.allow_missing or None,
    }
    return config.model_copy(update={key: value for key, value in changes.items() if value is not None})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m trainables.datasets", description=__doc__)
    commands = parser.add_subparsers(required=True)
    check = commands.add_parser("check", help="print the card and every problem found; exit 2 if there is one")
    check.add_argument("--dataset", required=True, metavar="NAME", help=f"one of {', '.join(FAMILIES)}")
    check.add_argument("--features", metavar="TYPE", help="feature type of an external data set, i3d or tsn")
    check.add_argument("--data-dir", type=Path, default=Path("data"), metavar="DIR", help="default: data")
    check.add_argument("--annotations", type=Path, metavar="PATH", help="overrides DIR/NAME")
    check.add_argument("--features-path", type=Path, metavar="PATH", help="overrides DIR/NAME/TYPE")
    check.add_argument("--allow-missing", action="store_true", help="videos without features are no problem")
    return parser


if __name__ == "__main__":
    run_command(main)
