"""What every part of a configuration keeps to."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from trainables.config.part import FloatTuple, Part, Share, StrTuple


class Example(Part):
    share: Share = 0.5
    thresholds: FloatTuple = (0.5,)
    names: StrTuple = ()
    epochs: int = 1


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"share": 1.01}, "less_than_equal"),
        ({"share": float("nan")}, "finite_number"),
        ({"epochs": "3"}, "int_type"),
        ({"epochs": True}, "int_type"),
        ({"thresholds": ["0.5"]}, "float_type"),
        ({"names": "one"}, "tuple_type"),
        ({"epoch": 3}, "extra_forbidden"),
    ],
)
def test_nothing_is_cast_and_no_unknown_key_is_dropped(values: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Example.model_validate(values)
    assert [error["type"] for error in caught.value.errors()] == [rule]


def test_lists_of_yaml_and_json_become_tuples_so_that_a_part_can_be_hashed() -> None:
    part = Example.model_validate({"thresholds": [0.1, 0.2], "names": ["a"]})
    assert (part.thresholds, part.names) == ((0.1, 0.2), ("a",))
    assert hash(part) == hash(Example(thresholds=(0.1, 0.2), names=("a",)))
