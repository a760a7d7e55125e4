"""The command line of every command: a wrong one is told in one line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from trainables.errors import nearest

UNKNOWN, MISSING = "unrecognized arguments: ", "the following arguments are required: "  # argparse's words


class Parser(argparse.ArgumentParser):
    """One line and exit status 2 for a wrong request, with the nearest known option. No option is abbreviated."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **options})
        self._words: list[str] = []

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> tuple[Any, list[str]]:  # type: ignore[override]
        """As argparse does, but nothing is left over: a subcommand names its own options in its error."""
        self._words = list(sys.argv[1:] if args is None else args)
        given, extra = super().parse_known_args(args, namespace)
        if extra:
            self.error(UNKNOWN + " ".join(extra))
        return given, extra

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {self._told(message)}\n")

    def _told(self, message: str) -> str:
        if message.startswith(UNKNOWN):
            return self._about_unknown(message.removeprefix(UNKNOWN).split()[0])
        if message.startswith(MISSING):
            # argparse looks for what is missing first; a typing error is the likelier reason
            unknown = next((word for word in self._words if self._is_unknown(word)), None)
            if unknown:
                return self._about_unknown(unknown)
            return f"{message.removeprefix(MISSING)}: required, but not given. '{self.prog} --help' tells more."
        told = message.removeprefix("argument ")
        of_several = [action for action in self._actions if isinstance(action.metavar, tuple)]
        for action in of_several:
            if told.startswith(f"{'/'.join(action.option_strings)}: expected "):
                return f"{told}: {' '.join(action.metavar or ())}"
        return told

    def _about_unknown(self, word: str) -> str:
        option = word.split("=")[0]
        listed = f"'{self.prog} --help' lists all."
        if option.startswith("--"):
            return f"{option}: unknown option. {nearest(option, self._options(), listed)}"
        return f"'{word}' belongs to no option. {listed}"

    def _is_unknown(self, word: str) -> bool:
        return len(word) > len("--") and word.startswith("--") and word.split("=")[0] not in self._options()

    def _options(self) -> list[str]:
        return [option for action in self._actions for option in action.option_strings if option.startswith("--")]
