from __future__ import annotations

import math
from typing import Any

import pytest

from study.ledger.fields import DEEPEST, Fields, is_number, nested_at_most


def test_a_value_of_its_type_is_returned_as_it_is() -> None:
    given = Fields({"n": 3, "x": 0.5, "t": "text", "b": True, "l": ["a"], "c": [1, 2], "m": {"a": {"b": 1.0}}}, most=4)
    assert (given.count("n"), given.whole("n"), given.number("x"), given.seconds("x")) == (3, 3, 0.5, 0.5)
    assert (given.text("t"), given.truth("b"), given.texts("l"), given.counts("c")) == ("text", True, ("a",), (1, 2))
    assert given.mapping("m") == {"a": {"b": 1.0}}
    given.numbers("m")


def test_a_field_that_is_missing_or_null_is_none_or_empty_where_it_may_be() -> None:
    given = Fields({"null": None})
    for name in ("null", "missing"):
        assert name not in given
        assert given.optional_count(name) is None
        assert given.optional_whole(name) is None
        assert given.optional_number(name) is None
        assert given.optional_seconds(name) is None
        assert given.optional_text(name) is None
        assert given.optional_mapping(name) == {}
        given.numbers(name)
    assert given.truth("missing") is False
    assert (given.counts("missing"), given.texts("missing")) == ((), ())


@pytest.mark.parametrize(
    ("getter", "value", "rule"),
    [
        ("count", -1, "a whole number, 0 or more"),
        ("count", True, "a whole number, 0 or more"),
        ("count", 1.0, "a whole number, 0 or more"),
        ("count", 4, "below 4"),
        ("counts", 3, "a list of whole numbers"),
        ("counts", [4], "below 4"),
        ("whole", 10**16, "a whole number, 0 or more"),
        ("number", math.nan, "a number"),
        ("number", "1", "a number"),
        ("seconds", -0.5, "0 or more"),
        ("truth", 1, "true or false"),
        ("text", 3, "text"),
        ("texts", [3], "a list of text"),
        ("mapping", [], "a JSON object"),
        ("scalars", {"a": [1]}, "an object of single values"),
        ("numbers", {"a": "1"}, "an object of numbers"),
    ],
)
def test_another_value_is_refused_with_field_rule_and_value(getter: str, value: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=f"'key' must be {rule}.*, got "):
        getattr(Fields({"key": value}, most=4), getter)("key")


def test_a_missing_field_and_what_is_no_object_are_named() -> None:
    with pytest.raises(ValueError, match="lacks 'key'"):
        Fields({}).text("key")
    with pytest.raises(ValueError, match="is no JSON object but a list"):
        Fields([])


def test_objects_deeper_than_any_that_is_written_are_refused() -> None:
    tree: Any = 1
    for _ in range(DEEPEST):
        tree = {"a": tree}
    assert Fields({"key": tree}).mapping("key") == tree
    assert nested_at_most(tree, DEEPEST)
    with pytest.raises(ValueError, match="nested at most"):
        Fields({"key": {"a": tree}}).mapping("key")


def test_a_limit_holds_inside_of_an_object_too() -> None:
    with pytest.raises(ValueError, match="below 4"):
        Fields({}, most=4).inside({"n": 5}).count("n")


def test_numbers_are_finite_and_of_a_size_that_occurs() -> None:
    assert all(is_number(value) for value in (0, -1.5, 1e300))
    assert not any(is_number(value) for value in (True, None, "1", math.inf, 10**16))
