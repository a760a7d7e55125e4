"""What the labels in a file mean: names of classes, or numbers where somebody says what they stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from trainables.errors import UserError
from trainables.text_files import read_text

UNKNOWN_LABEL = -1
_NUMBERED = re.compile(r"\s*([0-9]+)\s+(\S.*)")
_INTEGER = re.compile(r"[0-9]{1,9}")


def read_class_list(path: Path) -> tuple[str, ...]:
    """Names of a file, one a line, in order. Raises UserError for a name that stands twice and for none at all.

    Numbers in front, as in THUMOS14's ``detclasslist.txt``, are left out where every line begins with one and they
    run from 0 or 1 on; anywhere else they belong to the name ("2 person lift").
    """
    lines = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    if lines and all(numbered):
        numbers = [int(match[1]) for match in numbered if match]
        if numbers[0] in (0, 1) and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            lines = [match[2] for match in numbered if match]
    names = tuple(" ".join(line.split()) for line in lines)
    repeated = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if repeated is not None or not names:
        raise UserError(f"{path}: {f'class {repeated!r} stands twice' if names else 'names no class'}; one name a line")
    return names


def class_ids(classes: Sequence[str], numbers: Mapping[int, str]) -> dict[str, int]:
    """Label as text -> class id: by name, and by number unless classes are called by numbers themselves."""
    by_name = {name: index for index, name in enumerate(classes)}
    if any(name.isdigit() for name in classes):
        return by_name
    return {str(number): by_name[name] for number, name in numbers.items() if name in by_name} | by_name


def require_named(labels: Sequence[str], classes: Sequence[str], numbers: Mapping[int, str], source: object) -> None:
    """Raise UserError for integer labels that nothing gives a meaning to."""
    if numbers or any(name.isdigit() for name in classes):
        return
    integer = next((label for label in labels if _INTEGER.fullmatch(label) and label not in classes), None)
    if integer is not None:
        raise UserError(
            f"{source}: label {integer} is a number, but the ground truth names its classes ({', '.join(classes[:3])}"
            f"{', ...' if len(classes) > 3 else ''}); say which class is 0, 1, ... by --classes FILE, one name a line"
        )
