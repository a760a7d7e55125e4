"""Numbers as text."""

import json

import pytest

from analysis.text.numbers import DASH, finite, interval_text, number_text
from trainables.counts import count_text


@pytest.mark.parametrize(
    ("value", "text"), [(12.345, "12.35"), (None, DASH), (float("nan"), DASH), (float("inf"), DASH), (0.0, "0.00")]
)
def test_an_absent_number_is_a_dash_and_zero_is_zero(value: float | None, text: str) -> None:
    assert number_text(value) == text


def test_signs_decimals_and_counts() -> None:
    assert number_text(3.04, 1, signed=True) == "+3.0"
    assert interval_text((1.0, 2.5)) == "1.00 to 2.50"
    assert interval_text(None) == DASH
    assert (count_text(1, "seed"), count_text(3, "seed")) == ("1 seed", "3 seeds")


def test_json_has_null_for_what_it_cannot_hold() -> None:
    assert json.loads(json.dumps(finite({"a": [float("nan"), 1.0], "b": {"c": float("inf")}}), allow_nan=False)) == {
        "a": [None, 1.0], "b": {"c": None}
    }  # fmt: skip
