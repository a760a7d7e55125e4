"""Typed values of a JSON object that somebody else wrote: each is of its type and plausible, or refused in words."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from typing import Any, TypeGuard

from trainables.json_types import JsonObject

DEEPEST = 12  # levels of nesting of anything that this program writes, with room
LARGEST = 1e15  # of a number that is seconds, bytes or percent


class Fields:
    """The fields of one object; every getter raises ValueError that names the field, the rule and the value."""

    def __init__(self, tree: Any, most: int | None = None) -> None:
        """most: every count in the object is below it, None for no such limit."""
        if not isinstance(tree, Mapping):
            raise ValueError(f"is no JSON object but {_kind(tree)}")
        self.tree, self._most = tree, most

    def inside(self, tree: Any) -> Fields:
        """The fields of an object in this one, under the same limit."""
        return Fields(tree, self._most)

    def __contains__(self, name: str) -> bool:
        return self.tree.get(name) is not None

    def count(self, name: str) -> int:
        """A whole number, 0 or more, and below ``most``."""
        return self._checked_count(name, self.tree.get(name))

    def counts(self, name: str) -> tuple[int, ...]:
        """A list of such numbers; empty where the field is missing."""
        values = self.tree.get(name, [])
        if not isinstance(values, list):
            raise self._refusal(name, "a list of whole numbers")
        return tuple(self._checked_count(name, value) for value in values)

    def optional_count(self, name: str) -> int | None:
        return self.count(name) if name in self else None

    def whole(self, name: str) -> int:
        """A whole number, 0 or more, without further limit."""
        value = self.tree.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < LARGEST:
            raise self._refusal(name, "a whole number, 0 or more")
        return value

    def optional_whole(self, name: str) -> int | None:
        return self.whole(name) if name in self else None

    def number(self, name: str) -> float:
        value = self.tree.get(name)
        if not is_number(value):
            raise self._refusal(name, "a number")
        return value

    def optional_number(self, name: str) -> float | None:
        return self.number(name) if name in self else None

    def seconds(self, name: str) -> float:
        """A number, 0 or more."""
        value = self.number(name)
        if value < 0:
            raise self._refusal(name, "0 or more")
        return value

    def optional_seconds(self, name: str) -> float | None:
        return self.seconds(name) if name in self else None

    def truth(self, name: str) -> bool:
        """A truth value; False where the field is missing."""
        value = self.tree.get(name, False)
        if not isinstance(value, bool):
            raise self._refusal(name, "true or false")
        return value

    def text(self, name: str) -> str:
        value = self.tree.get(name)
        if not isinstance(value, str):
            raise self._refusal(name, "text")
        return value

    def optional_text(self, name: str) -> str | None:
        return self.text(name) if name in self else None

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of text; empty where the field is missing."""
        values = self.tree.get(name) or []
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise self._refusal(name, "a list of text")
        return tuple(values)

    def mapping(self, name: str) -> JsonObject:
        """An object that is nested no deeper than this program writes."""
        value = self.tree.get(name)
        if not isinstance(value, dict):
            raise self._refusal(name, "a JSON object")
        if not nested_at_most(value, DEEPEST):
            raise self._refusal(name, f"nested at most {DEEPEST} levels deep")
        return value

    def optional_mapping(self, name: str) -> JsonObject:
        """Such an object; empty where the field is missing."""
        return self.mapping(name) if name in self else {}

    def scalars(self, name: str) -> JsonObject:
        """An object whose values are text, numbers, truth values or null."""
        value = self.mapping(name)
        if not all(_is_scalar(one) for one in value.values()):
            raise self._refusal(name, "an object of single values")
        return value

    def numbers(self, name: str) -> None:
        """Check that a field is missing, or an object that holds numbers and nulls alone, however deep."""
        if name in self and not _holds_numbers(self.mapping(name)):
            raise self._refusal(name, "an object of numbers")

    def _checked_count(self, name: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self._refusal(name, "a whole number, 0 or more")
        if self._most is not None and value >= self._most:
            raise self._refusal(name, f"below {self._most}, as a ledger of so many lines cannot count further")
        return value

    def _refusal(self, name: str, rule: str) -> ValueError:
        if name not in self.tree:
            return ValueError(f"lacks '{name}'")
        return ValueError(f"'{name}' must be {rule}, got {reprlib.repr(self.tree[name])}")


def is_number(value: Any) -> TypeGuard[float]:
    """A finite number of a size that occurs; truth values are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= LARGEST if isinstance(value, int) else math.isfinite(value)


def nested_at_most(tree: Any, levels: int) -> bool:
    """Whether lists and objects lie at most so many levels deep."""
    if not isinstance(tree, dict | list):
        return True
    return levels > 0 and all(
        nested_at_most(part, levels - 1) for part in (tree.values() if isinstance(tree, dict) else tree)
    )


def _holds_numbers(tree: Any) -> bool:
    if isinstance(tree, dict | list):
        return all(_holds_numbers(part) for part in (tree.values() if isinstance(tree, dict) else tree))
    return tree is None or is_number(tree)


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | bool) or is_number(value)


def _kind(value: Any) -> str:
    return {list: "a list", str: "text", type(None): "null", bool: "a truth value"}.get(type(value), "a number")
