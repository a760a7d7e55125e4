"""``--set KEY=VALUE``: values on the command line."""

from __future__ import annotations

from typing import Any

from trainables.config import Overrides
from trainables.errors import UserError
from trainables.text_files import parse_yaml_value


def parse_assignments(assignments: list[str], option: str = "--set", example: str = "training.epochs=30") -> Overrides:
    """``["loss.beta=2"]`` -> ``{"loss.beta": 2}``; values are YAML, and 1e-4 is a number. Raises UserError."""
    values = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UserError(f"{option}: '{text}' is not KEY=VALUE, for instance {example}")
        try:
            values[key.strip()] = _number(parse_yaml_value(value, key))
        except UserError as error:
            raise UserError(f"{option}: {key}: '{value}' is not a value; quote it as in YAML ({error})") from None
    return values


def _number(value: Any) -> Any:
    """YAML takes 1e-4 for a word, as it has no point; nobody means that."""
    if isinstance(value, str) and "e" in value.lower():
        try:
            return float(value)
        except ValueError:
            return value
    return value
