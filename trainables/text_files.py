"""Reading text that a person or another program wrote: plain text, JSON, YAML and the numbers in them.

Every reader of the project goes through these functions, so that all of them accept and refuse the same: UTF-8 with
or without a byte order mark, regular files, keys that occur once, nesting that can be followed, finite numbers in
ASCII digits. Each function raises UserError in one line that names the file and, where there is one, the line.
"""

from __future__ import annotations

import json
import math
import os
import re
import reprlib
import stat
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trainables.errors import UserError
from trainables.json_types import JsonObject

MOST_BYTES = 2**30
MOST_YAML_BYTES = 2**20  # PyYAML needs about 20 s for a megabyte
MOST_YAML_VALUES = 100_000  # aliases counted as often as they are used: ten lines can stand for a billion values
MOST_SECONDS = 1e9  # 31 years
EXACT_DIGITS = 18  # longer integers are read as floats; Python refuses those of more than 4,300 digits

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def require_regular_file(path: Path) -> None:
    """Raise UserError unless ``path`` is a regular file: opening a FIFO would wait for ever."""
    try:
        found = os.stat(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a FIFO, a socket or a device"
        raise UserError(f"{path}: is {kind}, a file is needed")


def one_line(error: object, most: int = 200) -> str:
    """What another library says of a file, short enough to stand within a line."""
    return " ".join(str(error).split())[:most] or type(error).__name__


def read_text(path: Path, most_bytes: int = MOST_BYTES) -> str:
    """The text of a file, without a byte order mark."""
    require_regular_file(path)
    try:
        size = path.stat().st_size
        if size > most_bytes:
            raise UserError(f"{path}: has {size} bytes, a file of this kind at most {most_bytes}")
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    return decode(content, str(path))


def decode(content: bytes, source: str) -> str:
    """UTF-8 to text; the message names the line that is something else."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{source}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from None
    if "\0" in text:
        raise UserError(f"{source}, line {text.count(chr(10), 0, text.index(chr(0))) + 1}: holds a zero byte, no text")
    return text


def read_json(path: Path) -> Any:
    """The tree of a JSON file."""
    return parse_json(read_text(path), str(path))


def parse_json(text: str, source: str) -> Any:
    """A JSON tree; a key that stands twice in one object is refused, as one of its values would be lost."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise UserError(f"{source}: is not JSON: {error}") from None
    except RecursionError:
        raise UserError(f"{source}: is nested too deeply") from None
    except _RepeatedKey as error:
        raise UserError(f"{source}: the key {error} stands twice in one object; keep one") from None


class _RepeatedKey(ValueError):
    """Names the key."""


def _object(pairs: Sequence[tuple[str, Any]]) -> JsonObject:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        raise _RepeatedKey(reprlib.repr(Counter(key for key, _ in pairs).most_common(1)[0][0]))
    return tree


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= EXACT_DIGITS else float(text)


def read_yaml(path: Path) -> JsonObject:
    """The mapping of a YAML file."""
    return parse_yaml(read_text(path, MOST_YAML_BYTES), str(path))


def parse_yaml(text: str, source: str) -> JsonObject:
    """A YAML mapping; UserError otherwise, as for ``parse_yaml_value``."""
    tree = parse_yaml_value(text, source)
    if not isinstance(tree, dict):
        raise UserError(f"{source}: expected a mapping of keys to values, got {type(tree).__name__}")
    return tree


def parse_yaml_value(text: str, source: str) -> Any:
    """Any YAML value; the message names the line of the fault. A key that stands twice in one mapping is refused."""
    import yaml  # what trains with a configuration from elsewhere needs none

    class UniqueKeys(yaml.SafeLoader):
        """Compares keys before ``<<`` adds others, which a mapping may override."""

        def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
            node = super().compose_mapping_node(anchor)
            seen = set()
            for key, _ in node.value:
                name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else key
                if name in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"the key '{key.value}' stands twice", problem_mark=key.start_mark
                    )
                seen.add(name)
            return node

    try:
        tree = yaml.load(text, UniqueKeys)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1})" if mark else ""
        raise UserError(f"{source}: not valid YAML{place}: {getattr(error, 'problem', error)}") from None
    except RecursionError:
        raise UserError(f"{source}: is nested too deeply") from None
    except (ValueError, OverflowError) as error:  # dates and numbers that Python cannot hold
        raise UserError(f"{source}: not valid YAML: {error}") from None
    _require_few_values(tree, source)
    return tree


def _require_few_values(tree: Any, source: str) -> None:
    waiting, seen = [tree], 0
    while waiting:
        node = waiting.pop()
        children = list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []
        seen += len(children)
        if seen > MOST_YAML_VALUES:
            raise UserError(f"{source}: has more than {MOST_YAML_VALUES} values, repeated by its aliases")
        waiting += children


def finite_number(value: Any) -> float:
    """A finite number, from JSON or from text in ASCII digits; raises ValueError for anything else.

    Python's own ``float`` would also take ``1_0``, the digits of other scripts, ``inf`` and ``nan``.
    """
    if isinstance(value, str):
        stripped = value.strip()
        found = float(stripped) if _NUMBER.fullmatch(stripped) else math.nan
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        found = float(value)
    else:
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(f"must be a number, got {reprlib.repr(value)}")
    return found


def seconds(value: Any) -> float:
    """A time within a video, of at most MOST_SECONDS; raises ValueError. Beyond, differences of times overflow."""
    found = finite_number(value)
    if abs(found) > MOST_SECONDS:
        raise ValueError(f"must be seconds within a video, got {reprlib.repr(value)}")
    return found


def checked_name(value: Any) -> str:
    """The name of a video or a class; raises ValueError where it is empty, no text, or cannot be written as UTF-8."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"must be a name, got {reprlib.repr(value)}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"must be Unicode text, got {value!a}") from None
    return value
