"""Validation of nested mappings by pydantic models, with errors in the user's words: one line for each problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from trainables.commands import typed
from trainables.config.part import ExtendedPart
from trainables.errors import UserError, nearest
from trainables.json_types import JsonObject

ModelT = TypeVar("ModelT", bound=BaseModel)
MEMBERS = ("float", "int", "str", "bool")  # pydantic's names for the types of one key, behind that key


def validated(model: type[ModelT], tree: Any, source: str) -> ModelT:
    """``model`` made from ``tree``, or UserError in the user's words."""
    if not isinstance(tree, Mapping):
        raise UserError(f"{source}: expected a mapping of keys to values, got {type(tree).__name__}")
    try:
        return model.model_validate(dict(tree))
    except ValidationError as error:
        raise UserError("\n".join(_lines(model, error, source))) from None


def keys_of(model: type[BaseModel]) -> list[str]:
    """All dotted keys of a model, e.g. ``loss.beta``."""
    return list(_keys_of(model))


@cache
def _keys_of(model: type[BaseModel], prefix: str = "") -> dict[str, None]:
    keys: dict[str, None] = {}
    for name, field in model.model_fields.items():
        part = _part(field.annotation)
        keys |= _keys_of(part, f"{prefix}{name}.") if part else {f"{prefix}{name}": None}
    return keys


def _part(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def with_left_out(model: type[BaseModel], tree: Mapping[str, Any]) -> JsonObject:
    """A tree of ``model`` with the defaults that are left out where it is written (``ExtendedPart``)."""
    found = dict(tree)
    for name, field in model.model_fields.items():
        part = _part(field.annotation)
        if part and isinstance(found.get(name), Mapping):
            found[name] = with_left_out(part, found[name])
        elif issubclass(model, ExtendedPart) and name in model.later_fields:
            found.setdefault(name, field.default)
    return found


def set_key(model: type[BaseModel], tree: JsonObject, key: str, value: Any, source: str) -> None:
    """Put a value at a dotted key of a tree of ``model``; raises UserError for a key that it does not have."""
    known = _keys_of(model)
    if key not in known:
        listed = f"'{typed('config')}' lists all {len(known)}."
        raise UserError(f"{source}: {key}: unknown key. {nearest(key, list(known), listed)}")
    *parents, leaf = key.split(".")
    for name in parents:
        if tree.get(name) is None:
            tree[name] = {}
        tree = tree[name]
    tree[leaf] = value


def _lines(model: type[BaseModel], error: ValidationError, source: str) -> list[str]:
    lines: list[str] = []
    wrong: dict[tuple[str, str], list[str]] = {}  # (place, what stands there) -> one rule, or one for each allowed type
    for item in error.errors(include_url=False):
        location = [str(part) for part in item["loc"]]
        key = ".".join(part for part in location if "[" not in part and part not in MEMBERS)
        if item["type"] == "extra_forbidden":
            parent = model
            for name in (part for part in location[:-1] if part in parent.model_fields):  # not places in a list
                parent = _part(parent.model_fields[name].annotation) or parent
            lines.append(f"{source}: {key}: unknown key. {nearest(location[-1], parent.model_fields)}")
        elif item["type"] == "missing":
            lines.append(f"{source}: {key}: required key is missing")
        else:
            got = "" if item["type"] == "value_error" else f", got {item['input']!r}"
            place = f"{source}: {key}" if key else source  # what is wrong between parts has no key of its own
            wrong.setdefault((place, got), []).append(_lower(item["msg"]))
    return lines + [f"{place}: {_either(rules)}{got}" for (place, got), rules in wrong.items()]


def _either(rules: Sequence[str]) -> str:
    """``input should be a valid number or 'native'``: a value of several types breaks the rule of each."""
    first, *others = rules
    return " or ".join([first, *(rule.removeprefix("input should be ") for rule in others)])


def _lower(message: str) -> str:
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]
