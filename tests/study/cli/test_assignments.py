from __future__ import annotations

import pytest

from study.cli.assignments import parse_assignments
from trainables.errors import UserError


def test_values_are_read_as_people_write_them() -> None:
    values = parse_assignments(["a=1e-4", "b=two", "c=null", "d=[0.5, 0.7]", "e=held-out", "f=3", "g=true"])
    assert values == {"a": 1e-4, "b": "two", "c": None, "d": [0.5, 0.7], "e": "held-out", "f": 3, "g": True}


def test_the_last_of_two_values_counts_and_a_value_may_hold_an_equals_sign() -> None:
    assert parse_assignments(["a=1", "a=2", "b=x=y"]) == {"a": 2, "b": "x=y"}


def test_the_example_is_one_of_the_option() -> None:
    with pytest.raises(UserError, match="--trial: 'beta' is not KEY=VALUE, for instance beta=2"):
        parse_assignments(["beta"], "--trial", "beta=2")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training.epochs", "'training.epochs' is not KEY=VALUE"),
        ("=3", "'=3' is not KEY=VALUE"),
        ("a=[1", "a: '\\[1' is not a value"),
    ],
)
def test_what_is_no_assignment_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_assignments([text])


@pytest.mark.parametrize("value", ["{a: 1, a: 2}", "[" * 2000])
def test_a_repeated_key_and_deep_nesting_are_refused_in_one_line(value: str) -> None:
    with pytest.raises(UserError, match=r"--set: loss\.beta: .* is not a value") as refused:
        parse_assignments([f"loss.beta={value}"])
    assert "\n" not in str(refused.value)
